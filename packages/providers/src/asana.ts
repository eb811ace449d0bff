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

/** Asana: tokens live an hour and are refreshed. The subject is the account's gid. Throws `ConfigurationError` with every problem of the options. */
export class AsanaProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, asana(), environment)
  }
}

/**
 * Asana as data, for an app with scopes. An app with full permissions: `{ ...asana(), defaultScopes: ['default'], scopes: {} }`.
 * @see https://developers.asana.com/docs/oauth
 */
export function asana(): OAuthUpstream {
  return describeUpstream({
    name: 'Asana',
    authorizationEndpoint: `${oauth}_authorize`,
    tokenEndpoint: `${oauth}_token`,
    clientAuthentication: 'client_secret_post',
    defaultScopes: [readUsers],
    // Whatever a client asks for, we have to ask who the person is.
    scopes: { always: [readUsers] },
    revocation: { endpoint: `${oauth}_revoke` },
    async identify(call) {
      const [answer] = await Promise.all([call.getJson('https://app.asana.com/api/1.0/users/me'), call.login && requireOurs(call)])
      const said = membersOf(requireObject(answer).data)
      const claims = pickClaims({ ...said, workspaces: workspacesOf(said) }, ['name', 'email', 'workspaces'])
      return { subject: requireSubject(said.gid), claims, said }
    },
  })
}

const oauth = 'https://app.asana.com/-/oauth'

/** @see https://developers.asana.com/docs/oauth-scopes */
const readUsers = 'users:read'

/** The workspaces and organizations of the person, by what stays and what people read. @see https://developers.asana.com/reference/getuser */
function workspacesOf({ workspaces }: Readonly<Record<string, unknown>>): unknown {
  return Array.isArray(workspaces) ? workspaces.map((workspace) => pickClaims(membersOf(workspace), ['gid', 'name'])) : null
}

// Later there is nobody to ask about: tokens are refreshed with our credentials alone. A token that is not of an app has no client.
async function requireOurs({ ask, accessToken, client }: UpstreamCall): Promise<void> {
  const body = new URLSearchParams({ token: accessToken })
  const { status, json } = await ask('https://app.asana.com/-/token_info', {
    method: 'POST',
    headers: { accept: 'application/json' },
    body,
  })
  if (status >= 300) throw new UpstreamUnavailable(`status_${status}`)
  const { active, client_id } = requireObject(json)
  if (active !== true) throw new UpstreamRefused('token_not_accepted')
  if (String(client_id) !== client.clientId) throw new UpstreamRefused('token_of_another_app')
}
