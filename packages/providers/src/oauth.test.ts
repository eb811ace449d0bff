import type { OAuthProxyOptions } from '@drawbridge/core'
import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { describeUpstream, OAuthProvider, type OAuthServer, pickClaims, requireObject, requireSubject } from './oauth.ts'

const server: OAuthServer = {
  authorizationEndpoint: 'https://upstream.example/oauth/authorize',
  tokenEndpoint: 'https://upstream.example/oauth/token',
  userEndpoint: 'https://upstream.example/userinfo',
}

const tokenRequest = {
  method: 'POST',
  url: 'https://upstream.example/oauth/token',
  headers: {
    accept: 'application/json',
    // upstream-client:s3cret+%2F%2B%26%25, encoded as RFC 6749 §2.3.1 asks, and no further
    authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
    'content-type': 'application/x-www-form-urlencoded',
  },
} satisfies RequestExample

const codeForm = {
  grant_type: 'authorization_code',
  code: 'upstream-code',
  code_verifier: '{verifier}',
  redirect_uri: 'https://mcp.example.com/auth/callback',
}

/** The names of RFC 6749 §5.2, with the status that it gives them, and one that it does not know. */
const errors: readonly ErrorExample[] = [
  { status: 400, answer: { error: 'invalid_grant', error_description: 'The code has expired.' }, means: 'refused' },
  { status: 400, answer: { error: 'invalid_request' }, means: 'unavailable' },
  { status: 401, answer: { error: 'invalid_client' }, means: 'unavailable' },
  { status: 400, answer: { error: 'unauthorized_client' }, means: 'unavailable' },
  { status: 400, answer: { error: 'unsupported_grant_type' }, means: 'unavailable' },
  { status: 400, answer: { error: 'invalid_scope' }, means: 'unavailable' },
  { status: 400, answer: { error: 'consent_required' }, means: 'unavailable' },
  { status: 400, answer: { error: 'constructor' }, means: 'unavailable' },
]

const byUserEndpoint: ProviderDescription = {
  name: 'OAuthProvider, by endpoints',
  create: (options, environment) =>
    new OAuthProvider(
      { requiredScopes: ['files', 'people'], ...options },
      { ...server, issuer: 'https://upstream.example', revocation: { endpoint: 'https://upstream.example/oauth/revoke' } },
      environment,
    ),
  authorizationUrl:
    'https://upstream.example/oauth/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=files+people&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['files', 'people'],
  issuer: 'https://upstream.example',
  exchange: {
    request: { ...tokenRequest, form: codeForm },
    answer: {
      access_token: 'at-2YotnFZFEjr1zCsicMWpAA',
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: 'rt-tGzv3JOkF0XG5Qx2TlKWIA',
    },
    tokens: { accessToken: 'at-2YotnFZFEjr1zCsicMWpAA', scopes: ['files', 'people'], expiresIn: 3600 },
  },
  refresh: {
    request: { ...tokenRequest, form: { grant_type: 'refresh_token', refresh_token: 'rt-tGzv3JOkF0XG5Qx2TlKWIA' } },
    answer: {
      access_token: 'at-8xLOxBtZp8vKq0eWjv1NqQ',
      token_type: 'Bearer',
      expires_in: '1800',
      refresh_token: 'rt-Z9yTn5jqk1hQ4oLwPd0uVg',
      scope: 'files',
    },
    tokens: { accessToken: 'at-8xLOxBtZp8vKq0eWjv1NqQ', scopes: ['files'], expiresIn: 1800 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://upstream.example/userinfo',
      headers: { accept: 'application/json', authorization: 'Bearer at-2YotnFZFEjr1zCsicMWpAA' },
    },
    answer: { sub: '248289761001', name: 'Jane Doe', preferred_username: 'j.doe', email: 'jane@example.com', phone_number: '+1 555 0100' },
    identity: { subject: '248289761001', claims: { name: 'Jane Doe', preferred_username: 'j.doe', email: 'jane@example.com' } },
    idMember: 'sub',
  },
  revocation: {
    ...tokenRequest,
    url: 'https://upstream.example/oauth/revoke',
    headers: { ...tokenRequest.headers, accept: '*/*' },
    form: { token: 'rt-tGzv3JOkF0XG5Qx2TlKWIA' },
  },
  errors,
  scopes: [
    { requested: ['files', 'people'], granted: ['files', 'people'] },
    { requested: ['files', 'people'], answered: 'people', granted: ['people'] },
    { requested: ['files'], answered: 'files people', granted: ['files'] },
    { requested: ['files', 'people'], answered: 'files constructor', granted: ['files'] },
    // Without the quirk a comma is part of a name.
    { requested: ['files', 'people', 'files,people'], answered: 'files,people', granted: ['files,people'] },
  ],
}

describeProvider(byUserEndpoint)

