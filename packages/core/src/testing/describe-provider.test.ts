import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Identity, OAuthProxy, type OAuthUpstream, type Upstream, type UpstreamCall, UpstreamUnavailable } from '../index.ts'
import { describeProvider, providerRules, tryRule } from './describe-provider.ts'
import type { ProviderDescription } from './describe-provider-description.ts'
import { fakeUpstream } from './fake-upstream.ts'

const userUrl = 'https://upstream.example/me'

async function askFor(call: UpstreamCall): Promise<{ id?: unknown; login?: unknown; email?: unknown }> {
  return (await call.getJson(userUrl)) as { id?: unknown; login?: unknown; email?: unknown }
}

const good: OAuthUpstream = {
  name: 'The upstream',
  authorizationEndpoint: 'https://upstream.example/authorize',
  tokenEndpoint: 'https://upstream.example/token',
  clientAuthentication: 'client_secret_post',
  defaultScopes: ['read'],
  issuer: 'https://upstream.example',
  pkce: true,
  quirks: { errorsWithStatus200: true, commaSeparatedScopes: true },
  includedScopes: { write: ['read'] },
  errorNames: { code_used_up: 'invalid_grant' },
  revocation: {
    request: (accessToken) => ({
      url: 'https://upstream.example/tokens',
      init: { method: 'DELETE', headers: { authorization: `Bearer ${accessToken}` } },
    }),
  },
  async identify(call) {
    const { id, login } = await askFor(call)
    return identityOf(id, typeof login === 'string' && login.length < 100 ? { login } : {})
  },
}

function identityOf(id: unknown, claims: Identity['claims']): Identity {
  if (typeof id !== 'number' || !Number.isInteger(id)) throw new UpstreamUnavailable('identity_without_subject')
  return { subject: String(id), claims }
}

const tokenRequest = {
  method: 'POST',
  url: 'https://upstream.example/token',
  headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
} as const

const credentials = { client_id: 'upstream-client', client_secret: 's3cret /+&%' }

const expiring: ProviderDescription = {
  name: 'a provider that keeps the rules',
  create: (options, environment) => new OAuthProxy(options, good, environment),
  authorizationUrl:
    'https://upstream.example/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&scope=read&code_challenge={challenge}&code_challenge_method=S256',
  defaultScopes: ['read'],
  issuer: 'https://upstream.example',
  exchange: {
    request: {
      ...tokenRequest,
      form: {
        ...credentials,
        grant_type: 'authorization_code',
        code: 'upstream-code',
        code_verifier: '{verifier}',
        redirect_uri: 'https://mcp.example.com/auth/callback',
      },
    },
    answer: {
      access_token: 'first-access-token',
      token_type: 'bearer',
      scope: 'read',
      expires_in: 7200,
      refresh_token: 'first-refresh-token',
    },
    tokens: { accessToken: 'first-access-token', scopes: ['read'], expiresIn: 7200 },
  },
  refresh: {
    request: { ...tokenRequest, form: { ...credentials, grant_type: 'refresh_token', refresh_token: 'first-refresh-token' } },
    answer: { access_token: 'second-access-token', token_type: 'bearer', expires_in: 3600, refresh_token: 'second-refresh-token' },
    tokens: { accessToken: 'second-access-token', scopes: ['read'], expiresIn: 3600 },
  },
  identity: {
    request: { method: 'GET', url: userUrl, headers: { accept: 'application/json', authorization: 'Bearer first-access-token' } },
    answer: { id: 7, login: 'jane', email: 'jane@example.com' },
    identity: { subject: '7', claims: { login: 'jane' } },
    idMember: 'id',
  },
  revocation: {
    method: 'DELETE',
    url: 'https://upstream.example/tokens',
    headers: { accept: '*/*', authorization: 'Bearer first-access-token' },
  },
  errors: [
    { status: 200, answer: { error: 'code_used_up' }, means: 'refused' },
    { status: 200, answer: { error: 'under_maintenance' }, means: 'unavailable' },
  ],
  scopes: [{ requested: ['read', 'write', 'admin'], answered: 'write,admin', granted: ['read', 'write', 'admin'] }],
}

const { refresh: _, revocation: __, ...others } = expiring
const everlasting: ProviderDescription = {
  ...others,
  name: 'a provider that keeps the rules, with tokens that never expire and cannot be ended',
  create: (options, environment) => new OAuthProxy(options, without('revocation'), environment),
  exchange: {
    ...expiring.exchange,
    answer: { access_token: 'first-access-token', token_type: 'bearer', scope: 'read' },
    tokens: { accessToken: 'first-access-token', scopes: ['read'] },
  },
}

describeProvider(expiring)
describeProvider(everlasting)

