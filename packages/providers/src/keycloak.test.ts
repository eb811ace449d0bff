import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { KeycloakProvider, keycloak } from './keycloak.ts'

// Keycloak's documentation has the endpoints, https://www.keycloak.org/securing-apps/oidc-layers, and prints no answer. The members are those of
// https://github.com/keycloak/keycloak/blob/main/core/src/main/java/org/keycloak/representations/AccessTokenResponse.java, and the claims those of the
// client scopes that every realm has, https://www.keycloak.org/docs/latest/server_admin/#_client_scopes_protocol; the values are as users have published them.

const issuer = 'https://keycloak.example.com/realms/my-realm'
const document = {
  issuer,
  authorization_endpoint: `${issuer}/protocol/openid-connect/auth`,
  token_endpoint: `${issuer}/protocol/openid-connect/token`,
  userinfo_endpoint: `${issuer}/protocol/openid-connect/userinfo`,
  jwks_uri: `${issuer}/protocol/openid-connect/certs`,
  introspection_endpoint: `${issuer}/protocol/openid-connect/token/introspect`,
  revocation_endpoint: `${issuer}/protocol/openid-connect/revoke`,
  grant_types_supported: ['authorization_code', 'refresh_token'],
  response_types_supported: ['code'],
  subject_types_supported: ['public', 'pairwise'],
  id_token_signing_alg_values_supported: ['RS256', 'ES256'],
  token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'tls_client_auth'],
  code_challenge_methods_supported: ['plain', 'S256'],
  authorization_response_iss_parameter_supported: true,
}
const jwtOf = (claims: object) =>
  ['eyJhbGciOiJSUzI1NiJ9', Buffer.from(JSON.stringify(claims)).toString('base64url'), 'c2lnbmF0dXJl'].join('.')
