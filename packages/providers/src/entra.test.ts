import type { Store, UpstreamCall, UpstreamHandle, UpstreamTokens } from '@drawbridge/core'
import { describeProvider, type ErrorExample, fixedEnvironment, type ProviderDescription, upstreamCall } from '@drawbridge/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { type EntraOptions, EntraProvider, entra } from './entra.ts'

// The answers are those of the documentation, with this client's own parameters.
// @see https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#successful-response-1
// @see https://learn.microsoft.com/en-us/entra/identity-platform/id-tokens#sample-v20-id-token
// @see https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes#handling-error-codes-in-your-application
// @see https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-on-behalf-of-flow#error-response-example

const tenantId = '9122040d-6c67-4c5b-b112-36a304b66dad'
const callback = 'https://mcp.example.com/auth/callback'

/** The document at a tenant, as https://github.com/panva/wellknown has it. */
const documentOf = (tenant: string, issuer = `https://login.microsoftonline.com/${tenant}/v2.0`) => ({
  token_endpoint: `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`,
  token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
  jwks_uri: `https://login.microsoftonline.com/${tenant}/discovery/v2.0/keys`,
  response_modes_supported: ['query', 'fragment', 'form_post'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
  response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
  scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
  issuer,
  request_uri_parameter_supported: false,
  userinfo_endpoint: 'https://graph.microsoft.com/oidc/userinfo',
  authorization_endpoint: `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/authorize`,
})
const openIdOf = (tenant: string, issuer?: string) => ({
  discoveryUrl: `https://login.microsoftonline.com/${tenant}/v2.0/.well-known/openid-configuration`,
  document: documentOf(tenant, issuer),
})

const abe = {
  ver: '2.0',
  sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  name: 'Abe Lincoln',
  preferred_username: 'AbeLi@microsoft.com',
  oid: '00000000-0000-0000-66f3-3332eca7ea81',
  tid: tenantId,
  aio: 'Df2UVXL1ix!lMCWMSOJBcFatzcGfvFGhjKv8q5g0x732dR5MB5BisvGQO7YWByjd8iQDLq!eGbIDakyp5mnOrcdqHeYSnltepQmRp6AIZ8jY',
}
const person = {
  subject: `${tenantId}.00000000-0000-0000-66f3-3332eca7ea81`,
  claims: { name: 'Abe Lincoln', preferred_username: 'AbeLi@microsoft.com', oid: abe.oid, tid: tenantId },
}

const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
const secret = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }
const codeForm = { grant_type: 'authorization_code', code: 'upstream-code', code_verifier: '{verifier}', redirect_uri: callback }
const answer = {
  access_token: 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsIng1dCI6Ik5HVEZ2ZEstZnl0aEV1Q',
  token_type: 'Bearer',
  expires_in: 3599,
  ext_expires_in: 3599,
  refresh_token: 'AwABAAAAvPM1KaPlrEqdFSBzjqfTGAMxZGUTdM0t4B4',
}

/** As https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#error-response-1 shows it. */
const error = (name: string, code: number, means: ErrorExample['means'], status = 400): ErrorExample => ({
  status,
  answer: {
    error: name,
    error_description: `AADSTS${code}: What is wrong, in a sentence.\r\nTrace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333\r\nTimestamp: 2016-01-09 02:02:12Z`,
    error_codes: [code],
    timestamp: '2016-01-09 02:02:12Z',
    trace_id: '0000aaaa-11bb-cccc-dd22-eeeeee333333',
    correlation_id: 'aaaa0000-bb11-2222-33cc-444444dddddd',
  },
  means,
})
const errors: readonly ErrorExample[] = [
  error('invalid_grant', 70_008, 'refused'),
  error('interaction_required', 50_079, 'refused'),
  error('consent_required', 65_001, 'refused'),
  error('invalid_scope', 70_011, 'unavailable'),
  error('invalid_resource', 500_011, 'unavailable'),
  error('unauthorized_client', 700_016, 'unavailable'),
  error('invalid_client', 7_000_222, 'unavailable', 401),
  error('temporarily_unavailable', 90_033, 'unavailable'),
]

