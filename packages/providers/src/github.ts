import {
  type Environment,
  type OAuthProxyOptions,
  type OAuthUpstream,
  type Upstream,
  type UpstreamCall,
  type UpstreamClientCredentials,
  UpstreamRefused,
  UpstreamUnavailable,
} from '@drawbridge/core'
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
    // It has no RFC 7009 endpoint. @see https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token
    revocation: { request: (accessToken, upstreamClient) => aboutToken('DELETE', api, accessToken, upstreamClient) },
    problems:
      URL.canParse(server) && new URL(server).origin === server ? [] : [`serverUrl ${serverUrl} is not like https://github.example.com`],
    async identify(call) {
      // The id is the one thing about an account that never changes and never becomes another's.
      // @see https://docs.github.com/apps/oauth-apps/building-oauth-apps/best-practices-for-creating-an-oauth-app
      const [answer] = await Promise.all([call.getJson(`${api}/user`, headers), call.login && requireOurs(api, call)])
      const user = requireObject(answer)
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

const headers = { accept: 'application/vnd.github+json', 'user-agent': 'drawbridge' }

// A token of another app is not found, and the app is named beside one that is. Later there is nobody to ask about: tokens are refreshed with our credentials alone.
// @see https://docs.github.com/rest/apps/oauth-applications#check-a-token
async function requireOurs(api: string, { accessToken, client, ask }: UpstreamCall): Promise<void> {
  const { url, init } = aboutToken('POST', api, accessToken, client)
  const { status, json } = await ask(url, init)
  if (status === 404) throw new UpstreamRefused('token_of_another_app')
  if (status !== 200) throw new UpstreamUnavailable(`status_${status}`)
  if (requireObject(requireObject(json).app).client_id !== client.clientId) throw new UpstreamRefused('token_of_another_app')
}

function aboutToken(
  method: 'POST' | 'DELETE',
  api: string,
  accessToken: string,
  { clientId, clientSecret }: UpstreamClientCredentials,
): { url: string; init: RequestInit } {
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
  return {
    url: `${api}/applications/${encodeURIComponent(clientId)}/token`,
    init: {
      method,
      headers: { ...headers, authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ access_token: accessToken }),
    },
  }
}