const accessToken = jwtOf({
  azp: 'upstream-client',
  realm_access: { roles: ['offline_access', 'editor'] },
  resource_access: { account: { roles: ['view-profile'] } },
})
const post = { method: 'POST', headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' } } as const
const tokenRequest = { ...post, url: document.token_endpoint } satisfies RequestExample
const client = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }
const userinfo = {
  sub: '5a8a2e0f-9d0c-4a5e-8f0f-2b9b8c1f2e77',
  email_verified: true,
  name: 'Jane Doe',
  preferred_username: 'jane',
  given_name: 'Jane',
  family_name: 'Doe',
  email: 'jane@example.com',
  groups: ['/staff', '/staff/editors'],
}
const person = {
  subject: '5a8a2e0f-9d0c-4a5e-8f0f-2b9b8c1f2e77',
  claims: {
    email_verified: true,
    name: 'Jane Doe',
    preferred_username: 'jane',
    email: 'jane@example.com',
    groups: ['/staff', '/staff/editors'],
    roles: ['offline_access', 'editor'],
  },
}
const errors: readonly ErrorExample[] = [
  { status: 400, answer: { error: 'invalid_grant', error_description: 'Token is not active' }, means: 'refused' },
  { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
  {
    status: 401,
    answer: { error: 'invalid_client', error_description: 'Invalid client or Invalid client credentials' },
    means: 'unavailable',
  },
  { status: 401, answer: { error: 'unauthorized_client' }, means: 'unavailable' },
]

const withOfflineAccess: ProviderDescription = {
  name: 'KeycloakProvider',
  create: (options, environment) => new KeycloakProvider({ ...options, realmUrl: `${issuer}/` }, environment),
  authorizationUrl: `${document.authorization_endpoint}?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=openid+profile+email+offline_access&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: ['openid', 'profile', 'email'],
  issuer,
  openId: {
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    document,
    idToken: { sub: userinfo.sub, typ: 'ID', sid: '0932e5d5-7253-4472-bb5f-c6287aaff314', preferred_username: 'jane' },
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
    answer: {
      access_token: accessToken,
      expires_in: 300,
      refresh_expires_in: 0,
      refresh_token: 'eyJ...cUMI',
      token_type: 'Bearer',
      'not-before-policy': 0,
      session_state: '0932e5d5-7253-4472-bb5f-c6287aaff314',
      scope: 'openid profile email offline_access',
    },
    tokens: { accessToken, scopes: ['openid', 'profile', 'email', 'offline_access'], expiresIn: 300 },
  },
  refresh: {
    request: { ...tokenRequest, form: { ...client, grant_type: 'refresh_token', refresh_token: 'eyJ...cUMI' } },
    answer: {
      access_token: 'eyJ...v8inQ',
      expires_in: 300,
      refresh_expires_in: 0,
      refresh_token: 'eyJ...x2Ab',
      token_type: 'Bearer',
      'not-before-policy': 0,
      session_state: '0932e5d5-7253-4472-bb5f-c6287aaff314',
      scope: 'openid profile email offline_access',
    },
    tokens: { accessToken: 'eyJ...v8inQ', scopes: ['openid', 'profile', 'email', 'offline_access'], expiresIn: 300 },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
    },
    answer: userinfo,
    identity: person,
    idMember: 'sub',
  },
  groups: 'groups',
  errors,
  scopes: [
    {
      requested: ['openid', 'mcp:tools'],
      sent: 'openid mcp:tools offline_access',
      // The default scopes of the client come unasked.
      answered: 'openid profile mcp:tools email offline_access',
      granted: ['openid', 'mcp:tools'],
    },
  ],
}

describeProvider(withOfflineAccess)

describeProvider({
  ...withOfflineAccess,
  name: 'KeycloakProvider, as long as the session of the person',
  create: (options, environment) => new KeycloakProvider({ ...options, realmUrl: issuer, offlineAccess: false }, environment),
  authorizationUrl: withOfflineAccess.authorizationUrl.replace('+offline_access', ''),
  scopes: [{ requested: ['openid', 'email'], answered: 'openid profile email', granted: ['openid', 'email'] }],
})

describe('keycloak', () => {
  const endpoints = { authorizationEndpoint: '', tokenEndpoint: '', userinfoEndpoint: document.userinfo_endpoint }
  const asked = (token: string, answer: object = userinfo) =>
    keycloak({ realmUrl: issuer }).identify(upstreamCall({ accessToken: token, endpoints, getJson: async () => answer }))

  it('shows authorizeUser the roles of clients too', async () => {
    expect((await asked(accessToken)).said).toMatchObject({ resource_access: { account: { roles: ['view-profile'] } } })
  })

  it('takes what userinfo says of roles, where a mapper puts them there', async () => {
    const { claims, said } = await asked(accessToken, { ...userinfo, realm_access: { roles: ['reader'] } })
    expect([claims.roles, said?.realm_access]).toEqual([['reader'], { roles: ['reader'] }])
    expect((await asked(accessToken, { ...userinfo, roles: ['mapped'] })).claims.roles).toEqual(['mapped'])
  })

  it('knows the roles of the moment when it is asked again', async () => {
    const token = jwtOf({ realm_access: { roles: ['reader'] } })
    const parts = { accessToken: token, endpoints, known: person, getJson: async () => userinfo }
    expect((await keycloak({ realmUrl: issuer }).identify(upstreamCall(parts))).claims.roles).toEqual(['reader'])
  })

  it.each(['opaque', 'a.b.c', jwtOf([]), jwtOf({ realm_access: null }), jwtOf({ realm_access: 'all' }), jwtOf({})])(
    'knows nobody’s roles by the access token %s',
    async (token) => {
      const { subject, claims } = await asked(token)
      expect(subject).toBe(person.subject)
      expect(claims).not.toHaveProperty('roles')
    },
  )

  it('does not take the claims of the access token for the person’s', async () => {
    const { subject, claims, said } = await asked(jwtOf({ sub: 'somebody-else', name: 'Somebody Else', groups: ['/admins'] }))
    expect(said).toMatchObject(userinfo)
    const { roles: _, ...others } = person.claims
    expect({ subject, claims }).toEqual({ ...person, claims: others })
  })

  it('takes realms of older servers, and servers on this machine', () => {
    for (const realmUrl of ['https://keycloak.example.com/auth/realms/my-realm', 'http://localhost:8080/realms/dev'])
      expect(keycloak({ realmUrl })).toMatchObject({ openId: { issuer: realmUrl }, problems: [] })
  })

  it('says what is wrong with the realm', () => {
    const right = 'is not like https://keycloak.example.com/realms/my-realm'
    expect(keycloak({ realmUrl: 'https://keycloak.example.com' }).problems).toEqual([`realmUrl "https://keycloak.example.com" ${right}`])
    expect(keycloak({ realmUrl: 'http://keycloak.example.com/realms/my-realm' }).problems).toEqual([
      `realmUrl "http://keycloak.example.com/realms/my-realm" ${right}`,
    ])
    expect(keycloak({ realmUrl: `${issuer}/protocol/openid-connect/auth` }).problems).toHaveLength(1)
  })
})
