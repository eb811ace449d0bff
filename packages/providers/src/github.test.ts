import type { OAuthProxyOptions } from '@drawbridge/core'
import {
  type AskExample,
  describeProvider,
  type ErrorExample,
  type ProviderDescription,
  type RequestExample,
  upstreamCall,
} from '@drawbridge/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { GitHubProvider, github } from './github.ts'

// The answers are those of GitHub's documentation, trimmed: the pages are linked in github.ts.

const oauthAppToken = 'gho_16C7e42F292c6912E7710c838347Ae178B4a'
const gitHubAppToken = 'ghu_16C7e42F292c6912E7710c838347Ae178B4a'
const refreshToken = 'ghr_1B4a2e77838347a7E420ce178F2E7c6912E169246c34E1ccbF66C46812d16D5B1A9Dc86A1498'

const tokenRequest = {
  method: 'POST',
  url: 'https://github.com/login/oauth/access_token',
  headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
} satisfies RequestExample

const codeForm = {
  grant_type: 'authorization_code',
  client_id: 'upstream-client',
  client_secret: 's3cret /+&%',
  code: 'upstream-code',
  code_verifier: '{verifier}',
  redirect_uri: 'https://mcp.example.com/auth/callback',
}

const user = {
  login: 'octocat',
  id: 583231,
  node_id: 'MDQ6VXNlcjU4MzIzMQ==',
  avatar_url: 'https://avatars.githubusercontent.com/u/583231?v=4',
  url: 'https://api.github.com/users/octocat',
  html_url: 'https://github.com/octocat',
  type: 'User',
  site_admin: false,
  name: 'The Octocat',
  company: '@github',
  location: 'San Francisco',
  email: null,
  bio: null,
  two_factor_authentication: true,
  created_at: '2011-01-25T18:44:36Z',
}

const person = {
  subject: '583231',
  claims: {
    login: 'octocat',
    name: 'The Octocat',
    avatar_url: 'https://avatars.githubusercontent.com/u/583231?v=4',
    html_url: 'https://github.com/octocat',
  },
}

/** GitHub's errors of a token request. All of them arrive with status 200. */
const errors: readonly ErrorExample[] = [
  error('bad_verification_code', 'The code passed is incorrect or expired.', 'refused'),
  error('bad_refresh_token', 'The refresh token passed is incorrect or expired.', 'refused'),
  error('incorrect_client_credentials', 'The client_id and/or client_secret passed are incorrect.', 'unavailable'),
  error('redirect_uri_mismatch', 'The redirect_uri MUST match the registered callback URL for this application.', 'unavailable'),
  error('unverified_user_email', 'The user must have a verified primary email.', 'unavailable'),
  error('unsupported_grant_type', 'The grant_type is not supported.', 'unavailable'),
]

function error(name: string, text: string, means: ErrorExample['means']): ErrorExample {
  const page = 'https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors'
  return { status: 200, answer: { error: name, error_description: text, error_uri: `${page}/#${name.replaceAll('_', '-')}` }, means }
}

const userRequest = (accessToken: string): RequestExample => ({
  method: 'GET',
  url: 'https://api.github.com/user',
  headers: { accept: 'application/vnd.github+json', authorization: `Bearer ${accessToken}`, 'user-agent': 'drawbridge' },
})

const revocation = (accessToken: string): RequestExample => ({
  method: 'DELETE',
  url: 'https://api.github.com/applications/upstream-client/token',
  headers: {
    accept: 'application/vnd.github+json',
    // upstream-client:s3cret /+&%
    authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCAvKyYl',
    'content-type': 'application/json',
    'user-agent': 'drawbridge',
  },
  json: { access_token: accessToken },
})

