import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { AuthentikProvider, authentik } from './authentik.ts'

// The endpoints are those of https://docs.goauthentik.io/add-secure-apps/providers/oauth2/, which prints no answer. The members of the answers and the errors are those of
// https://github.com/goauthentik/authentik/blob/main/authentik/providers/oauth2/views/token.py and .../views/provider.py, the claims those of
// https://github.com/goauthentik/authentik/blob/main/blueprints/system/providers-oauth2.yaml.

const server = 'https://authentik.example.com'
const issuer = `${server}/application/o/mcp/`
const document = {
  issuer,
  authorization_endpoint: `${server}/application/o/authorize/`,
  token_endpoint: `${server}/application/o/token/`,
  userinfo_endpoint: `${server}/application/o/userinfo/`,
  introspection_endpoint: `${server}/application/o/introspect/`,
  revocation_endpoint: `${server}/application/o/revoke/`,
  jwks_uri: `${server}/application/o/mcp/jwks/`,
  response_types_supported: ['code', 'id_token', 'id_token token'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  id_token_signing_alg_values_supported: ['RS256'],
  subject_types_supported: ['public'],
  token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
  scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
}
const post = { method: 'POST', headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' } } as const
const tokenRequest = { ...post, url: document.token_endpoint } satisfies RequestExample
const client = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }
const userinfo = {
  sub: '9c2d1c4f6a8b4e0f9d3b7a5c1e2f8d6b4a0c9e7f5d3b1a8c6e4f2d0b9a7c5e3f',
  email: 'jane@example.com',
  email_verified: false,
  name: 'Jane Doe',
  given_name: 'Jane Doe',
  preferred_username: 'jane',
  nickname: 'jane',
  groups: ['editors', 'staff'],
}
const person = {
  subject: '9c2d1c4f6a8b4e0f9d3b7a5c1e2f8d6b4a0c9e7f5d3b1a8c6e4f2d0b9a7c5e3f',
  claims: {
    email: 'jane@example.com',
    email_verified: false,
    name: 'Jane Doe',
    preferred_username: 'jane',
    groups: ['editors', 'staff'],
  },
}
const errors: readonly ErrorExample[] = [
  { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
  { status: 400, answer: { error: 'invalid_client' }, means: 'unavailable' },
  { status: 400, answer: { error: 'unsupported_grant_type' }, means: 'unavailable' },
]

const perProvider: ProviderDescription = {
  name: 'AuthentikProvider',
  create: (options, environment) => new AuthentikProvider({ ...options, serverUrl: `${server}/`, application: 'mcp' }, environment),
  authorizationUrl: `${document.authorization_endpoint}?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email+offline_access&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: ['openid', 'profile', 'email'],
  issuer,
  openId: {
    discoveryUrl: `${issuer}.well-known/openid-configuration`,
    document,
    idToken: { ...userinfo, acr: 'goauthentik.io/providers/oauth2/default', auth_time: 1_767_268_000 },
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
    answer: { access_token: 'eyJ.first', refresh_token: 'a-refresh-token', token_type: 'Bearer', expires_in: 300 },
    tokens: { accessToken: 'eyJ.first', scopes: ['openid', 'profile', 'email'], expiresIn: 300 },
  },
  refresh: {
    request: { ...tokenRequest, form: { ...client, grant_type: 'refresh_token', refresh_token: 'a-refresh-token' } },
    answer: { access_token: 'eyJ.second', refresh_token: 'another-refresh-token', token_type: 'Bearer', expires_in: 300 },
    tokens: { accessToken: 'eyJ.second', scopes: ['openid', 'profile', 'email'], expiresIn: 300 },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: 'Bearer eyJ.first' },
    },
    answer: userinfo,
    identity: person,
    idMember: 'sub',
  },
  groups: 'groups',
  revocation: {
    ...post,
    url: document.revocation_endpoint,
    headers: { ...post.headers, accept: '*/*' },
    form: { ...client, token: 'a-refresh-token' },
  },
  errors,
  scopes: [
    {
      requested: ['openid', 'entitlements'],
      sent: 'openid entitlements offline_access',
      answered: 'openid entitlements offline_access',
      granted: ['openid', 'entitlements'],
    },
  ],
}

describeProvider(perProvider)

describeProvider({
  ...perProvider,
  name: 'AuthentikProvider, of a server with one issuer for all',
  create: (options, environment) =>
    new AuthentikProvider({ ...options, serverUrl: server, application: 'mcp', issuerMode: 'global' }, environment),
  issuer: `${server}/`,
  openId: {
    discoveryUrl: `${issuer}.well-known/openid-configuration`,
    document: { ...document, issuer: `${server}/` },
    idToken: userinfo,
  },
})

describe('authentik', () => {
  it.each([{ sub: 'jane@example.com' }, { sub: 'jane' }])('knows nobody by what another has one day: $sub', async ({ sub }) => {
    const asking = authentik({ serverUrl: server, application: 'mcp' }).identify(
      upstreamCall({
        endpoints: { authorizationEndpoint: '', tokenEndpoint: '', userinfoEndpoint: document.userinfo_endpoint },
        getJson: async () => ({ ...userinfo, sub }),
      }),
    )
    await expect(asking).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason: 'subject_not_stable' })
  })

  it('says what is wrong with its options, all at once', () => {
    expect(
      authentik({ serverUrl: 'http://authentik.example.com', application: 'mcp/authorize', issuerMode: 'one' as never }).problems,
    ).toEqual([
      'serverUrl "http://authentik.example.com" is not like https://authentik.example.com',
      'application "mcp/authorize" is not like mcp',
      'issuerMode "one" is not per_provider or global',
    ])
    expect(authentik({ serverUrl: 'http://localhost:9000', application: 'mcp' }).problems).toEqual([])
  })
})
