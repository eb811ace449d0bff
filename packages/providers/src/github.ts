import type { Environment, OAuthProxyOptions, OAuthUpstream, Upstream, UpstreamClientCredentials } from '@drawbridge/core'
import { describeUpstream, OAuthProvider, pickClaims, requireObject, requireSubject } from './oauth.ts'

/** The options of {@link GitHubProvider}. */
export interface GitHubProviderOptions extends OAuthProxyOptions {
  /** GitHub elsewhere: a GitHub Enterprise Server, `https://github.example.com`, or `https://octocorp.ghe.com`. Default: github.com. */
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

/**
 * GitHub as data, for an `OAuthProvider` that deviates from it: `{ ...github(), defaultScopes: ['read:user'] }`.
 * @see https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
 * @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
 */
export function github(serverUrl: string = gitHubCom): OAuthUpstream {
  const server = serverUrl.replace(/\/$/, '')
  const api = apiOf(server)
  return describeUpstream({
    name: 'GitHub',
    authorizationEndpoint: `${server}/login/oauth/authorize`,
    tokenEndpoint: `${server}/login/oauth/access_token`,
    // Elsewhere its documents are wrong about it. @see https://docs.github.com/apps/github-authentication-discovery-endpoints
    ...(server === gitHubCom && { issuer: `${server}/login/oauth` }),
    clientAuthentication: 'client_secret_post',
    defaultScopes: ['user'],
    includedScopes,
    quirks: { errorsWithStatus200: true, commaSeparatedScopes: true },
    errorNames,
    revocation: { request: (accessToken, upstreamClient) => deleteToken(api, accessToken, upstreamClient) },
    problems:
      URL.canParse(server) && new URL(server).origin === server ? [] : [`serverUrl ${serverUrl} is not like https://github.example.com`],
    async identify(call) {
      // The id is the one thing about an account that never changes and never becomes another's.
      // @see https://docs.github.com/apps/oauth-apps/building-oauth-apps/best-practices-for-creating-an-oauth-app
      const user = requireObject(await call.getJson(`${api}/user`, { accept: 'application/vnd.github+json', 'user-agent': 'drawbridge' }))
      return {
        subject: requireSubject(user.id),
        claims: pickClaims(user, ['login', 'name', 'email', 'avatar_url', 'html_url']),
        said: user,
      }
    },
  })
}

const gitHubCom = 'https://github.com'

// @see https://docs.github.com/enterprise-cloud@latest/rest/users/users (GHE.com) and
// https://docs.github.com/enterprise-server@latest/rest/enterprise-admin (Enterprise Server)
function apiOf(server: string): string {
  const isInTheCloud = /^https:\/\/(github|[a-z0-9-]+\.ghe)\.com$/.test(server)
  return isInTheCloud ? server.replace('https://', 'https://api.') : `${server}/api/v3`
}

// All others are trouble between GitHub and us, and no reason to end a grant.
// @see https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
const errorNames: NonNullable<Upstream['errorNames']> = {
  bad_verification_code: 'invalid_grant',
  bad_refresh_token: 'invalid_grant',
  incorrect_client_credentials: 'invalid_client',
}

// GitHub's answer leaves out what another granted scope includes ("normalized scopes"); a client that asked for it has it.
// @see https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
const includedScopes: NonNullable<Upstream['includedScopes']> = {
  repo: ['repo:status', 'repo_deployment', 'public_repo', 'repo:invite', 'security_events'],
  'admin:repo_hook': ['write:repo_hook', 'read:repo_hook'],
  'write:repo_hook': ['read:repo_hook'],
  'admin:org': ['write:org', 'read:org'],
  'write:org': ['read:org'],
  'admin:public_key': ['write:public_key', 'read:public_key'],
  'write:public_key': ['read:public_key'],
  'admin:gpg_key': ['write:gpg_key', 'read:gpg_key'],
  'write:gpg_key': ['read:gpg_key'],
  user: ['read:user', 'user:email', 'user:follow'],
  project: ['read:project'],
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