/** Providers that break a rule, each with one that has to notice. */
const broken: readonly (readonly [what: string, rule: string, upstream: Upstream, description?: ProviderDescription])[] = [
  [
    'sends no challenge',
    'sends the browser to the upstream with our client, our callback, our state and our challenge',
    { ...good, pkce: false },
  ],
  ['sends no verifier', 'exchanges the upstream code with our credentials and our verifier', { ...good, pkce: false }],
  [
    'asks for more than it was told',
    'sends the browser to the upstream with our client, our callback, our state and our challenge',
    { ...good, authorizeParameters: { prompt: 'none' } },
  ],
  [
    'sends the secret another way',
    'exchanges the upstream code with our credentials and our verifier',
    { ...good, clientAuthentication: 'client_secret_basic' },
  ],
  ['sends no secret in a refresh', 'refreshes a token from then on, with our credentials', { ...good, clientAuthentication: 'none' }],
  ['grants other scopes', 'gives a tool the upstream’s token, what it is good for, and the person', { ...good, defaultScopes: ['write'] }],
  [
    'does not know what separates scopes',
    'asked for "read write admin" and answered "write,admin", grants "read write admin"',
    { ...good, quirks: { errorsWithStatus200: true } },
  ],
  [
    'forgets included scopes',
    'asked for "read write admin" and answered "write,admin", grants "read write admin"',
    without('includedScopes'),
  ],
  ['does not know its issuer', 'refuses an answer from another upstream, and calls nobody', without('issuer')],
  ['knows another issuer', 'accepts an answer from its upstream', { ...good, issuer: 'https://other.example' }],
  ['takes a no for trouble', 'takes "code_used_up" at the exchange for a no', without('errorNames')],
  ['keeps what was refused', 'ends the grant when a refresh is answered "code_used_up"', without('errorNames')],
  [
    'takes trouble for a no',
    'takes "under_maintenance" at the exchange for trouble',
    { ...good, errorNames: { code_used_up: 'invalid_grant', under_maintenance: 'invalid_grant' } },
  ],
  [
    'ends grants for trouble',
    'keeps the grant when a refresh is answered "under_maintenance"',
    { ...good, errorNames: { code_used_up: 'invalid_grant', under_maintenance: 'invalid_grant' } },
  ],
  [
    'knows people by a name',
    'knows the person by "id" and by nothing else',
    identifying(async (call) => ({ subject: String((await askFor(call)).login), claims: {} })),
  ],
  [
    'knows one person only',
    'tells persons apart by "id"',
    identifying(async (call) => ({ subject: '7', claims: { of: await askFor(call) } })),
  ],
  [
    'does without an id',
    'takes an answer whose "id" is missing for no answer',
    identifying(async (call) => ({ subject: String((await askFor(call)).id), claims: {} })),
  ],
  [
    'passes on everything',
    'shows tools what it knows by name, and lets nothing of the answer into our token (T70)',
    identifying(async (call) => {
      const answer = await askFor(call)
      return identityOf(answer.id, { ...answer })
    }),
  ],
  [
    'passes on whole books',
    'leaves out what is too long for a name',
    identifying(async (call) => {
      const { id, login } = await askFor(call)
      return identityOf(id, { login })
    }),
  ],
  [
    'asks twice',
    'asks who the person is with the new token, and makes no other call',
    identifying(async (call) => (await askFor(call)) && good.identify(call)),
  ],
  [
    'asks somewhere else',
    'asks who the person is with the new token, and makes no other call',
    identifying(async (call) => identityOf(Object.values((await call.getJson('https://elsewhere.example/me')) ?? {})[0], {})),
  ],
  [
    'swallows a no',
    'takes a 401 of the user endpoint with JSON for a no',
    identifying((call) => good.identify(call).catch(() => ({ subject: '7', claims: {} }))),
  ],
  [
    'swallows trouble',
    'ends a login without a grant when the user endpoint answers status 500',
    identifying((call) => good.identify(call).catch(() => ({ subject: '7', claims: {} }))),
  ],
  [
    'never notices that the token has ended',
    'ends the grant when the upstream does not know the token any more',
    identifying((call) => good.identify(call).catch(() => ({ subject: '7', claims: {} }))),
    everlasting,
  ],
  [
    'takes an error for a person',
    'ends a login without a grant when the identity is answered 200 with an error',
    { ...identifying(async (call) => (await askFor(call)) && { subject: '7', claims: {} }), quirks: { commaSeparatedScopes: true } },
  ],
  ['leaves tokens alive', 'ends the upstream’s tokens with the grant', without('revocation')],
  ['leaves the tokens of failed logins alive', 'ends the upstream’s tokens of a login that fails', without('revocation')],
  ['calls where nobody is', 'ends the grant without a word to the upstream, which cannot be told', good, everlasting],
]

describe('the rules catch a provider that', () => {
  const fake = fakeUpstream()
  beforeAll(() => fake.open())
  afterAll(() => fake.close())

  const cases = broken.map(([what, name, upstream, description = expiring]) => ({ what, name, upstream, description }))
  it.each(cases)('$what', async ({ name, upstream, description }) => {
    const rule = providerRules(description).find((candidate) => candidate.rule === name)
    if (!rule) throw new Error(`There is no such rule: ${name}`)
    const create: ProviderDescription['create'] = (options, environment) => new OAuthProxy(options, upstream, environment)
    await expect(tryRule(rule, { ...description, create }, fake)).rejects.toThrow()
    await expect(tryRule(rule, description, fake)).resolves.toBeUndefined()
  })
})

function without(member: 'issuer' | 'includedScopes' | 'errorNames' | 'revocation'): OAuthUpstream {
  const { [member]: _, ...upstream } = good
  return upstream
}

function identifying(identify: Upstream['identify']): OAuthUpstream {
  return { ...good, identify }
}
