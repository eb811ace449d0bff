import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { PingOneProvider, pingOne } from './pingone.ts'

// The endpoints are those of https://github.com/pingidentity/terraform-pingone-utils/blob/main/main.tf, which is PingOne's own; the requests those of
// https://developer.pingidentity.com/pingone-api/auth/openid-connect-oauth-2/token/index.html. The claims are those that Auth.js lists,
// https://github.com/nextauthjs/next-auth/blob/main/packages/core/src/providers/ping-id.ts. The token answer has the members of RFC 6749 §5.1.

const issuer = 'https://auth.pingone.eu/9f1b3e82-7c45-4a1e-bd62-cc38f7a4e918/as'
const document = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  introspection_endpoint: `${issuer}/introspect`,
  jwks_uri: `${issuer}/jwks`,
  scopes_supported: ['openid', 'profile', 'email', 'address', 'phone'],
  response_types_supported: ['code', 'token', 'id_token'],
  grant_types_supported: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
}
const headers = {
  accept: 'application/json',
  // upstream-client:s3cret+%2F%2B%26%25
  authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
  'content-type': 'application/x-www-form-urlencoded',
}
const tokenRequest = { method: 'POST', url: document.token_endpoint, headers } satisfies RequestExample
const claims = {
  sub: '1660c90f-9884-4220-9d9d-2b60370d32ca',
  sid: 'c38f7a4e-9180-4a1e-bd62-7c459f1b3e82',
  amr: ['pwd'],
  preferred_username: 'jane',
  given_name: 'Jane',
  family_name: 'Doe',
  name: 'Jane Doe',
  email: 'jane@example.com',
  env: '9f1b3e82-7c45-4a1e-bd62-cc38f7a4e918',
  'p1.region': 'EU',
}
const errors: readonly ErrorExample[] = [
  { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
  { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
  { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
]

const inEurope: ProviderDescription = {
  name: 'PingOneProvider',
  create: (options, environment) =>
    new PingOneProvider({ ...options, environmentId: '9f1b3e82-7c45-4a1e-bd62-cc38f7a4e918', region: 'EU' }, environment),
  authorizationUrl: `${document.authorization_endpoint}?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: ['openid', 'profile', 'email'],
  issuer,
  openId: { discoveryUrl: `${issuer}/.well-known/openid-configuration`, document, idToken: claims },
  exchange: {
    request: {
      ...tokenRequest,
      form: {
        grant_type: 'authorization_code',
        code: 'upstream-code',
        code_verifier: '{verifier}',
        redirect_uri: 'https://mcp.example.com/auth/callback',
      },
    },
    answer: {
      access_token: 'an-access-token',
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'openid profile email',
      refresh_token: 'a-refresh-token',
    },
    tokens: { accessToken: 'an-access-token', scopes: ['openid', 'profile', 'email'], expiresIn: 3600 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: 'a-refresh-token' } },
    answer: {
      access_token: 'another-access-token',
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'openid profile email',
      refresh_token: 'another-refresh-token',
    },
    tokens: { accessToken: 'another-access-token', scopes: ['openid', 'profile', 'email'], expiresIn: 3600 },
  },
  identity: {
    answer: claims,
    identity: { subject: claims.sub, claims: { preferred_username: 'jane', name: 'Jane Doe', email: 'jane@example.com' } },
    idMember: 'sub',
  },
  groups: 'groups',
  revocation: {
    ...tokenRequest,
    url: `${issuer}/revoke`,
    headers: { ...headers, accept: '*/*' },
    form: { token: 'a-refresh-token' },
  },
  errors,
  scopes: [{ requested: ['openid', 'notes:read'], answered: 'openid notes:read', granted: ['openid', 'notes:read'] }],
}

describeProvider(inEurope)

describe('pingOne', () => {
  const environmentId = '9f1b3e82-7c45-4a1e-bd62-cc38f7a4e918'

  it.each([
    [undefined, 'https://auth.pingone.com'],
    ['NA', 'https://auth.pingone.com'],
    ['EU', 'https://auth.pingone.eu'],
    ['CA', 'https://auth.pingone.ca'],
    ['AU', 'https://auth.pingone.com.au'],
    ['SG', 'https://auth.pingone.sg'],
    ['AP', 'https://auth.pingone.asia'],
  ] as const)('is in the region %s', (region, server) => {
    const { openId, problems } = pingOne({ environmentId, ...(region && { region }) })
    expect([openId.issuer, problems]).toEqual([`${server}/${environmentId}/as`, []])
  })

  it('is at a domain of the operator’s own, without the environment', () => {
    const { openId, revocation } = pingOne({ customDomain: 'login.example.com' })
    expect([openId.issuer, revocation]).toEqual(['https://login.example.com/as', { endpoint: 'https://login.example.com/as/revoke' }])
  })

  it('shows tools the groups, where the app maps them', async () => {
    const login = { idToken: { ...claims, groups: ['Staff'] }, answer: {} }
    const endpoints = { authorizationEndpoint: '', tokenEndpoint: '' }
    expect(await pingOne({ environmentId }).identify({ login, endpoints } as never)).toMatchObject({ claims: { groups: ['Staff'] } })
  })

  it('says what is wrong with its options, all at once', () => {
    expect(pingOne({ region: 'US' as never }).problems).toEqual([
      'environmentId undefined is not like 9f1b3e82-7c45-4a1e-bd62-cc38f7a4e918',
      'region "US" is none of NA, EU, CA, AU, SG, AP',
    ])
    expect(pingOne({ customDomain: 'http://login.example.com' }).problems).toEqual([
      'customDomain "http://login.example.com" is not like https://login.example.com',
    ])
  })
})
