import {
  type Environment,
  type OAuthProxyOptions,
  type OAuthUpstream,
  type UpstreamCall,
  UpstreamRefused,
  UpstreamUnavailable,
} from '@drawbridge/core'
import { membersOf } from './internal/members-of.ts'
import { describeUpstream, OAuthProvider, pickClaims, requireObject, requireSubject } from './oauth.ts'

/** Twitch: tokens live four hours or so and are refreshed. The subject is the account's id. Throws `ConfigurationError` with every problem of the options. */
export class TwitchProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, twitch(), environment)
  }
}

/**
 * Twitch as data.
 * @see https://dev.twitch.tv/docs/authentication/getting-tokens-oauth/
 * @see https://dev.twitch.tv/docs/authentication/refresh-tokens/
 */
export function twitch(): OAuthUpstream {
  return describeUpstream({
    name: 'Twitch',
    authorizationEndpoint: `${id}/authorize`,
    tokenEndpoint: `${id}/token`,
    clientAuthentication: 'client_secret_post',
    // A request without scopes is not documented, and this one is the least.
    defaultScopes: ['user:read:email'],
    // Its documentation speaks of no challenge.
    pkce: false,
    quirks: { scopesInList: true, readError },
    revocation: { request: revoke },
    async identify(call) {
      await requireOurs(call)
      const answer = requireObject(await call.getJson('https://api.twitch.tv/helix/users', { 'client-id': call.client.clientId }))
      const said = membersOf(Array.isArray(answer.data) ? answer.data[0] : undefined)
      return { subject: requireSubject(said.id), claims: pickClaims(said, claimNames), said }
    },
  })
}

const id = 'https://id.twitch.tv/oauth2'

const claimNames: readonly string[] = ['login', 'display_name', 'email', 'profile_image_url', 'broadcaster_type']

// @see https://dev.twitch.tv/docs/authentication/validate-tokens/
async function requireOurs({ ask, accessToken, client }: UpstreamCall): Promise<void> {
  const { status, json } = await ask(`${id}/validate`, { headers: { accept: 'application/json', authorization: `OAuth ${accessToken}` } })
  if (status === 401) throw new UpstreamRefused('token_not_accepted')
  if (status >= 300) throw new UpstreamUnavailable(`status_${status}`)
  if (membersOf(json).client_id !== client.clientId) throw new UpstreamRefused('token_of_another_app')
}

// What is wrong is in a sentence; `error` repeats the status.
function readError({ message }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof message === 'string' ? meanings[message.toLowerCase()] : undefined
}

const meanings: Readonly<Record<string, string>> = {
  'invalid authorization code': 'invalid_grant',
  'invalid refresh token': 'invalid_grant',
  'invalid client': 'invalid_client',
  'invalid client secret': 'invalid_client',
}

// RFC 7009 but for our secret, which it does not want. @see https://dev.twitch.tv/docs/authentication/revoke-tokens/
function revoke(accessToken: string, { clientId }: { readonly clientId: string }): { url: string; init: RequestInit } {
  const body = new URLSearchParams({ client_id: clientId, token: accessToken })
  return { url: `${id}/revoke`, init: { method: 'POST', headers: { accept: 'application/json' }, body } }
}
