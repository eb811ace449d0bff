import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { Auth0Provider, auth0 } from './auth0.ts'

// The answers are those of Auth0's documentation, trimmed. The document:
// https://auth0.com/docs/get-started/applications/configure-applications-with-oidc-discovery; the tokens:
// https://auth0.com/docs/secure/tokens/refresh-tokens/get-refresh-tokens and .../use-refresh-tokens; the person:
// https://github.com/auth0/docs/blob/master/articles/api/authentication/_userinfo.md.

const issuer = 'https://my-domain.us.auth0.com/'
const document = {
  issuer,
  authorization_endpoint: 'https://my-domain.us.auth0.com/authorize',
  token_endpoint: 'https://my-domain.us.auth0.com/oauth/token',
  userinfo_endpoint: 'https://my-domain.us.auth0.com/userinfo',
  jwks_uri: 'https://my-domain.us.auth0.com/.well-known/jwks.json',
  registration_endpoint: 'https://my-domain.us.auth0.com/oidc/register',
  revocation_endpoint: 'https://my-domain.us.auth0.com/oauth/revoke',
  scopes_supported: ['openid', 'profile', 'offline_access', 'name', 'nickname', 'email', 'email_verified', 'picture'],
  response_types_supported: ['code', 'token', 'id_token'],
  code_challenge_methods_supported: ['S256', 'plain'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['HS256', 'RS256', 'PS256'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
}
const post = { method: 'POST', headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' } } as const
const tokenRequest = { ...post, url: document.token_endpoint } satisfies RequestExample
const client = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }
const userinfo = {
  email_verified: false,
  email: 'test.account@userinfo.com',
  updated_at: '2016-12-05T15:15:40.545Z',
  name: 'test.account@userinfo.com',
  picture: 'https://s.gravatar.com/avatar/dummy.png',
  nickname: 'test.account',
  sub: 'auth0|58454',
}
const person = {
  subject: 'auth0|58454',
  claims: {
    email_verified: false,
    email: 'test.account@userinfo.com',
    name: 'test.account@userinfo.com',
    picture: 'https://s.gravatar.com/avatar/dummy.png',
    nickname: 'test.account',
  },
}
const errors: readonly ErrorExample[] = [
  { status: 403, answer: { error: 'invalid_grant', error_description: 'Unknown or invalid refresh token.' }, means: 'refused' },
  { status: 403, answer: { error: 'mfa_required', error_description: 'Multifactor authentication required' }, means: 'refused' },
  { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
  { status: 403, answer: { error: 'access_denied' }, means: 'unavailable' },
]

const withoutAudience: ProviderDescription = {
  name: 'Auth0Provider',
  create: (options, environment) => new Auth0Provider({ ...options, domain: 'https://my-domain.us.auth0.com' }, environment),
  authorizationUrl:
    'https://my-domain.us.auth0.com/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email+offline_access&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['openid', 'profile', 'email'],
  issuer,
  openId: {
    discoveryUrl: 'https://my-domain.us.auth0.com/.well-known/openid-configuration',
    document,
    idToken: { sub: 'auth0|58454' },
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
    answer: { access_token: 'eyJz93a...k4laUWw', refresh_token: 'GEbRxBN...edjnXbL', token_type: 'Bearer', expires_in: 86_400 },
    tokens: { accessToken: 'eyJz93a...k4laUWw', scopes: ['openid', 'profile', 'email'], expiresIn: 86_400 },
  },
  refresh: {
    request: { ...tokenRequest, form: { ...client, grant_type: 'refresh_token', refresh_token: 'GEbRxBN...edjnXbL' } },
    answer: { access_token: 'eyJ...MoQ', expires_in: 86_400, scope: 'openid profile email offline_access', token_type: 'Bearer' },
    tokens: { accessToken: 'eyJ...MoQ', scopes: ['openid', 'profile', 'email', 'offline_access'], expiresIn: 86_400 },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: 'Bearer eyJz93a...k4laUWw' },
    },
    answer: userinfo,
    identity: person,
    idMember: 'sub',
  },
  revocation: {
    ...post,
    url: document.revocation_endpoint,
    headers: { ...post.headers, accept: '*/*' },
    form: { ...client, token: 'GEbRxBN...edjnXbL' },
  },
  errors,
  scopes: [
    {
      requested: ['openid', 'read:patients'],
      sent: 'openid read:patients offline_access',
      answered: 'openid read:patients offline_access',
      granted: ['openid', 'read:patients'],
    },
    // A person may not do what the client asked for.
    {
      requested: ['openid', 'read:patients', 'read:admin'],
      sent: 'openid read:patients read:admin offline_access',
      answered: 'openid read:patients offline_access',
      granted: ['openid', 'read:patients'],
    },
  ],
}

describeProvider(withoutAudience)

describeProvider({
  ...withoutAudience,
  name: 'Auth0Provider, for an API',
  create: (options, environment) =>
    new Auth0Provider({ ...options, domain: 'my-domain.us.auth0.com/', audience: 'https://example.com/health-api' }, environment),
  authorizationUrl: `${withoutAudience.authorizationUrl}&audience=https%3A%2F%2Fexample.com%2Fhealth-api`,
})

describe('auth0', () => {
  it('knows the organisation somebody signed in to', async () => {
    const { identify } = auth0({ domain: 'my-domain.us.auth0.com' })
    const login = { idToken: { sub: 'auth0|58454', org_id: 'org_abc', org_name: 'acme' }, answer: {} }
    const endpoints = { authorizationEndpoint: '', tokenEndpoint: '' }
    expect(await identify({ login, endpoints } as never)).toMatchObject({ claims: { org_id: 'org_abc', org_name: 'acme' } })
  })

  it('says what is wrong with its options', () => {
    expect(auth0({ domain: 'https://my-domain.us.auth0.com/authorize?x', audience: '' }).problems).toEqual([
      'domain "https://my-domain.us.auth0.com/authorize?x" is not like https://my-domain.eu.auth0.com',
      'audience is empty: leave it out, or name an API',
    ])
    expect(auth0({ domain: 'login.example.com' }).openId.issuer).toBe('https://login.example.com/')
  })
})
