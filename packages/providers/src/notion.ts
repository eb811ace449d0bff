import type { Environment, OAuthProxyOptions, OAuthUpstream, UpstreamClientCredentials } from '@drawbridge/core'
import { basicAuthorization } from './internal/basic-authorization.ts'
import { membersOf } from './internal/members-of.ts'
import { describeUpstream, OAuthProvider, pickClaims, requireObject, requireSubject } from './oauth.ts'

/**
 * Notion, with a public connection that acts for one person. It knows no scopes: the connection has capabilities, and the person picks the pages. The subject is
 * the person's id. Throws `ConfigurationError` with every problem of the options.
 */
export class NotionProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, notion(), environment)
  }
}

/**
 * Notion as data.
 * @see https://developers.notion.com/guides/get-started/authorization
 * @see https://developers.notion.com/reference/create-a-token
 */
export function notion(): OAuthUpstream {
  return describeUpstream({
    name: 'Notion',
    authorizationEndpoint: `${api}/oauth/authorize`,
    tokenEndpoint: `${api}/oauth/token`,
    authorizeParameters: { owner: 'user' },
    // Its documentation speaks of no challenge.
    pkce: false,
    // It does not say how long a token lives. Who refreshes hourly learns of an account that is gone, and depends on no longer life.
    assumedLifetime: 3600,
    quirks: { jsonRequests: true, nullMembers: true, readError },
    revocation: { request: revoke },
    async identify(call) {
      const said = requireObject(await call.getJson(`${api}/users/me`, { 'notion-version': version }))
      // The token is a bot's, and the person is its owner. @see https://developers.notion.com/reference/get-self
      const user = membersOf(membersOf(membersOf(said.bot).owner).user)
      const { email } = membersOf(user.person)
      // Which workspace it is, the answer with the token says.
      const workspace = call.login?.answer ?? call.known?.claims ?? {}
      return { subject: requireSubject(user.id), claims: pickClaims({ ...workspace, ...user, email }, claimNames), said }
    },
  })
}

const api = 'https://api.notion.com/v1'

/** Requests that name no version are refused. @see https://developers.notion.com/reference/versioning */
const version = '2022-06-28'

const claimNames: readonly string[] = ['name', 'email', 'avatar_url', 'workspace_id', 'workspace_name']

// An error of its own form has its name in `code`. @see https://developers.notion.com/reference/status-codes
function readError({ error, code }: Readonly<Record<string, unknown>>): string | undefined {
  return error === undefined && typeof code === 'string' ? code : undefined
}

// RFC 7009 but for its JSON. @see https://developers.notion.com/reference/revoke-token
function revoke(accessToken: string, client: UpstreamClientCredentials): { url: string; init: RequestInit } {
  const headers = {
    accept: 'application/json',
    authorization: basicAuthorization(client),
    'content-type': 'application/json',
    'notion-version': version,
  }
  return { url: `${api}/oauth/revoke`, init: { method: 'POST', headers, body: JSON.stringify({ token: accessToken }) } }
}
