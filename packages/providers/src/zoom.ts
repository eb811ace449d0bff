import type { Environment, OAuthProxyOptions, OAuthUpstream, UpstreamClientCredentials } from '@drawbridge/core'
import { basicAuthorization } from './internal/basic-authorization.ts'
import { describeUpstream, OAuthProvider } from './oauth.ts'

/** Zoom: tokens live an hour and are refreshed, with a refresh token that changes each time. The subject is the account's user id. Throws `ConfigurationError` with every problem of the options. */
export class ZoomProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, zoom(), environment)
  }
}

/**
 * Zoom as data.
 * @see https://developers.zoom.us/docs/integrations/oauth/
 */
export function zoom(): OAuthUpstream {
  return describeUpstream({
    name: 'Zoom',
    authorizationEndpoint: 'https://zoom.us/oauth/authorize',
    tokenEndpoint: 'https://zoom.us/oauth/token',
    defaultScopes: [readUser],
    // Whatever a client asks for, we have to ask who the person is.
    scopes: { always: [readUser] },
    revocation: { request: revoke },
    // @see https://developers.zoom.us/docs/api/users/#tag/users/GET/users/{userId}
    userEndpoint: 'https://api.zoom.us/v2/users/me',
    subjectMember: 'id',
    claimNames: ['first_name', 'last_name', 'email', 'verified', 'account_id', 'role_name', 'dept', 'group_ids'],
  })
}

/** One of the granular scopes, which every app has that was made since 2024. @see https://developers.zoom.us/docs/integrations/oauth-scopes-granular/ */
const readUser = 'user:read:user'

// Zoom's endpoint is that of RFC 7009 but for the refresh token, which it does not speak of.
// @see https://developers.zoom.us/docs/integrations/oauth/#revoking-an-access-token
function revoke(accessToken: string, client: UpstreamClientCredentials): { url: string; init: RequestInit } {
  const headers = { accept: 'application/json', authorization: basicAuthorization(client) }
  return { url: 'https://zoom.us/oauth/revoke', init: { method: 'POST', headers, body: new URLSearchParams({ token: accessToken }) } }
}
