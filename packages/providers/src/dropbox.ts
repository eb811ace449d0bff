import type { Environment, OAuthProxyOptions, OAuthUpstream } from '@drawbridge/core'
import { membersOf } from './internal/members-of.ts'
import { describeUpstream, OAuthProvider, pickClaims, requireObject, requireSubject } from './oauth.ts'

/** Dropbox: tokens live four hours and are refreshed. The subject is the account's id. Throws `ConfigurationError` with every problem of the options. */
export class DropboxProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, dropbox(), environment)
  }
}

/**
 * Dropbox as data.
 * @see https://www.dropbox.com/developers/documentation/http/documentation
 * @see https://developers.dropbox.com/oauth-guide
 */
export function dropbox(): OAuthUpstream {
  return describeUpstream({
    name: 'Dropbox',
    authorizationEndpoint: 'https://www.dropbox.com/oauth2/authorize',
    tokenEndpoint: `${api}/oauth2/token`,
    clientAuthentication: 'client_secret_post',
    defaultScopes: [accountInfo],
    // Whatever a client asks for, we have to ask who the person is.
    scopes: { always: [accountInfo] },
    // A refresh token comes with nothing less. @see https://dropbox.tech/developers/using-oauth-2-0-with-offline-access
    authorizeParameters: { token_access_type: 'offline' },
    // It ends the refresh token too. @see https://www.dropbox.com/developers/documentation/http/documentation#auth-token-revoke
    revocation: { request: (accessToken) => ({ url: `${api}/2/auth/token/revoke`, init: inTheNameOf(accessToken) }) },
    async identify(call) {
      const said = requireObject(await call.postJson(`${api}/2/users/get_current_account`))
      const parts = { name: membersOf(said.name).display_name, team_id: membersOf(said.team).id }
      const claims = pickClaims({ ...said, ...parts }, ['name', 'email', 'email_verified', 'team_id', 'team_member_id'])
      return { subject: requireSubject(said.account_id), claims, said }
    },
  })
}

const api = 'https://api.dropboxapi.com'

const accountInfo = 'account_info.read'

function inTheNameOf(accessToken: string): RequestInit {
  return { method: 'POST', headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` } }
}