describeProvider({
  name: 'OAuthProvider, with identify, without a secret and without PKCE',
  create: ({ clientSecret: _, ...options }, environment) =>
    new OAuthProvider(
      options,
      {
        name: 'The shop',
        authorizationEndpoint: 'https://shop.example/authorize?tenant=7',
        tokenEndpoint: 'https://shop.example/token',
        clientAuthentication: 'none',
        pkce: false,
        authorizeParameters: { prompt: 'select_account' },
        tokenParameters: { tenant: '7' },
        quirks: { missingTokenType: true },
        errorNames: { code_used_up: 'invalid_grant' },
        async identify(call) {
          const account = requireObject(await call.getJson('https://shop.example/account', { 'x-tenant': '7' }))
          return { subject: `shop:${requireSubject(account.number)}`, claims: pickClaims(account, ['nickname']) }
        },
      },
      environment,
    ),
  authorizationUrl:
    'https://shop.example/authorize?tenant=7&response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&prompt=select_account',
  defaultScopes: [],
  exchange: {
    request: {
      method: 'POST',
      url: 'https://shop.example/token',
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      form: {
        grant_type: 'authorization_code',
        client_id: 'upstream-client',
        code: 'upstream-code',
        redirect_uri: 'https://mcp.example.com/auth/callback',
        tenant: '7',
      },
    },
    answer: { access_token: 'shop-2YotnFZFEjr1zCsicMWpAA' },
    tokens: { accessToken: 'shop-2YotnFZFEjr1zCsicMWpAA', scopes: [] },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://shop.example/account',
      headers: { accept: 'application/json', authorization: 'Bearer shop-2YotnFZFEjr1zCsicMWpAA', 'x-tenant': '7' },
    },
    answer: { number: 4711, nickname: 'Jane', email: 'jane@example.com' },
    identity: { subject: 'shop:4711', claims: { nickname: 'Jane' } },
    idMember: 'number',
  },
  errors: [
    { status: 400, answer: { error: 'code_used_up' }, means: 'refused' },
    { status: 400, answer: { error: 'out_of_stock' }, means: 'unavailable' },
  ],
})

describe('OAuthProvider, by another member than sub', () => {
  it('takes the subject from it, and shows tools the members that were named', async () => {
    const { identify } = describeUpstream({ ...server, subjectMember: 'uid', claimNames: ['handle', 'missing'] })
    const getJson = async () => ({ uid: 7, sub: 'not this one', handle: 'jane', name: 'Jane Doe' })
    expect(await identify(upstreamCall({ getJson }))).toMatchObject({ subject: '7', claims: { handle: 'jane' } })
  })

  it('takes the host for the name, where there is none', () => {
    expect(describeUpstream(server).name).toBe('upstream.example')
    expect(describeUpstream({ ...server, name: 'Upstream' }).name).toBe('Upstream')
  })
})

describe('OAuthProvider, when it is made', () => {
  const problemsOf = (upstream: Partial<OAuthServer>, options: Partial<OAuthProxyOptions> = {}): readonly string[] => {
    try {
      new OAuthProvider({ baseUrl: 'https://mcp.example.com', ...options } as OAuthProxyOptions, upstream as OAuthServer)
      return []
    } catch (cause) {
      return (cause as { problems: readonly string[] }).problems
    }
  }
  const ofTheUpstream = (upstream: Partial<OAuthServer>): readonly string[] =>
    problemsOf(upstream).filter((problem) => /endpoint|identify/i.test(problem))

  it('says that nobody would tell who the person is, with everything else that is missing', () => {
    const { userEndpoint: _, ...anonymous } = server
    expect(problemsOf(anonymous)).toEqual([
      'jwtSigningKey is missing: "npm run keygen" prints one',
      'userEndpoint is missing, and so is identify: one of them has to say who the person is',
      'clientId is missing: upstream.example shows it where the app is registered',
      'clientSecret is missing: upstream.example asks for one',
      'clientStorage is missing: memoryStore(), or encrypted(sqliteStore("drawbridge.db"), fernet(process.env.STORAGE_ENCRYPTION_KEY)), from @drawbridge/storage',
    ])
  })

  it('says which endpoint is missing', () => {
    expect(ofTheUpstream({ userEndpoint: 'https://upstream.example/me' })).toEqual([
      'the upstream endpoint undefined is not https (http is accepted on loopback only)',
      'the upstream endpoint undefined is not https (http is accepted on loopback only)',
    ])
  })

  it('refuses http for every endpoint that sees a code, a token or a secret', () => {
    expect(
      ofTheUpstream({
        authorizationEndpoint: 'http://upstream.example/authorize',
        tokenEndpoint: 'http://upstream.example/token',
        refreshEndpoint: 'http://upstream.example/refresh',
        userEndpoint: 'http://upstream.example/me',
        revocation: { endpoint: 'http://upstream.example/revoke' },
      }),
    ).toEqual([
      'userEndpoint http://upstream.example/me is not https (http is accepted on loopback only)',
      'the upstream endpoint http://upstream.example/authorize is not https (http is accepted on loopback only)',
      'the upstream endpoint http://upstream.example/token is not https (http is accepted on loopback only)',
      'the upstream endpoint http://upstream.example/refresh is not https (http is accepted on loopback only)',
      'the upstream endpoint http://upstream.example/revoke is not https (http is accepted on loopback only)',
    ])
  })

  it('accepts http on loopback, and nothing that only looks like it', () => {
    const at = (origin: string) =>
      ofTheUpstream({
        authorizationEndpoint: `${origin}/authorize`,
        tokenEndpoint: `${origin}/token`,
        userEndpoint: `${origin}/me`,
      })
    for (const origin of ['http://127.0.0.1:9000', 'http://[::1]:9000', 'http://localhost']) expect(at(origin)).toEqual([])
    for (const origin of ['http://localhost.example', 'http://127.0.0.1.example', 'http://localhost@example.com', 'ftp://localhost', 'me'])
      expect(at(origin)).toHaveLength(3)
  })
})
