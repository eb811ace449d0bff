import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { LogtoProvider, logto } from './logto.ts'

// The requests are those of https://docs.logto.io/authorization/global-api-resources, which prints no answer. The members of the answers and of the document, and the errors,
// are those of oidc-provider, on which Logto is built (https://github.com/logto-io/logto/blob/master/packages/core/src/oidc/init.ts); the claims those of
// https://github.com/logto-io/logto/blob/master/packages/toolkit/core-kit/src/openid.ts.

const issuer = 'https://my-tenant.logto.app/oidc'
const document = {
  issuer,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/me`,
  jwks_uri: `${issuer}/jwks`,
  introspection_endpoint: `${issuer}/token/introspection`,
  revocation_endpoint: `${issuer}/token/revocation`,
  scopes_supported: ['openid', 'offline_access', 'profile', 'email', 'roles', 'urn:logto:scope:organizations'],
  response_types_supported: ['code'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['ES384'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
}
const headers = {
  accept: 'application/json',
  // upstream-client:s3cret+%2F%2B%26%25
  authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
  'content-type': 'application/x-www-form-urlencoded',
}
const tokenRequest = { method: 'POST', url: document.token_endpoint, headers } satisfies RequestExample
const codeForm = {
  grant_type: 'authorization_code',
  code: 'upstream-code',
  code_verifier: '{verifier}',
  redirect_uri: 'https://mcp.example.com/auth/callback',
}
const refreshForm = { grant_type: 'refresh_token', refresh_token: 'a-refresh-token' }
const answer = { access_token: 'an-access-token', expires_in: 3600, refresh_token: 'a-refresh-token', token_type: 'Bearer' }
const refreshed = { access_token: 'another-access-token', expires_in: 3600, refresh_token: 'another-refresh-token', token_type: 'Bearer' }
const claims = {
  sub: 'rz3w8dq2hkfa',
  name: 'Jane Doe',
  picture: 'https://example.com/jane.png',
  username: 'jane',
  email: 'jane@example.com',
  email_verified: true,
}
const { sub: subject, ...others } = claims
const errors: readonly ErrorExample[] = [
  { status: 400, answer: { error: 'invalid_grant', error_description: 'grant request is invalid' }, means: 'refused' },
  { status: 400, answer: { error: 'invalid_target' }, means: 'unavailable' },
  { status: 401, answer: { error: 'invalid_client', error_description: 'client authentication failed' }, means: 'unavailable' },
]
const granted = ['openid', 'offline_access', 'profile', 'email']

const forUserinfo: ProviderDescription = {
  name: 'LogtoProvider, with roles and organizations',
  create: (options, environment) =>
    new LogtoProvider({ ...options, serverUrl: 'https://my-tenant.logto.app/', roles: true, organizations: true }, environment),
  authorizationUrl: `${document.authorization_endpoint}?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email+offline_access+roles+urn%3Alogto%3Ascope%3Aorganizations+urn%3Alogto%3Ascope%3Aorganization_roles&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256&prompt=consent`,
  defaultScopes: ['openid', 'profile', 'email'],
  issuer,
  openId: { discoveryUrl: `${issuer}/.well-known/openid-configuration`, document, idToken: claims },
  exchange: {
    request: { ...tokenRequest, form: codeForm },
    answer: { ...answer, scope: 'openid offline_access profile email' },
    tokens: { accessToken: 'an-access-token', scopes: granted, expiresIn: 3600 },
  },
  refresh: {
    request: { ...tokenRequest, form: refreshForm },
    answer: { ...refreshed, scope: 'openid offline_access profile email' },
    tokens: { accessToken: 'another-access-token', scopes: granted, expiresIn: 3600 },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: 'Bearer an-access-token' },
    },
    answer: { ...claims, roles: ['editor'], organizations: ['org1'], organization_roles: ['org1:admin'], custom_data: {} },
    identity: { subject, claims: { ...others, roles: ['editor'], organizations: ['org1'], organization_roles: ['org1:admin'] } },
    idMember: 'sub',
  },
  groups: 'roles',
  revocation: {
    ...tokenRequest,
    url: document.revocation_endpoint,
    headers: { ...headers, accept: '*/*' },
    form: { token: 'a-refresh-token' },
  },
  errors,
}

describeProvider(forUserinfo)

const resource = 'https://api.example.com'
const { groups: _, ...withoutGroups } = forUserinfo

describeProvider({
  ...withoutGroups,
  name: 'LogtoProvider, for an API',
  create: (options, environment) => new LogtoProvider({ ...options, serverUrl: 'https://my-tenant.logto.app', resource }, environment),
  authorizationUrl: `${forUserinfo.authorizationUrl.replace(/\+roles[^&]*/, '')}&resource=https%3A%2F%2Fapi.example.com`,
  // A token for an API: its scopes, and no word of those of OpenID Connect.
  exchange: {
    request: { ...tokenRequest, form: { ...codeForm, resource } },
    answer: { ...answer, scope: 'read:products' },
    tokens: { accessToken: 'an-access-token', scopes: ['openid', 'read:products', 'profile', 'email'], expiresIn: 3600 },
  },
  refresh: {
    request: { ...tokenRequest, form: { ...refreshForm, resource } },
    answer: { ...refreshed, scope: 'read:products' },
    tokens: { accessToken: 'another-access-token', scopes: ['openid', 'read:products', 'profile', 'email'], expiresIn: 3600 },
  },
  identity: { answer: claims, identity: { subject, claims: others }, idMember: 'sub' },
  scopes: [
    {
      requested: ['openid', 'read:products', 'write:products'],
      sent: 'openid read:products write:products offline_access',
      answered: 'read:products',
      granted: ['openid', 'read:products'],
    },
    // A person who may do nothing there.
    { requested: ['openid', 'read:products'], sent: 'openid read:products offline_access', answered: '', granted: ['openid'] },
    { requested: ['openid', 'read:products'], sent: 'openid read:products offline_access', granted: ['openid'] },
  ],
})

describe('logto', () => {
  it('asks for neither roles nor organizations by itself', () => {
    expect(logto({ serverUrl: 'id.example.com' }).scopes?.always).toEqual(['offline_access'])
  })

  it('does not ask userinfo with a token that is for an API', async () => {
    const login = { idToken: claims, answer: {} }
    const endpoints = { authorizationEndpoint: '', tokenEndpoint: '', userinfoEndpoint: document.userinfo_endpoint }
    const { identify } = logto({ serverUrl: 'https://my-tenant.logto.app', resource })
    expect((await identify(upstreamCall({ login, endpoints }))).subject).toBe(subject)
  })

  it('says what is wrong with its options, all at once', () => {
    expect(logto({ serverUrl: '', resource: 'products' }).problems).toEqual([
      'serverUrl "" is not like https://my-tenant.logto.app',
      'resource "products" is not like https://api.example.com',
    ])
    expect(logto({ serverUrl: 'http://localhost:3001', resource: 'urn:example:api' }).problems).toEqual([])
    expect(logto({ serverUrl: 'id.example.com', resource: 'https://api.example.com#x' }).problems).toHaveLength(1)
  })
})
