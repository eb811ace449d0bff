import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { describeOidc, OidcProvider } from './oidc.ts'

// The document and the answers are those of OpenID Connect Core and Discovery.
// @see https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationResponse
// @see https://openid.net/specs/openid-connect-core-1_0.html#TokenResponse

const issuer = 'https://server.example.com'
const callback = 'https://mcp.example.com/auth/callback'
const document = {
  issuer,
  authorization_endpoint: 'https://server.example.com/connect/authorize',
  token_endpoint: 'https://server.example.com/connect/token',
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
  userinfo_endpoint: 'https://server.example.com/connect/userinfo',
  revocation_endpoint: 'https://server.example.com/connect/revoke',
  jwks_uri: 'https://server.example.com/jwks.json',
  scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
  response_types_supported: ['code'],
  subject_types_supported: ['public', 'pairwise'],
  id_token_signing_alg_values_supported: ['RS256', 'ES256'],
}
const jane = {
  sub: '248289761001',
  name: 'Jane Doe',
  given_name: 'Jane',
  family_name: 'Doe',
  preferred_username: 'j.doe',
  email: 'janedoe@example.com',
  picture: 'http://example.com/janedoe/me.jpg',
}
const person = {
  subject: '248289761001',
  claims: {
    name: 'Jane Doe',
    preferred_username: 'j.doe',
    email: 'janedoe@example.com',
    picture: 'http://example.com/janedoe/me.jpg',
  },
}
const headers = {
  accept: 'application/json',
  // upstream-client:s3cret+%2F%2B%26%25
  authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
  'content-type': 'application/x-www-form-urlencoded',
}
const tokenRequest = { method: 'POST', url: document.token_endpoint, headers } satisfies RequestExample
const codeForm = { grant_type: 'authorization_code', code: 'upstream-code', code_verifier: '{verifier}', redirect_uri: callback }
const errors: readonly ErrorExample[] = [
  { status: 400, answer: { error: 'invalid_grant' }, means: 'refused' },
  { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
  { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
]

const byUserinfo: ProviderDescription = {
  name: 'OidcProvider',
  create: (options, environment) => new OidcProvider(options, { issuer }, environment),
  authorizationUrl: `https://server.example.com/connect/authorize?response_type=code&client_id=upstream-client&redirect_uri=${encodeURIComponent(callback)}&state={state}&scope=openid+profile+email&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`,
  defaultScopes: ['openid', 'profile', 'email'],
  issuer,
  openId: {
    discoveryUrl: 'https://server.example.com/.well-known/openid-configuration',
    document,
    idToken: { sub: '248289761001', auth_time: 1_311_280_969 },
  },
  exchange: {
    request: { ...tokenRequest, form: codeForm },
    answer: { access_token: 'SlAV32hkKG', token_type: 'Bearer', refresh_token: '8xLOxBtZp8', expires_in: 3600 },
    tokens: { accessToken: 'SlAV32hkKG', scopes: ['openid', 'profile', 'email'], expiresIn: 3600 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: '8xLOxBtZp8' } },
    answer: { access_token: 'TlBN45jURg', token_type: 'Bearer', refresh_token: '9yNOxJtZa5', expires_in: 3600 },
    tokens: { accessToken: 'TlBN45jURg', scopes: ['openid', 'profile', 'email'], expiresIn: 3600 },
  },
  identity: {
    request: {
      method: 'GET',
      url: document.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: 'Bearer SlAV32hkKG' },
    },
    answer: jane,
    identity: person,
    idMember: 'sub',
  },
  revocation: {
    ...tokenRequest,
    url: document.revocation_endpoint,
    headers: { ...headers, accept: '*/*' },
    form: { token: '8xLOxBtZp8' },
  },
  errors,
  scopes: [
    { requested: ['files'], sent: 'openid files', answered: 'openid files', granted: ['files'] },
    { requested: ['openid', 'files', 'mail'], answered: 'files', granted: ['openid', 'files'] },
  ],
}

describeProvider(byUserinfo)