// https://docs.github.com/rest/apps/oauth-applications#check-a-token
const check = (accessToken: string): AskExample => ({
  request: { ...revocation(accessToken), method: 'POST' },
  answer: checked('upstream-client'),
  foreign: { status: 404, answer: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' } },
})

function checked(clientId: string): Record<string, unknown> {
  return {
    id: 1,
    url: 'https://api.github.com/authorizations/1',
    scopes: ['user'],
    token: oauthAppToken,
    token_last_eight: 'Ae178B4a',
    app: { url: 'http://my-github-app.com', name: 'my github app', client_id: clientId },
    user: { login: 'octocat', id: 583231 },
  }
}

const oauthApp: ProviderDescription = {
  name: 'GitHubProvider, for an OAuth App',
  create: (options, environment) => new GitHubProvider(options, environment),
  authorizationUrl:
    'https://github.com/login/oauth/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=user&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['user'],
  issuer: 'https://github.com/login/oauth',
  exchange: {
    request: { ...tokenRequest, form: codeForm },
    answer: { access_token: oauthAppToken, scope: 'user', token_type: 'bearer' },
    tokens: { accessToken: oauthAppToken, scopes: ['user', 'read:user', 'user:email', 'user:follow'] },
  },
  identity: { request: userRequest(oauthAppToken), answer: user, identity: person, idMember: 'id' },
  asks: [check(oauthAppToken)],
  revocation: revocation(oauthAppToken),
  errors,
  scopes: [
    { requested: ['repo', 'gist'], answered: 'repo,gist', granted: ['repo', 'gist'] },
    { requested: ['repo', 'gist'], answered: 'gist', granted: ['gist'] },
    { requested: ['user', 'gist', 'user:email'], answered: 'user,gist', granted: ['user', 'gist', 'user:email'] },
    { requested: ['read:org'], answered: 'admin:org', granted: ['read:org'] },
    { requested: ['repo', 'delete_repo'], answered: 'repo', granted: ['repo'] },
  ],
}

describeProvider(oauthApp)

describeProvider({
  ...oauthApp,
  name: 'GitHubProvider, for a GitHub App',
  exchange: {
    request: { ...tokenRequest, form: codeForm },
    answer: {
      access_token: gitHubAppToken,
      expires_in: 28_800,
      refresh_token: refreshToken,
      refresh_token_expires_in: 15_897_600,
      scope: '',
      token_type: 'bearer',
    },
    tokens: { accessToken: gitHubAppToken, scopes: ['user'], expiresIn: 28_800 },
  },
  refresh: {
    request: {
      ...tokenRequest,
      form: {
        grant_type: 'refresh_token',
        client_id: 'upstream-client',
        client_secret: 's3cret /+&%',
        refresh_token: refreshToken,
      },
    },
    answer: {
      access_token: 'ghu_2Zc8f51A4d0E6b79C1382aD5e94F7b60c3D1',
      expires_in: 28_800,
      refresh_token: 'ghr_9C03dE5b1f7A2468D0c1B3a597e8F6420d7C9b1E5a3F8d2047B6c9E1a0D3f5B7c2E4a6D8f0B1',
      refresh_token_expires_in: 15_897_600,
      scope: '',
      token_type: 'bearer',
    },
    tokens: { accessToken: 'ghu_2Zc8f51A4d0E6b79C1382aD5e94F7b60c3D1', scopes: ['user'], expiresIn: 28_800 },
  },
  identity: { ...oauthApp.identity, request: userRequest(gitHubAppToken) },
  asks: [check(gitHubAppToken)],
  revocation: revocation(gitHubAppToken),
  // Its permissions are those of the app: the answer names no scope, and the client gets what it asked for.
  scopes: [{ requested: ['user', 'repo'], answered: '', granted: ['user', 'repo'] }],
})

const { issuer: _, ...withoutIssuer } = oauthApp

describeProvider({
  ...withoutIssuer,
  name: 'GitHubProvider, for a GitHub Enterprise Server',
  create: (options, environment) => new GitHubProvider({ ...options, serverUrl: 'https://github.example.com/' }, environment),
  authorizationUrl: oauthApp.authorizationUrl.replace('https://github.com/', 'https://github.example.com/'),
  exchange: {
    ...oauthApp.exchange,
    request: { ...tokenRequest, url: 'https://github.example.com/login/oauth/access_token', form: codeForm },
  },
  identity: { ...oauthApp.identity, request: { ...userRequest(oauthAppToken), url: 'https://github.example.com/api/v3/user' } },
  asks: [
    {
      ...check(oauthAppToken),
      request: {
        ...revocation(oauthAppToken),
        method: 'POST',
        url: 'https://github.example.com/api/v3/applications/upstream-client/token',
      },
    },
  ],
  revocation: { ...revocation(oauthAppToken), url: 'https://github.example.com/api/v3/applications/upstream-client/token' },
})

describe('GitHubProvider, asking whose a token is', () => {
  const asking = (status: number, json: unknown) =>
    github().identify(upstreamCall({ login: { answer: {} }, getJson: async () => user, ask: async () => ({ status, json }) }))

  it('takes one that is found for another app for none of ours', async () => {
    await expect(asking(200, checked('Iv1.8a61f9b3a7aba766'))).rejects.toMatchObject({
      name: 'UpstreamRefused',
      reason: 'token_of_another_app',
    })
    expect(await asking(200, checked('upstream-client'))).toMatchObject({ subject: '583231' })
  })

  it.each([
    [401, { message: 'Bad credentials' }, 'status_401'],
    [403, {}, 'status_403'],
    [422, { message: 'Validation Failed' }, 'status_422'],
    [200, { id: 1 }, 'identity_malformed'],
  ])('takes %s %o for no answer', async (status, json, reason) => {
    await expect(asking(status, json)).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason })
  })
})

