import { describeProvider, type RequestExample } from '@drawbridge/core/testing'
import { expect, it } from 'vitest'
import { ClerkProvider, clerk } from './clerk.ts'

const issuer = 'https://well-hagfish-71.clerk.accounts.dev'
// https://clerk.com/docs/guides/configure/auth-strategies/oauth/how-clerk-implements-oauth, and the userinfo endpoint of
// https://clerk.com/docs/reference/frontend-api/tag/OAuth2-Identify-Provider.
const document = {
  issuer,
  authorization_endpoint: `${issuer}/oauth/authorize`,
  token_endpoint: `${issuer}/oauth/token`,
  userinfo_endpoint: `${issuer}/oauth/userinfo`,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'profile', 'email', 'public_metadata', 'private_metadata', 'offline_access', 'user:org:read'],
  claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'email', 'name', 'org_id'],
  code_challenge_methods_supported: ['S256'],
}
const headers = {
  accept: 'application/json',
  // upstream-client:s3cret+%2F%2B%26%25
  authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
  'content-type': 'application/x-www-form-urlencoded',
}
const tokenRequest = { method: 'POST', url: document.token_endpoint, headers } satisfies RequestExample
const others = { token_type: 'bearer', expires_in: 86_399, scope: 'openid profile email offline_access' }

// The members of the userinfo answer in that reference, whose values are placeholders.
const jane = {
  object: 'oauth_user_info',
  instance_id: 'ins_2abcDEF',
  user_id: 'user_2abcDEFghiJKLmnoPQRstuVWXyz',
  sub: 'user_2abcDEFghiJKLmnoPQRstuVWXyz',
  email: 'jane@example.com',
  email_verified: true,
  family_name: 'Doe',
  given_name: 'Jane',
  name: 'Jane Doe',
  username: 'jane',
  preferred_username: 'jane',
  picture: 'https://img.clerk.com/jane',
  org_id: 'org_2abcDEFghiJKLmnoPQRstuVWXyz',
}

describeProvider({
  name: 'ClerkProvider',
  create: (options, environment) => new ClerkProvider({ ...options, domain: issuer }, environment),
  authorizationUrl: `${issuer}/oauth/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email+offline_access&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: ['openid', 'profile', 'email'],
  issuer,
  openId: {
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    document,
    idToken: { sub: jane.sub, email: 'jane@example.com', name: 'Jane Doe' },
  },
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
    answer: { access_token: 'oat_of-the-login', refresh_token: 'rt_of-the-login', ...others },
    tokens: { accessToken: 'oat_of-the-login', scopes: ['openid', 'profile', 'email', 'offline_access'], expiresIn: 86_399 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: 'rt_of-the-login' } },
    // Whether a new refresh token comes with it, its pages do not say.
    answer: { access_token: 'oat_of-the-refresh', ...others },
    tokens: { accessToken: 'oat_of-the-refresh', scopes: ['openid', 'profile', 'email', 'offline_access'], expiresIn: 86_399 },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: 'Bearer oat_of-the-login' },
    },
    answer: jane,
    identity: {
      subject: 'user_2abcDEFghiJKLmnoPQRstuVWXyz',
      claims: {
        email: 'jane@example.com',
        email_verified: true,
        name: 'Jane Doe',
        username: 'jane',
        preferred_username: 'jane',
        picture: 'https://img.clerk.com/jane',
        org_id: 'org_2abcDEFghiJKLmnoPQRstuVWXyz',
      },
    },
    idMember: 'sub',
  },
  groups: 'org_id',
  errors: [
    { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
    { status: 400, answer: { error: 'invalid_scope' }, means: 'unavailable' },
    { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
  ],
  scopes: [
    {
      requested: ['openid', 'user:org:read'],
      sent: 'openid user:org:read offline_access',
      answered: 'openid user:org:read offline_access',
      granted: ['openid', 'user:org:read'],
    },
    {
      requested: ['email', 'private_metadata'],
      sent: 'openid email private_metadata offline_access',
      answered: 'openid email offline_access',
      granted: ['email'],
    },
  ],
})

it('takes a domain without its scheme, and lists one that cannot be', () => {
  expect(clerk({ domain: 'well-hagfish-71.clerk.accounts.dev' }).openId.issuer).toBe(issuer)
  expect(clerk({ domain: 'pk_test_d2VsbC1oYWdmaXNo$' }).problems).toEqual([
    'domain "pk_test_d2VsbC1oYWdmaXNo$" is not like https://verb-noun-00.clerk.accounts.dev',
  ])
})