const authorizationUrl = (tenant: string, scope: string): string =>
  `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/authorize?response_type=code&client_id=upstream-client&redirect_uri=${encodeURIComponent(callback)}&state={state}&scope=${scope}&nonce={nonce}&code_challenge={challenge}&code_challenge_method=S256`
const request = (tenant: string, form: Record<string, string>) =>
  ({ method: 'POST', url: documentOf(tenant).token_endpoint, headers, form }) as const

const ofOneTenant: ProviderDescription = {
  name: 'EntraProvider of one directory',
  create: (options, environment) => new EntraProvider({ ...options, tenantId }, environment),
  authorizationUrl: authorizationUrl(tenantId, 'openid+profile+email+offline_access'),
  defaultScopes: ['openid', 'profile', 'email'],
  issuer: `https://login.microsoftonline.com/${tenantId}/v2.0`,
  openId: { ...openIdOf(tenantId), idToken: abe },
  exchange: {
    request: request(tenantId, { ...secret, ...codeForm, scope: 'openid profile email offline_access' }),
    answer: { ...answer, scope: 'email openid profile https://graph.microsoft.com/User.Read' },
    tokens: { accessToken: answer.access_token, scopes: ['openid', 'email', 'profile', 'User.Read'], expiresIn: 3599 },
  },
  refresh: {
    request: request(tenantId, {
      ...secret,
      grant_type: 'refresh_token',
      refresh_token: answer.refresh_token,
      scope: 'openid email profile User.Read offline_access',
    }),
    answer: { ...answer, access_token: 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsInJlZnJlc2hlZCI6MX0', refresh_token: 'AwABAAAAvPM1KaPl2' },
    tokens: {
      accessToken: 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsInJlZnJlc2hlZCI6MX0',
      scopes: ['openid', 'email', 'profile', 'User.Read'],
      expiresIn: 3599,
    },
  },
  identity: { answer: abe, identity: person, idMember: ['tid', 'oid'] },
  errors,
  scopes: [
    {
      requested: ['User.Read'],
      sent: 'openid User.Read profile offline_access',
      answered: 'openid profile User.Read email',
      granted: ['User.Read'],
    },
    {
      requested: ['email', 'Mail.Read'],
      sent: 'openid email Mail.Read profile offline_access',
      answered: 'https://graph.microsoft.com/Mail.Read',
      granted: ['email', 'Mail.Read'],
    },
  ],
}

describeProvider(ofOneTenant)

const api = 'api://11111111-2222-3333-4444-555555555555'
const mail = 'https://graph.microsoft.com/Mail.Read'
const assertion = {
  client_id: 'upstream-client',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: 'a-token-of-the-platform',
}

describeProvider({
  ...ofOneTenant,
  name: 'EntraProvider with an API of its own, scopes of another, and a federated credential',
  create: ({ clientSecret: _, ...options }, environment) =>
    new EntraProvider(
      {
        ...options,
        tenantId: tenantId.toUpperCase(),
        identifierUri: api,
        additionalAuthorizeScopes: [mail],
        upstream: { ...options.upstream, clientAssertion: async () => 'a-token-of-the-platform' },
      },
      environment,
    ),
  authorizationUrl: authorizationUrl(tenantId, `openid+profile+email+offline_access+${encodeURIComponent(mail)}`),
  // Scopes of another API would make Entra refuse the request (AADSTS28000).
  exchange: {
    ...ofOneTenant.exchange,
    request: request(tenantId, { ...assertion, ...codeForm, scope: 'openid profile email offline_access' }),
    answer: { ...answer, scope: `${api}/read` },
    tokens: { accessToken: answer.access_token, scopes: ['openid', 'read', 'profile', 'email'], expiresIn: 3599 },
  },
  refresh: {
    request: request(tenantId, {
      ...assertion,
      grant_type: 'refresh_token',
      refresh_token: answer.refresh_token,
      scope: `openid ${api}/read profile email offline_access`,
    }),
    answer: { ...answer, access_token: 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsInJlZnJlc2hlZCI6MX0' },
    tokens: {
      accessToken: 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsInJlZnJlc2hlZCI6MX0',
      scopes: ['openid', 'read', 'profile', 'email'],
      expiresIn: 3599,
    },
  },
  scopes: [
    {
      requested: ['read', 'write'],
      sent: `openid ${api}/read ${api}/write profile offline_access ${mail}`,
      answered: `${api}/read`,
      granted: ['read'],
    },
    {
      requested: ['read', 'https://graph.microsoft.com/User.Read'],
      sent: `openid ${api}/read https://graph.microsoft.com/User.Read profile offline_access ${mail}`,
      answered: `${api}/read`,
      granted: ['read'],
    },
  ],
})

const { issuer: _, ...ofMany } = ofOneTenant

describeProvider({
  ...ofMany,
  name: 'EntraProvider of every work and school account',
  create: (options, environment) => new EntraProvider({ ...options, tenantId: 'organizations' }, environment),
  authorizationUrl: authorizationUrl('organizations', 'openid+profile+email+offline_access'),
  openId: {
    ...openIdOf('organizations', 'https://login.microsoftonline.com/{tenantid}/v2.0'),
    idToken: abe,
    issuerOf: ({ tid }) => `https://login.microsoftonline.com/${tid}/v2.0`,
  },
  exchange: { ...ofOneTenant.exchange, request: request('organizations', { ...ofOneTenant.exchange.request.form }) },
  ...(ofOneTenant.refresh && {
    refresh: { ...ofOneTenant.refresh, request: request('organizations', { ...ofOneTenant.refresh.request.form }) },
  }),
})

describe('whose accounts sign in', () => {
  const issuerOf = (server: EntraOptions, tid: unknown): string | undefined => entra(server).openId.issuerOf?.({ tid })
  const personal = '9188040d-6c67-4c5b-b112-36a304b66dad'

  it('organizations are all directories but that of personal accounts; common has that too', () => {
    expect(issuerOf({ tenantId: 'organizations' }, tenantId)).toBe(`https://login.microsoftonline.com/${tenantId}/v2.0`)
    expect(issuerOf({ tenantId: 'organizations' }, personal)).toBeUndefined()
    expect(issuerOf({ tenantId: 'common' }, personal)).toBe(`https://login.microsoftonline.com/${personal}/v2.0`)
  })

  it('allowedTenants are the only ones', () => {
    const server = { tenantId: 'common', allowedTenants: [tenantId.toUpperCase()] }
    expect(issuerOf(server, tenantId)).toBe(`https://login.microsoftonline.com/${tenantId}/v2.0`)
    expect(issuerOf(server, personal)).toBeUndefined()
  })

  it.each([undefined, 1, '', 'common', `${tenantId}/../x`])('a tid that is no GUID is nobody’s: %s', (tid) => {
    expect(issuerOf({ tenantId: 'common' }, tid)).toBeUndefined()
  })

  it('consumers is one directory', () => {
    expect(entra({ tenantId: 'consumers' }).openId).toEqual({
      issuer: `https://login.microsoftonline.com/${personal}/v2.0`,
      discoveryUrl: 'https://login.microsoftonline.com/consumers/v2.0/.well-known/openid-configuration',
    })
  })

  it.each(['login.microsoftonline.us', 'login.partner.microsoftonline.cn'])(
    'a cloud of a government is its own issuer: %s',
    (baseAuthority) => {
      expect(entra({ tenantId, baseAuthority }).openId).toEqual({
        issuer: `https://${baseAuthority}/${tenantId}/v2.0`,
        discoveryUrl: `https://${baseAuthority}/${tenantId}/v2.0/.well-known/openid-configuration`,
      })
    },
  )

  it.each(['contoso.ciamlogin.com', 'login.contoso.com'])(
    'an external tenant is named by its id, wherever people sign in: %s',
    (baseAuthority) => {
      expect(entra({ tenantId, baseAuthority }).openId).toEqual({
        issuer: `https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`,
        discoveryUrl: `https://${baseAuthority}/${tenantId}/v2.0/.well-known/openid-configuration`,
      })
    },
  )

  it('says everything that is wrong with the options', () => {
    const problemsOf = (server: EntraOptions): readonly string[] => entra(server).problems ?? []
    expect(problemsOf({ tenantId: 'contoso.onmicrosoft.com', groups: ['Everybody'], identifierUri: 'my api' })).toEqual([
      'tenantId "contoso.onmicrosoft.com" is not an id (a GUID), which the Entra admin center shows',
      'groups "Everybody" is not an id (a GUID), which the Entra admin center shows',
      'identifierUri "my api" is not a URI',
    ])
    expect(problemsOf({ tenantId, allowedTenants: [tenantId] })).toEqual([
      'allowedTenants goes with tenantId "organizations" or "common" only',
    ])
    expect(problemsOf({ tenantId: 'common', baseAuthority: 'https://contoso.ciamlogin.com' })).toEqual([
      'baseAuthority "https://contoso.ciamlogin.com" is not a host name',
      'tenantId has to be the id of the external tenant at https://contoso.ciamlogin.com',
    ])
    expect(problemsOf({ tenantId: 'organizations', allowedTenants: [tenantId] })).toEqual([])
    expect(problemsOf({} as EntraOptions)).toEqual(['tenantId "undefined" is not an id (a GUID), which the Entra admin center shows'])
  })
})

describe('who is in which group', () => {
  const groups = Array.from({ length: 21 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`)
  const [first = '', second = ''] = groups
  type Ask = UpstreamCall['ask']
  const groupsAt = async (
    idToken: Record<string, unknown>,
    ask: Ask = vi.fn<Ask>(),
    { scope, ...parts }: Partial<UpstreamCall> & { scope?: string } = {},
  ): Promise<unknown> => {
    const call = upstreamCall({ login: { idToken: { ...abe, ...idToken }, answer: { scope } }, ask, ...parts })
    return (await entra({ tenantId, groups, ...(scope !== undefined && { identifierUri: api }) }).identify(call)).claims.groups
  }
  /** Graph, which says of each group whether the person is in it. */
  const graph = (isIn: (group: string) => boolean) =>
    vi.fn<Ask>(async (_url, { body }) => ({ status: 200, json: { value: JSON.parse(String(body)).groupIds.filter(isIn) } }))
  const asked = (accessToken: string, groupIds: readonly string[]) => [
    'https://graph.microsoft.com/v1.0/me/checkMemberGroups',
    {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
      body: JSON.stringify({ groupIds }),
    },
  ]
  /** As https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference#groups-overage-claim shows it. */
  const overage = {
    _claim_names: { groups: 'src1' },
    _claim_sources: { src1: { endpoint: 'https://graph.windows.net/9122040d-6c67-4c5b-b112-36a304b66dad/users/x/getMemberObjects' } },
  }

  it('keeps those that matter, of however many', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `10000000-0000-4000-8000-${String(index).padStart(12, '0')}`)
    expect(await groupsAt({ groups: [...many, second] })).toEqual([second])
    expect(await groupsAt({})).toEqual([])
  })

  it.each([overage, { hasgroups: true }])('asks Graph where the ID token has too many, in portions that it takes: %o', async (tooMany) => {
    const ask = graph((id) => id === second || id === groups.at(-1))
    expect(await groupsAt(tooMany, ask)).toEqual([second, groups.at(-1)])
    expect(ask.mock.calls).toEqual([asked('upstream-access-token', groups.slice(0, 20)), asked('upstream-access-token', groups.slice(20))])
  })

  const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  it.each([
    ['our secret', { clientSecret: 's3cret /+&%' }, { client_secret: 's3cret /+&%' }],
    [
      'an assertion',
      { clientAssertion: async (audience: string) => `for ${audience}` },
      { client_assertion_type: assertionType, client_assertion: 'for https://upstream.example/token' },
    ],
  ])('asks Graph on behalf of the person where the token is for an API of one’s own, with %s', async (_, credentials, proof) => {
    const trade = vi.fn<Ask>(async () => ({ status: 200, json: { token_type: 'Bearer', access_token: 'a-token-for-graph' } }))
    const check = graph((id) => id === first)
    const ask: Ask = (url, init) => (url.startsWith('https://graph.') ? check(url, init) : trade(url, init))
    expect(await groupsAt(overage, ask, { scope: `${api}/read`, client: { clientId: 'upstream-client', ...credentials } })).toEqual([first])
    const [[url = '', init] = []] = trade.mock.calls
    expect([url, Object.fromEntries(new URLSearchParams(String(init?.body)))]).toEqual([
      'https://upstream.example/token',
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        client_id: 'upstream-client',
        ...proof,
        assertion: 'upstream-access-token',
        scope: 'https://graph.microsoft.com/User.Read',
        requested_token_use: 'on_behalf_of',
      },
    ])
    expect(check.mock.calls).toEqual([asked('a-token-for-graph', groups.slice(0, 20)), asked('a-token-for-graph', groups.slice(20))])
  })

  it.each([
    [{ status: 401, json: {} }, 'groups_overage'],
    [{ status: 403, json: { error: { code: 'Authorization_RequestDenied' } } }, 'groups_overage'],
    [{ status: 200, json: [] }, 'identity_malformed'],
  ])('lets nobody in whose groups cannot be found out: %o', async (answer, reason) => {
    await expect(groupsAt(overage, async () => answer)).rejects.toMatchObject({ reason })
    await expect(groupsAt(overage, async () => answer, { scope: `${api}/read` })).rejects.toMatchObject({ reason })
  })

  it('lets nobody in whose token cannot be traded for one that Graph takes', async () => {
    const trade: Ask = async () => ({ status: 200, json: {} })
    await expect(groupsAt(overage, trade, { scope: `${api}/read` })).rejects.toMatchObject({
      name: 'UpstreamRefused',
      reason: 'groups_overage',
    })
  })

  it('is said to hooks in full, and to tools as far as it is short', async () => {
    const login = { idToken: { ...abe, groups: [first, second] }, answer: {} }
    const { claims, said } = await entra({ tenantId }).identify(upstreamCall({ login }))
    expect([claims.groups, said?.groups]).toEqual([
      [first, second],
      [first, second],
    ])
    const many = await entra({ tenantId }).identify(upstreamCall({ login: { ...login, idToken: { ...abe, groups } } }))
    expect([many.claims.groups, many.said?.groups]).toEqual([undefined, groups])
  })

  it('is what it was at the login when it is asked again', async () => {
    expect(await entra({ tenantId, groups }).identify(upstreamCall({ known: person }))).toEqual(person)
  })
})

/** A store, for a provider that is asked nothing of its own. */
const nothingKept: Store = {
  reach: 'process',
  sealed: false,
  get: async () => undefined,
  set: async () => undefined,
  delete: async () => false,
}

it('calls another API in the name of the person (the on-behalf-of flow)', async () => {
  const exchange = vi.fn(
    async (): Promise<UpstreamTokens> => ({ accessToken: 'a-token-for-graph', scopes: [mail], expiresAt: 1_767_272_400 }),
  )
  const fetch = vi.fn(async (_url: string | URL, _init?: RequestInit) => new Response('{}'))
  const upstream: UpstreamHandle = {
    accessToken: 'a-token-for-our-api',
    exchange,
    scopes: ['read'],
    identity: person,
    fetch: () => Promise.reject(new Error('nobody calls our own API')),
  }
  const options = {
    baseUrl: 'https://mcp.example.com',
    clientId: 'upstream-client',
    clientSecret: 's3cret /+&%',
    jwtSigningKey: 'a-signing-key-of-a-trial-0123456789-abcdefghijklmnop',
    clientStorage: nothingKept,
  }
  const auth = new EntraProvider({ ...options, tenantId }, fixedEnvironment({ fetch }))
  vi.spyOn(auth, 'upstream').mockResolvedValue(upstream)
  const graph = await auth.onBehalfOf({ extra: { grantId: 'gr_1' } }, [mail])
  expect(exchange.mock.calls).toEqual([
    ['urn:ietf:params:oauth:grant-type:jwt-bearer', { assertion: 'a-token-for-our-api', scope: mail, requested_token_use: 'on_behalf_of' }],
  ])
  expect([graph.accessToken, graph.scopes]).toEqual(['a-token-for-graph', [mail]])
  await graph.fetch('https://graph.microsoft.com/v1.0/me/messages', { headers: { prefer: 'x', authorization: 'Bearer another' } })
  const [url, init] = fetch.mock.calls[0] ?? []
  expect([url, Object.fromEntries(new Headers(init?.headers))]).toEqual([
    'https://graph.microsoft.com/v1.0/me/messages',
    { prefer: 'x', authorization: 'Bearer a-token-for-graph' },
  ])
})