it('finds GHE.com by its subdomains', async () => {
  const { authorizationEndpoint, tokenEndpoint, issuer, identify } = github('https://octocorp.ghe.com')
  expect([authorizationEndpoint, tokenEndpoint, issuer]).toEqual([
    'https://octocorp.ghe.com/login/oauth/authorize',
    'https://octocorp.ghe.com/login/oauth/access_token',
    undefined,
  ])
  const getJson = vi.fn(async () => user)
  await identify(upstreamCall({ getJson }))
  expect(getJson).toHaveBeenCalledExactlyOnceWith('https://api.octocorp.ghe.com/user', expect.anything())
  const ask = vi.fn(async () => ({ status: 200, json: checked('upstream-client') }))
  await identify(upstreamCall({ login: { answer: {} }, getJson, ask }))
  expect(ask).toHaveBeenCalledExactlyOnceWith('https://api.octocorp.ghe.com/applications/upstream-client/token', expect.anything())
})

describe('GitHubProvider, when it is made', () => {
  const problemsOf = (options: Partial<OAuthProxyOptions> & { serverUrl?: string }): readonly string[] => {
    try {
      new GitHubProvider({ baseUrl: 'https://mcp.example.com', ...options } as OAuthProxyOptions)
      return []
    } catch (cause) {
      return (cause as { problems: readonly string[] }).problems
    }
  }

  it('lists what is missing, all at once', () => {
    expect(problemsOf({ serverUrl: 'github.example.com' })).toEqual([
      'jwtSigningKey is missing: "npm run keygen" prints one',
      'serverUrl github.example.com is not like https://github.example.com',
      'clientId is missing: GitHub shows it where the app is registered',
      'clientSecret is missing: GitHub asks for one',
      'the upstream endpoint github.example.com/login/oauth/authorize is not https (http is accepted on loopback only)',
      'the upstream endpoint github.example.com/login/oauth/access_token is not https (http is accepted on loopback only)',
      'clientStorage is missing: memoryStore(), or encrypted(sqliteStore("drawbridge.db"), fernet(process.env.STORAGE_ENCRYPTION_KEY)), from @drawbridge/storage',
    ])
  })

  it('takes an http server on loopback only, and no path', () => {
    const about = (serverUrl: string) => problemsOf({ serverUrl }).filter((problem) => /serverUrl|endpoint/.test(problem))
    expect(about('http://127.0.0.1:9999')).toEqual([])
    expect(about('http://localhost:9999/')).toEqual([])
    expect(about('http://github.example.com')).toHaveLength(2)
    expect(about('https://github.example.com/api/v3')).toEqual([
      'serverUrl https://github.example.com/api/v3 is not like https://github.example.com',
    ])
  })
})
