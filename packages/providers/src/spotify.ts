import type { Environment, OAuthProxyOptions, OAuthUpstream } from '@drawbridge/core'
import { describeUpstream, OAuthProvider } from './oauth.ts'

/** Spotify. The subject is the account's id that never changes. Throws `ConfigurationError` with every problem of the options. */
export class SpotifyProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, spotify(), environment)
  }
}

/**
 * Spotify as data.
 * @see https://developer.spotify.com/documentation/web-api/tutorials/code-flow
 * @see https://developer.spotify.com/documentation/web-api/tutorials/refreshing-tokens
 */
export function spotify(): OAuthUpstream {
  return describeUpstream({
    name: 'Spotify',
    authorizationEndpoint: 'https://accounts.spotify.com/authorize',
    tokenEndpoint: 'https://accounts.spotify.com/api/token',
    // PKCE is a flow of its own there, for apps without a secret. @see https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow
    pkce: false,
    userEndpoint: 'https://api.spotify.com/v1/me',
    // `id` can change. @see https://developer.spotify.com/documentation/web-api/concepts/spotify-uris-ids
    subjectMember: 'account_id',
    claimNames: ['display_name', 'id', 'email', 'product', 'country'],
  })
}
