import type { Environment, OAuthProxyOptions, Upstream, UpstreamClientCredentials } from '@drawbridge/core'
import { describeUpstream, OAuthProvider, requireObject, requireSubject } from './oauth.ts'

/** The options of {@link GitHubProvider}. */
export interface GitHubProviderOptions extends OAuthProxyOptions {
  /** A GitHub Enterprise Server: `https://github.example.com`. Default: github.com. */
  readonly serverUrl?: string
}

/**
 * GitHub: an OAuth App, whose tokens never expire, or a GitHub App, whose tokens do and are refreshed. The subject is the
 * account's numeric id. Throws `ConfigurationError` with every problem of the options.
 */
export class GitHubProvider extends OAuthProvider {
  constructor({ serverUrl, ...options }: GitHubProviderOptions, environment?: Environment) {
    super(options, github(serverUrl), environment)
  }
}

/** What of a GitHub account a tool may see. */
const claimNames = ['login', 'name', 'email', 'avatar_url', 'html_url'] as const

/** GitHub as data. @see https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps */
export function github(serverUrl: string = 'https://github.com'): Upstream {
  const server = serverUrl.replace(/\/$/, '')
  const api = server === 'https://github.com' ? 'https://api.github.com' : `${server}/api/v3`
  return describeUpstream({
    name: 'GitHub',
    authorizationEndpoint: `${server}/login/oauth/authorize`,
    tokenEndpoint: `${server}/login/oauth/access_token`,
    clientAuthentication: 'client_secret_post',
    defaultScopes: ['user'],
    quirks: { errorsWithStatus200: true, commaSeparatedScopes: true },
    errorNames: {
      bad_verification_code: 'invalid_grant',
      bad_refresh_token: 'invalid_grant',
      incorrect_client_credentials: 'invalid_client',
    },
    revocation: { request: (accessToken, upstreamClient) => deleteToken(api, accessToken, upstreamClient) },
    async identify(call) {
      const user = requireObject(await call.getJson(`${api}/user`, { accept: 'application/vnd.github+json', 'user-agent': 'drawbridge' }))
      const claims = Object.fromEntries(claimNames.flatMap((name) => (user[name] == null ? [] : [[name, user[name]]])))
      return { subject: requireSubject(user.id), claims }
    },
  })
}

// GitHub has no RFC 7009 endpoint. @see https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token
function deleteToken(
  api: string,
  accessToken: string,
  { clientId, clientSecret }: UpstreamClientCredentials,
): { url: string; init: RequestInit } {
  const headers = {
    authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    accept: 'application/vnd.github+json',
    'content-type': 'application/json',
    'user-agent': 'drawbridge',
  }
  return {
    url: `${api}/applications/${encodeURIComponent(clientId)}/token`,
    init: { method: 'DELETE', headers, body: JSON.stringify({ access_token: accessToken }) },
  }
}