const postForm = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }
const { authorization: _, ...withoutBasic } = headers
const { revocation_endpoint: __, ...withoutRevocation } = document
const { revocation: ___, ...others } = byUserinfo

describeProvider({
  ...others,
  name: 'OidcProvider, by the ID token alone, of an issuer that names itself and takes the secret in the body',
  create: (options, environment) => new OidcProvider(options, { issuer, userinfo: false }, environment),
  openId: {
    discoveryUrl: 'https://server.example.com/.well-known/openid-configuration',
    document: {
      ...withoutRevocation,
      authorization_response_iss_parameter_supported: true,
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    },
    idToken: jane,
  },
  exchange: { ...byUserinfo.exchange, request: { ...tokenRequest, headers: withoutBasic, form: { ...postForm, ...codeForm } } },
  refresh: {
    request: {
      ...tokenRequest,
      headers: withoutBasic,
      form: { ...postForm, grant_type: 'refresh_token', refresh_token: '8xLOxBtZp8' },
    },
    answer: { access_token: 'TlBN45jURg', token_type: 'Bearer', expires_in: 3600 },
    tokens: { accessToken: 'TlBN45jURg', scopes: ['openid', 'profile', 'email'], expiresIn: 3600 },
  },
  identity: { answer: jane, identity: person, idMember: 'sub' },
})

describe('OidcProvider', () => {
  const endpoints = {
    authorizationEndpoint: 'https://server.example.com/a',
    tokenEndpoint: 'https://server.example.com/t',
    userinfoEndpoint: document.userinfo_endpoint,
  }

  it('refuses userinfo about somebody else than the ID token (OpenID Connect Core §5.3.2)', async () => {
    const login = { idToken: { sub: 'jane' }, answer: {} }
    const asking = describeOidc({ issuer }).identify(upstreamCall({ endpoints, login, getJson: async () => ({ sub: 'john' }) }))
    await expect(asking).rejects.toMatchObject({ name: 'UpstreamRefused', reason: 'userinfo_of_another_person' })
  })

  it('is asked again later by userinfo, without an ID token', async () => {
    const { identify } = describeOidc({ issuer })
    expect(await identify(upstreamCall({ endpoints, getJson: async () => jane }))).toEqual({ ...person, said: jane })
  })

  it('leaves people as they were where it cannot be asked again, and takes nobody’s silence for an outage (I6)', async () => {
    const { userinfoEndpoint: _, ...silent } = endpoints
    const known = { subject: 'jane', claims: { name: 'Jane' } }
    expect(await describeOidc({ issuer, userinfo: false }).identify(upstreamCall({ endpoints, known }))).toEqual(known)
    expect(await describeOidc({ issuer }).identify(upstreamCall({ endpoints: silent, known }))).toEqual(known)
  })

  it('is made of what was described before, too', () => {
    const options = { baseUrl: 'https://mcp.example.com', clientId: 'x', clientSecret: 'y' }
    const problemsOf = (described: ReturnType<typeof describeOidc>): unknown => {
      try {
        return new OidcProvider(options as never, described)
      } catch (cause) {
        return (cause as { problems: string[] }).problems
      }
    }
    expect(problemsOf(describeOidc({ issuer, problems: ['the realm is missing'] }))).toContain('the realm is missing')
  })

  it('refuses an issuer that is not https (http is for loopback)', () => {
    const options = { baseUrl: 'https://mcp.example.com', clientId: 'x', clientSecret: 'y' }
    const problemsOf = (server: { issuer: string; discoveryUrl?: string }): unknown => {
      try {
        return new OidcProvider(options as never, server)
      } catch (cause) {
        return (cause as { problems: string[] }).problems.filter((problem) => problem.includes('endpoint'))
      }
    }
    expect(problemsOf({ issuer: 'http://server.example.com' })).toEqual([
      'the upstream endpoint http://server.example.com is not https (http is accepted on loopback only)',
    ])
    expect(problemsOf({ issuer: 'http://127.0.0.1:9999' })).toEqual([])
    expect(problemsOf({ issuer, discoveryUrl: 'http://elsewhere.example/' })).toHaveLength(1)
  })
})
