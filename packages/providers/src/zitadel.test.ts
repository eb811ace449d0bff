import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { type ZitadelOptions, ZitadelProvider, zitadel } from './zitadel.ts'

// The endpoints, the members of the token answer and the errors are those of https://zitadel.com/docs/apis/openidoauth/endpoints; the person is that of
// https://zitadel.com/docs/guides/integrate/retrieve-user-roles, trimmed.

const issuer = 'https://my-instance-abc123.eu1.zitadel.cloud'
const document = {
  issuer,
  authorization_endpoint: `${issuer}/oauth/v2/authorize`,
  token_endpoint: `${issuer}/oauth/v2/token`,
  introspection_endpoint: `${issuer}/oauth/v2/introspect`,
  userinfo_endpoint: `${issuer}/oidc/v1/userinfo`,
  revocation_endpoint: `${issuer}/oauth/v2/revoke`,
  jwks_uri: `${issuer}/oauth/v2/keys`,
  scopes_supported: ['openid', 'profile', 'email', 'phone', 'address', 'offline_access'],
  response_types_supported: ['code', 'id_token', 'id_token token'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  code_challenge_methods_supported: ['S256'],
}
const headers = {
  accept: 'application/json',
  // upstream-client:s3cret+%2F%2B%26%25
  authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
  'content-type': 'application/x-www-form-urlencoded',
}
const tokenRequest = { method: 'POST', url: document.token_endpoint, headers } satisfies RequestExample
const accessToken = 'VjVxyCZmRmWYqd3_F5db9Pb9mHR5fqzhn'
const davidWallace = {
  email: 'david.wallace@dundermifflin.com',
  email_verified: true,
  name: 'David Wallace',
  preferred_username: 'david.wallace',
  sub: '223427827918176513',
  updated_at: 1_689_669_364,
  'urn:zitadel:iam:org:project:223281986649719041:roles': {
    cfo: { '223281939119866113': 'corporate.user-authorizations-io8epz.zitadel.cloud' },
  },
  'urn:zitadel:iam:org:project:roles': {
    cfo: { '223281939119866113': 'corporate.user-authorizations-io8epz.zitadel.cloud' },
    'corporate member': { '223279178798072065': 'org-a.user-authorizations-io8epz.zitadel.cloud' },
  },
}
const person = {
  subject: '223427827918176513',
  claims: {
    email: 'david.wallace@dundermifflin.com',
    email_verified: true,
    name: 'David Wallace',
    preferred_username: 'david.wallace',
    roles: ['cfo', 'corporate member'],
  },
}
const errors: readonly ErrorExample[] = [
  { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
  { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
  { status: 400, answer: { error: 'invalid_client' }, means: 'unavailable' },
  { status: 400, answer: { error: 'unauthorized_client' }, means: 'unavailable' },
  { status: 400, answer: { error: 'server_error' }, means: 'unavailable' },
]

const ofTheApp: ProviderDescription = {
  name: 'ZitadelProvider',
  create: (options, environment) => new ZitadelProvider({ ...options, serverUrl: issuer }, environment),
  authorizationUrl: `${document.authorization_endpoint}?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email+offline_access&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: ['openid', 'profile', 'email'],
  issuer,
  openId: {
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    document,
    // The claims of a person are in userinfo alone, as long as the app does not ask for them here.
    idToken: { sub: '223427827918176513', amr: ['pwd', 'mfa'], auth_time: 1_311_280_969 },
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
    answer: {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: 43_199,
      refresh_token: 'a-refresh-token',
      scope: 'openid profile email offline_access',
    },
    tokens: { accessToken, scopes: ['openid', 'profile', 'email', 'offline_access'], expiresIn: 43_199 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: 'a-refresh-token' } },
    answer: {
      access_token: 'dsfdsjk29fm2as',
      token_type: 'Bearer',
      expires_in: 43_199,
      refresh_token: 'a-new-refresh-token',
      scope: 'openid profile email offline_access',
    },
    tokens: { accessToken: 'dsfdsjk29fm2as', scopes: ['openid', 'profile', 'email', 'offline_access'], expiresIn: 43_199 },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    },
    answer: davidWallace,
    identity: person,
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
  scopes: [
    { requested: ['email'], sent: 'openid email offline_access', answered: 'openid email offline_access', granted: ['email'] },
    { requested: ['openid', 'profile'], sent: 'openid profile offline_access', granted: ['openid', 'profile'] },
  ],
}

describeProvider(ofTheApp)

describeProvider({
  ...ofTheApp,
  name: 'ZitadelProvider, for a project',
  create: (options, environment) =>
    new ZitadelProvider({ ...options, serverUrl: `${issuer}/`, projectId: '223281986649719041' }, environment),
  authorizationUrl: ofTheApp.authorizationUrl.replace(
    '+offline_access',
    '+offline_access+urn%3Azitadel%3Aiam%3Aorg%3Aproject%3Aid%3A223281986649719041%3Aaud+urn%3Azitadel%3Aiam%3Aorg%3Aprojects%3Aroles',
  ),
  identity: { ...ofTheApp.identity, identity: { ...person, claims: { ...person.claims, roles: ['cfo'] } } },
  scopes: [],
})

describe('zitadel', () => {
  const asked = (options: Omit<ZitadelOptions, 'serverUrl'>, answer: object) =>
    zitadel({ serverUrl: issuer, ...options }).identify(
      upstreamCall({
        endpoints: { authorizationEndpoint: '', tokenEndpoint: '', userinfoEndpoint: document.userinfo_endpoint },
        getJson: async () => answer,
      }),
    )

  it('does not take the roles of one project for those of another', async () => {
    expect((await asked({ projectId: '1' }, davidWallace)).claims).not.toHaveProperty('roles')
    for (const roles of [null, 'cfo', ['cfo'], undefined])
      expect((await asked({}, { ...davidWallace, 'urn:zitadel:iam:org:project:roles': roles })).claims).not.toHaveProperty('roles')
  })

  it('lets in the people of one organization only, and asks Zitadel to', async () => {
    const organizationId = '178204173316174381'
    const of = (id: unknown) => asked({ organizationId }, { ...davidWallace, 'urn:zitadel:iam:user:resourceowner:id': id })
    expect(await of(organizationId)).toMatchObject({ subject: person.subject })
    for (const other of ['178204173316174382', undefined, [organizationId]])
      await expect(of(other)).rejects.toMatchObject({ code: 'access_denied', reason: 'person_of_another_organisation' })
    expect(zitadel({ serverUrl: issuer, organizationId }).scopes?.always).toEqual([
      'offline_access',
      'urn:zitadel:iam:org:id:178204173316174381',
    ])
  })

  it('says what is wrong with its options, all at once', () => {
    expect(zitadel({ serverUrl: 'ftp://id.example.com', projectId: 'a b', organizationId: '' }).problems).toEqual([
      'serverUrl "ftp://id.example.com" is not like https://my-instance-abc123.eu1.zitadel.cloud',
      'projectId "a b" is not like 69234237810729019',
      'organizationId "" is not like 178204173316174381',
    ])
    expect(zitadel({ serverUrl: 'http://localhost:8080' }).problems).toEqual([])
  })
})
