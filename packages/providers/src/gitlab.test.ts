import { describeProvider, type ProviderDescription, type RequestExample } from '@drawbridge/core/testing'
import { expect, it } from 'vitest'
import { GitLabProvider, gitlab } from './gitlab.ts'

const accessToken = 'de6780bc506a0446309bd9362820ba8aed28aa506c71eedbe1c5c4f9dd350e54'
const refreshToken = '8257e65c97202ed1726cf9571600918f3bffb2544b26e00a61df9897668c33a1'
const client = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }
const post = { method: 'POST', headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' } } as const

// The claims of https://docs.gitlab.com/integration/openid_connect_provider/#shared-information, with what they hold of
// https://docs.gitlab.com/api/users/#get-the-current-user.
const john = {
  sub: '1',
  name: 'John Smith',
  nickname: 'john_smith',
  preferred_username: 'john_smith',
  email: 'john@example.com',
  email_verified: true,
  picture: 'https://gitlab.com/uploads/-/system/user/avatar/1/avatar.png',
  groups: ['example', 'example/backend'],
  'https://gitlab.org/claims/groups/developer': ['example/backend'],
}

const describeGitLab = (server: string, create: ProviderDescription['create']): ProviderDescription => {
  const tokenRequest = { ...post, url: `${server}/oauth/token` } satisfies RequestExample
  // https://gitlab.com/.well-known/openid-configuration
  const document = {
    issuer: server,
    authorization_endpoint: `${server}/oauth/authorize`,
    token_endpoint: `${server}/oauth/token`,
    revocation_endpoint: `${server}/oauth/revoke`,
    introspection_endpoint: `${server}/oauth/introspect`,
    userinfo_endpoint: `${server}/oauth/userinfo`,
    jwks_uri: `${server}/oauth/discovery/keys`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['plain', 'S256'],
  }
  return {
    name: `GitLabProvider, for ${server}`,
    create,
    authorizationUrl: `${server}/oauth/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
    defaultScopes: ['openid', 'profile', 'email'],
    issuer: server,
    openId: {
      discoveryUrl: `${server}/.well-known/openid-configuration`,
      document,
      idToken: { sub: '1', auth_time: 1_607_635_700, sub_legacy: 'a-hash', groups_direct: ['example'] },
    },
    exchange: {
      request: {
        ...tokenRequest,
        form: {
          ...client,
          grant_type: 'authorization_code',
          code: 'upstream-code',
          code_verifier: '{verifier}',
          redirect_uri: 'https://mcp.example.com/auth/callback',
        },
      },
      // https://docs.gitlab.com/api/oauth2/#authorization-code-flow
      answer: {
        access_token: accessToken,
        token_type: 'bearer',
        expires_in: 7200,
        refresh_token: refreshToken,
        created_at: 1_607_635_748,
      },
      tokens: { accessToken, scopes: ['openid', 'profile', 'email'], expiresIn: 7200 },
    },
    refresh: {
      request: { ...tokenRequest, form: { ...client, grant_type: 'refresh_token', refresh_token: refreshToken } },
      answer: {
        access_token: 'c97d1fe52119f38c7f67f0a14db68d60caa35ddc86fd12401718b649dcfa9c68',
        token_type: 'bearer',
        expires_in: 7200,
        refresh_token: '803c1fd487fec35562c205dac93e9d8e08f9d3652a24079d704df3039df1158f',
        created_at: 1_628_711_391,
      },
      tokens: {
        accessToken: 'c97d1fe52119f38c7f67f0a14db68d60caa35ddc86fd12401718b649dcfa9c68',
        scopes: ['openid', 'profile', 'email'],
        expiresIn: 7200,
      },
    },
    identity: {
      request: {
        method: 'GET',
        url: `${server}/oauth/userinfo`,
        headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
      },
      answer: john,
      identity: {
        subject: '1',
        claims: {
          name: 'John Smith',
          nickname: 'john_smith',
          preferred_username: 'john_smith',
          email: 'john@example.com',
          email_verified: true,
          picture: 'https://gitlab.com/uploads/-/system/user/avatar/1/avatar.png',
          groups: ['example', 'example/backend'],
        },
      },
      idMember: 'sub',
    },
    groups: 'groups',
    revocation: {
      ...post,
      url: `${server}/oauth/revoke`,
      headers: { ...post.headers, accept: '*/*' },
      form: { ...client, token: refreshToken },
    },
    errors: [
      {
        status: 400,
        answer: { error: 'invalid_grant', error_description: 'The provided authorization grant is invalid, expired, revoked.' },
        means: 'refused',
      },
      { status: 401, answer: { error: 'invalid_client', error_description: 'Client authentication failed' }, means: 'unavailable' },
      { status: 400, answer: { error: 'invalid_scope' }, means: 'unavailable' },
    ],
    scopes: [
      { requested: ['read_api'], sent: 'openid read_api', answered: 'openid read_api', granted: ['read_api'] },
      { requested: ['openid', 'read_user', 'api'], answered: 'openid read_user', granted: ['openid', 'read_user'] },
    ],
  }
}

describeProvider(describeGitLab('https://gitlab.com', (options, environment) => new GitLabProvider(options, environment)))
describeProvider(
  describeGitLab(
    'https://example.com/gitlab',
    (options, environment) => new GitLabProvider({ ...options, serverUrl: 'https://example.com/gitlab/' }, environment),
  ),
)

it('lists a server that cannot be', () => {
  const problemsOf = (serverUrl: string) => gitlab({ serverUrl }).problems
  expect(problemsOf('https://gitlab.example.com')).toEqual([])
  expect(problemsOf('https://example.com/gitlab/')).toEqual([])
  expect(problemsOf('http://gitlab.example.com')).toEqual(['serverUrl "http://gitlab.example.com" is not like https://gitlab.example.com'])
  expect(problemsOf('https://gitlab.example.com?x=1')).toEqual([
    'serverUrl "https://gitlab.example.com?x=1" is not like https://gitlab.example.com',
  ])
})
