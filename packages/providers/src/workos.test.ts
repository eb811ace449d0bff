import { describeProvider, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { expect, it } from 'vitest'
import { WorkOSProvider, workos } from './workos.ts'

const issuer = 'https://your-app.authkit.app'
// https://workos.com/docs/reference/workos-connect/metadata/openid-configuration
const document = {
  issuer,
  authorization_endpoint: 'https://your-app.authkit.app/oauth2/authorize',
  token_endpoint: 'https://your-app.authkit.app/oauth2/token',
  userinfo_endpoint: 'https://your-app.authkit.app/oauth2/userinfo',
  introspection_endpoint: 'https://your-app.authkit.app/oauth2/introspection',
  jwks_uri: 'https://your-app.authkit.app/oauth2/jwks',
  scopes_supported: ['email', 'offline_access', 'openid', 'profile'],
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  subject_types_supported: ['public'],
  token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
  id_token_signing_alg_values_supported: ['RS256'],
  code_challenge_methods_supported: ['S256'],
}

// The claims of the access token of https://workos.com/docs/reference/workos-connect/token.
const tokenOf = (claims: object): string =>
  ['{"alg":"RS256","typ":"JWT"}', JSON.stringify(claims), 'a-signature'].map((part) => Buffer.from(part).toString('base64url')).join('.')
const accessToken = tokenOf({
  iss: issuer,
  aud: 'client_123456789',
  sub: 'user_01JQ0E27VT3MH79RY0FVA4QBP9',
  org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
  sid: 'app_consent_01JQ0E27WE4K1RCMH7Q094M1GJ',
  jti: '01JQ0E2Q2PQ1QX1GZ6Q2K9T0KM',
  exp: 1_742_698_034,
  iat: 1_742_697_734,
})
const post = { method: 'POST', headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' } } as const
const tokenRequest = { ...post, url: document.token_endpoint } satisfies RequestExample
const client = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }

// What the ID token of that page says of the person; userinfo says the same.
const leroy = {
  sub: 'user_01JQ0E27VT3MH79RY0FVA4QBP9',
  name: 'Leroy Jenkins',
  given_name: 'Leroy',
  family_name: 'Jenkins',
  email: 'leroy.jenkins@example.com',
  email_verified: true,
}

describeProvider({
  name: 'WorkOSProvider',
  create: (options, environment) => new WorkOSProvider({ ...options, domain: 'https://your-app.authkit.app/' }, environment),
  authorizationUrl:
    'https://your-app.authkit.app/oauth2/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email+offline_access&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['openid', 'profile', 'email'],
  issuer,
  openId: { discoveryUrl: 'https://your-app.authkit.app/.well-known/openid-configuration', document, idToken: leroy },
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
    answer: { access_token: accessToken, expires_in: 300, refresh_token: 'yuQ7uGJwCRvI5aSpbLzGvhGHd', token_type: 'bearer' },
    tokens: { accessToken, scopes: ['openid', 'profile', 'email'], expiresIn: 300 },
  },
  refresh: {
    request: { ...tokenRequest, form: { ...client, grant_type: 'refresh_token', refresh_token: 'yuQ7uGJwCRvI5aSpbLzGvhGHd' } },
    answer: { access_token: 'a-token-of-the-refresh', expires_in: 300, refresh_token: 'a-refresh-token-of-it', token_type: 'bearer' },
    tokens: { accessToken: 'a-token-of-the-refresh', scopes: ['openid', 'profile', 'email'], expiresIn: 300 },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    },
    answer: leroy,
    identity: {
      subject: 'user_01JQ0E27VT3MH79RY0FVA4QBP9',
      claims: {
        name: 'Leroy Jenkins',
        email: 'leroy.jenkins@example.com',
        email_verified: true,
        org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
      },
    },
    idMember: 'sub',
  },
  groups: 'org_id',
  revocation: {
    ...post,
    url: 'https://your-app.authkit.app/oauth2/revoke',
    headers: { ...post.headers, accept: '*/*' },
    form: { ...client, token: 'yuQ7uGJwCRvI5aSpbLzGvhGHd' },
  },
  errors: [
    { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
    { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
    { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
  ],
  scopes: [{ requested: ['email'], sent: 'openid email offline_access', granted: ['email'] }],
})

it.each([['not-a-jwt'], ['not.a.jwt'], [tokenOf([])], [tokenOf({ sub: leroy.sub, org_id: null })]])(
  'knows no organisation by the access token %s',
  async (token) => {
    const endpoints = { authorizationEndpoint: '', tokenEndpoint: '', userinfoEndpoint: document.userinfo_endpoint }
    const call = upstreamCall({ endpoints, accessToken: token, getJson: async () => leroy })
    expect((await workos({ domain: issuer }).identify(call)).claims).not.toHaveProperty('org_id')
  },
)

it('gives `authorizeUser` the organisation, too', async () => {
  const endpoints = { authorizationEndpoint: '', tokenEndpoint: '', userinfoEndpoint: document.userinfo_endpoint }
  const call = upstreamCall({ endpoints, accessToken, getJson: async () => leroy })
  expect((await workos({ domain: issuer }).identify(call)).said).toEqual({ ...leroy, org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S' })
})

it('takes a domain without its scheme, and lists one that cannot be', () => {
  expect(workos({ domain: 'your-app.authkit.app' }).openId.issuer).toBe(issuer)
  expect(workos({ domain: 'http://your-app.authkit.app' }).problems).toEqual([
    'domain "http://your-app.authkit.app" is not like https://your-app.authkit.app',
  ])
})
