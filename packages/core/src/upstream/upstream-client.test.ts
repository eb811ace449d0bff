import { describe, expect, it } from 'vitest'
import type { Event } from '../ports/events.ts'
import {
  type OAuthUpstream,
  type Upstream,
  type UpstreamClientCredentials,
  UpstreamRefused,
  type UpstreamTokens,
  UpstreamUnavailable,
} from '../ports/upstream.ts'
import { expandScopes } from '../protocol/scope-hierarchy.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { upstreamClient } from './upstream-client.ts'

const state = 'the-state'
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const plain: OAuthUpstream = {
  name: 'Test',
  authorizationEndpoint: 'https://upstream.example.com/authorize?tenant=a',
  tokenEndpoint: 'https://upstream.example.com/token',
  clientAuthentication: 'client_secret_post',
  defaultScopes: ['read'],
  pkce: true,
  async identify(call) {
    const me = await call.getJson('https://upstream.example.com/me', { 'x-version': '1' })
    return { subject: 'subject' in Object(me) ? String(Reflect.get(Object(me), 'subject')) : '', claims: {} }
  },
}

interface Asked {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
}

/** Our client of an upstream that answers in one way, and what was asked of it. */
function open(
  answer: () => Response | Promise<Response>,
  { upstream = {}, credentials = {} }: { upstream?: Partial<OAuthUpstream>; credentials?: Partial<UpstreamClientCredentials> } = {},
) {
  const asked: Asked[] = []
  const events: Event[] = []
  const environment = fixedEnvironment({
    async fetch(url, init) {
      const request = new Request(url, init)
      const headers = Object.fromEntries(request.headers)
      asked.push({ url: request.url, method: request.method, headers, form: Object.fromEntries(new URLSearchParams(await request.text())) })
      return answer()
    },
  })
  const whole = upstreamClient({
    upstream: { ...plain, ...upstream },
    credentials: { clientId: 'our-id', clientSecret: 'our secret:%', ...credentials },
    callbackUrl: 'https://mcp.example.com/auth/callback',
    requiredScopes: ['read'],
    expandScopes: expandScopes(upstream.includedScopes ?? {}),
    environment,
    emit: (event) => events.push(event),
  })
  const resource = 'https://mcp.example.com/mcp'
  const client = {
    ...whole,
    authorizationUrl: (scopes: readonly string[]) => whole.authorizationUrl(state, verifier, { scopes, resource }),
    exchangeCode: async (parameters: Record<string, string>) =>
      (await whole.exchangeCode(parameters, state, verifier, { scopes: ['read'], resource })).tokens,
    identify: (accessToken: string) => whole.identify(accessToken, { answer: {}, nonce: '' }),
    refresh: (refreshToken: string) => whole.refresh(refreshToken, { scopes: ['read'], resource }),
  }
  return { client, whole, asked, environment, events }
}

const ofOpenId = {
  upstream: { openId: { issuer: 'https://upstream.example.com' }, authorizationEndpoint: undefined, tokenEndpoint: undefined },
} as unknown as Parameters<typeof open>[1]
const json = (body: object, init?: ResponseInit) => () => Response.json(body, init)
const good = { access_token: 'gho_access', token_type: 'bearer' }

/** How a call ended, in words. */
async function endOf(calling: Promise<unknown>): Promise<object> {
  try {
    return { answered: await calling }
  } catch (error) {
    if (error instanceof UpstreamRefused) return { refused: error.reason }
    if (error instanceof UpstreamUnavailable) return { unavailable: error.reason, sent: error.sent }
    return { thrown: error }
  }
}

describe('a token request', () => {
  const document = {
    issuer: 'https://upstream.example.com',
    authorization_endpoint: 'https://upstream.example.com/authorize',
    token_endpoint: 'https://upstream.example.com/token',
    jwks_uri: 'https://upstream.example.com/keys',
  }
  const tokens = { access_token: 'a', token_type: 'bearer' }

  it.each([
    ['for a code', (client: ReturnType<typeof open>['client']) => client.exchangeCode({ code: 'c', state })],
    ['for a refresh token', (client: ReturnType<typeof open>['client']) => client.refresh('r')],
  ])('%s is made soon or not at all: others wait for its end no longer than they have to (REL-R21)', async (_, ask) => {
    const { client, asked, environment } = open(() => {
      if (asked.length > 1) return Response.json(tokens)
      environment.advance(4)
      return Response.json(document)
    }, ofOpenId)
    expect(await endOf(ask(client))).toEqual({ unavailable: 'not_sent_in_time', sent: false })
    expect(asked).toHaveLength(1)
    expect(await endOf(ask(client))).toMatchObject({ answered: { accessToken: 'a' } })
  })

  it('waits no longer for what proves us', async () => {
    const { client, asked, environment } = open(json(tokens), {
      credentials: {
        async clientAssertion() {
          environment.advance(4)
          return 'an-assertion'
        },
      },
    })
    expect(await endOf(client.refresh('r'))).toEqual({ unavailable: 'not_sent_in_time', sent: false })
    expect(asked).toEqual([])
  })
})

describe('a trade of another token', () => {
  it('that is answered 401 is about that token, and stops no refresh of anybody', async () => {
    const answers = [Response.json({ error: 'invalid_token' }, { status: 401 }), Response.json(good)]
    const { client, whole, events } = open(() => answers.shift() ?? Response.error())
    const trade = whole.exchangeGrant('urn:ietf:params:oauth:grant-type:token-exchange', { subject_token: 'of somebody' })
    expect(await endOf(trade)).toEqual({ unavailable: 'invalid_token', sent: true })
    expect(await endOf(client.refresh('r'))).toMatchObject({ answered: { accessToken: 'gho_access' } })
    expect(events).toEqual([])
  })

  it('that is answered "invalid_client" is about us', async () => {
    const { client, whole, asked, events } = open(json({ error: 'invalid_client' }, { status: 401 }))
    expect(await endOf(whole.exchangeGrant('x', {}))).toEqual({ unavailable: 'invalid_client', sent: false })
    expect(await endOf(client.refresh('r'))).toEqual({ unavailable: 'invalid_client', sent: false })
    expect([asked.length, events]).toEqual([1, [{ type: 'upstream.client_refused', reason: 'invalid_client' }]])
  })
})

describe('where the browser is sent to sign in (RFC 6749 §4.1.1)', () => {
  it('keeps the endpoint’s own query, and adds our callback, our state and our challenge (R69)', async () => {
    const url = new URL(await open(json({})).client.authorizationUrl(['read', 'user:email']))
    expect(url.origin + url.pathname).toBe('https://upstream.example.com/authorize')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      tenant: 'a',
      response_type: 'code',
      client_id: 'our-id',
      redirect_uri: 'https://mcp.example.com/auth/callback',
      state: 'the-state',
      scope: 'read user:email',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
  })

  it('has what the provider adds, no scope when none is asked for, and no challenge where it is not understood', async () => {
    const { client } = open(json({}), { upstream: { pkce: false, authorizeParameters: { access_type: 'offline', prompt: 'consent' } } })
    expect(Object.fromEntries(new URL(await client.authorizationUrl([])).searchParams)).toEqual({
      tenant: 'a',
      response_type: 'code',
      client_id: 'our-id',
      redirect_uri: 'https://mcp.example.com/auth/callback',
      state: 'the-state',
      access_type: 'offline',
      prompt: 'consent',
    })
  })

  it('never carries our secret (T38)', async () => {
    expect(await open(json({}), { credentials: { clientSecret: 'canary' } }).client.authorizationUrl(['read'])).not.toContain('canary')
  })
})

describe('an upstream code is traded (RFC 6749 §4.1.3)', () => {
  it('with our callback, our verifier and our secret in the body', async () => {
    const { client, asked } = open(json(good), { upstream: { tokenParameters: { audience: 'x' } } })
    expect(await client.exchangeCode({ code: 'upstream-code', state })).toEqual({ accessToken: 'gho_access' })
    expect(asked).toEqual([
      {
        url: 'https://upstream.example.com/token',
        method: 'POST',
        headers: expect.objectContaining({
          accept: 'application/json',
          'content-type': expect.stringContaining('application/x-www-form-urlencoded'),
        }),
        form: {
          grant_type: 'authorization_code',
          code: 'upstream-code',
          redirect_uri: 'https://mcp.example.com/auth/callback',
          code_verifier: verifier,
          client_id: 'our-id',
          client_secret: 'our secret:%',
          audience: 'x',
        },
      },
    ])
  })

  it('with our secret in the header, form-encoded, where the upstream wants it so (R87)', async () => {
    const { client, asked } = open(json(good), { upstream: { clientAuthentication: 'client_secret_basic' } })
    await client.exchangeCode({ code: 'c', state })
    expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('our-id:our+secret%3A%25').toString('base64')}`)
    expect(asked[0]?.form).not.toHaveProperty('client_secret')
  })

  it('without a secret where there is none, and without a verifier where it is not understood', async () => {
    const { client, asked } = open(json(good), { upstream: { clientAuthentication: 'none', pkce: false } })
    await client.exchangeCode({ code: 'c', state })
    expect(asked[0]?.form).toEqual({
      grant_type: 'authorization_code',
      code: 'c',
      redirect_uri: 'https://mcp.example.com/auth/callback',
      client_id: 'our-id',
    })
  })

  it.each([
    ['another state', { code: 'c', state: 'another' }, {}],
    ['an error', { error: 'access_denied', state }, {}],
    ['another issuer', { code: 'c', state, iss: 'https://evil.example' }, { issuer: 'https://upstream.example.com' }],
  ])('not at all when the callback brings %s: nothing is sent (T11)', async (_, parameters: Record<string, string>, upstream) => {
    const { client, asked } = open(json(good), { upstream })
    expect(await endOf(client.exchangeCode(parameters))).toEqual({ unavailable: 'answer_not_usable', sent: true })
    expect(asked).toEqual([])
  })

  it('with the issuer it names, and with any where it names none', async () => {
    const named = open(json(good), { upstream: { issuer: 'https://upstream.example.com' } })
    expect(await endOf(named.client.exchangeCode({ code: 'c', state, iss: 'https://upstream.example.com' }))).toEqual({
      answered: { accessToken: 'gho_access' },
    })
    expect(await endOf(open(json(good)).client.exchangeCode({ code: 'c', state, iss: 'https://any.example' }))).toEqual({
      answered: { accessToken: 'gho_access' },
    })
  })
})

describe('upstream tokens are refreshed (RFC 6749 §6)', () => {
  it('with the refresh token and our secret', async () => {
    const { client, asked } = open(json({ ...good, refresh_token: 'ghr_new', expires_in: 28_800 }))
    expect(await client.refresh('ghr_old')).toEqual({
      accessToken: 'gho_access',
      refreshToken: 'ghr_new',
      expiresAt: 1_767_268_800 + 28_800,
    })
    expect(asked[0]?.form).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'ghr_old',
      client_id: 'our-id',
      client_secret: 'our secret:%',
    })
  })
})

describe('upstream tokens are refreshed elsewhere', () => {
  const upstream = { refreshEndpoint: 'https://upstream.example.com/refresh' }

  it('where the upstream says so, and are got at the token endpoint', async () => {
    const { client, asked } = open(json(good), { upstream })
    await client.exchangeCode({ code: 'the-code', state })
    await client.refresh('ghr')
    expect(asked.map(({ url }) => url)).toEqual([plain.tokenEndpoint, upstream.refreshEndpoint])
  })

  it('and what it says there of our client and of the token counts', async () => {
    const answers = [json({ error: 'invalid_client' }, { status: 401 }), json({ error: 'invalid_grant' }, { status: 400 })]
    expect(await endOf(open(answers[0] ?? json({}), { upstream }).client.refresh('ghr'))).toMatchObject({ unavailable: 'invalid_client' })
    expect(await endOf(open(answers[1] ?? json({}), { upstream }).client.refresh('ghr'))).toEqual({ refused: 'invalid_grant' })
  })
})

describe('what the upstream says of its tokens (REL-R8)', () => {
  const now = 1_767_268_800

  it.each<[string, object, Partial<UpstreamTokens>]>([
    ['no end', {}, {}],
    ['an end', { expires_in: 3600 }, { expiresAt: now + 3600 }],
    ['an end as text', { expires_in: '3600' }, { expiresAt: now + 3600 }],
    ['half a second', { expires_in: 3599.5 }, { expiresAt: now + 3599 }],
    ['an end now', { expires_in: 0 }, { expiresAt: now }],
    ['a million years', { expires_in: 1e12 }, { expiresAt: now + 3_153_600_000 }],
    ['scopes', { scope: 'read write' }, { scopes: ['read', 'write'] }],
    ['no scopes, as text', { scope: '' }, {}],
    ['scopes that are none', { scope: 'read "write"' }, {}],
    ['another case of the type', { token_type: 'Bearer' }, {}],
    ['more than we asked', JSON.parse('{"user":{"name":"x"},"__proto__":{"access_token":"evil"},"constructor":1}'), {}],
  ])('%s', async (_, part, tokens) => {
    expect(await endOf(open(json({ ...good, ...part })).client.refresh('ghr'))).toEqual({
      answered: { accessToken: 'gho_access', ...tokens },
    })
  })

  it.each<[string, object]>([
    ['a negative end', { expires_in: -1 }],
    ['an end that is no number', { expires_in: 'soon' }],
    ['an end that is null', { expires_in: null }],
    ['no access token', { access_token: undefined }],
    ['an access token that is a number', { access_token: 7 }],
    ['an empty access token', { access_token: '' }],
    ['an empty refresh token', { refresh_token: '' }],
    ['no token type', { token_type: undefined }],
    ['another token type', { token_type: 'mac' }],
    ['scopes that are a list', { scope: ['read'] }],
    ['an error with 200, and no quirk that expects it', { access_token: undefined, token_type: undefined, error: 'bad_code' }],
  ])('%s is not usable, and nobody is logged out for it', async (_, part) => {
    expect(await endOf(open(json({ ...good, ...part })).client.refresh('ghr'))).toEqual({ unavailable: 'answer_not_usable', sent: true })
  })

  it.each(['gho_\n', 'gho_\u0000', 'gho_ä', 'gho_\r\nx-evil: 1'])('a token that no header can carry is not usable: %j', async (token) => {
    for (const part of [{ access_token: token }, { refresh_token: token }])
      expect(await endOf(open(json({ ...good, ...part })).client.refresh('ghr'))).toEqual({ unavailable: 'token_malformed', sent: true })
  })

  it('by comma, or without a type, where the provider says so', async () => {
    const { client } = open(json({ access_token: 'gho_access', scope: 'repo,user:email' }), {
      upstream: { quirks: { commaSeparatedScopes: true, missingTokenType: true } },
    })
    expect(await client.refresh('ghr')).toEqual({ accessToken: 'gho_access', scopes: ['repo', 'user:email'] })
  })

  it('a scope includes others where the provider says so, and only its own (T103)', async () => {
    const { client } = open(json({ ...good, scope: 'repo constructor' }), {
      upstream: { includedScopes: { repo: ['repo:status', 'repo'] } },
    })
    expect((await client.refresh('ghr')).scopes).toEqual(['repo', 'repo:status', 'constructor'])
  })
})

describe('the upstream’s no (RFC 6749 §5.2, REL-R8)', () => {
  it.each<[string, () => Response, Partial<OAuthUpstream>, object]>([
    ['invalid_grant is final', json({ error: 'invalid_grant' }, { status: 400 }), {}, { refused: 'invalid_grant' }],
    ['whatever its status', json({ error: 'invalid_grant' }, { status: 401 }), {}, { refused: 'invalid_grant' }],
    [
      'under the upstream’s own name',
      json({ error: 'bad_refresh_token' }),
      { quirks: { errorsWithStatus200: true }, errorNames: { bad_refresh_token: 'invalid_grant' } },
      { refused: 'invalid_grant' },
    ],
    [
      'our expired secret is an alarm, and never logs people out',
      json({ error: 'invalid_client' }, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
      {},
      { unavailable: 'invalid_client', sent: false },
    ],
    [
      'unauthorized_client too',
      json({ error: 'unauthorized_client' }, { status: 400 }),
      {},
      { unavailable: 'unauthorized_client', sent: false },
    ],
    [
      'a 401 without a body too',
      () => new Response('', { status: 401, headers: { 'www-authenticate': 'Bearer' } }),
      {},
      { unavailable: 'status_401', sent: false },
    ],
    ['and a 401 by any other name', json({ error: 'invalid_request' }, { status: 401 }), {}, { unavailable: 'status_401', sent: false }],
    ['an error that nobody knows', json({ error: 'slow_down' }, { status: 400 }), {}, { unavailable: 'slow_down', sent: true }],
    [
      'one that has no name',
      json({ error: 'Oh no, <b>gho_canary</b>' }, { status: 400 }),
      {},
      { unavailable: 'error_without_name', sent: true },
    ],
    [
      'one that is named as something of JavaScript',
      json({ error: 'constructor' }, { status: 400 }),
      { errorNames: {} },
      { unavailable: 'constructor', sent: true },
    ],
    ['a 400 that is no JSON', () => new Response('<p>', { status: 400 }), {}, { unavailable: 'not_json', sent: true }],
    ['500', () => new Response('', { status: 500 }), {}, { unavailable: 'status_500', sent: true }],
  ])('%s', async (_, answer, upstream, end) => {
    expect(await endOf(open(answer, { upstream }).client.refresh('ghr'))).toEqual(end)
    expect(await endOf(open(answer, { upstream }).client.exchangeCode({ code: 'c', state }))).toEqual(end)
  })

  it('is never quoted in our errors, but for its name (T47, T98)', async () => {
    const answers = [
      json({ error: 'invalid_grant', error_description: 'canary' }, { status: 400 }),
      json({ error: 'canary canary' }, { status: 400 }),
      json({ access_token: 'canary', token_type: 'mac' }),
      json({ access_token: 'canary', token_type: 'bearer', expires_in: 'canary' }),
    ]
    for (const answer of answers) {
      const error: unknown = await open(answer)
        .client.refresh('canary')
        .catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(Error)
      for (let at: unknown = error; at instanceof Error; at = at.cause) {
        const own = Object.fromEntries(Object.getOwnPropertyNames(at).map((name) => [name, Reflect.get(Object(at), name)]))
        expect(JSON.stringify({ ...own, stack: '', cause: '' })).not.toContain('canary')
      }
    }
  })

  it('that could not be heard says whether anything was sent', async () => {
    const refused = () => Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }))
    expect(await endOf(open(refused).client.exchangeCode({ code: 'c', state }))).toEqual({
      unavailable: 'unreachable',
      sent: false,
    })
  })
})

describe('the upstream is asked who the person is', () => {
  it('with the person’s token, for JSON, and with the provider’s headers', async () => {
    const { client, asked } = open(json({ subject: '583231' }))
    expect(await client.identify('gho_access')).toEqual({ subject: '583231', claims: {} })
    expect(asked).toEqual([
      {
        url: 'https://upstream.example.com/me',
        method: 'GET',
        headers: { accept: 'application/json', authorization: 'Bearer gho_access', 'x-version': '1' },
        form: {},
      },
    ])
  })

  it.each<[string, () => Response, object]>([
    ['401 is a no', json({ message: 'Bad credentials' }, { status: 401 }), { refused: 'token_not_accepted' }],
    [
      '401 with a challenge is a no',
      () => new Response('<html>', { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }),
      { refused: 'token_not_accepted' },
    ],
    [
      'a subject of ours is a no: that would be another person, or a client (R99)',
      json({ subject: 'urn:drawbridge:client:reports' }),
      { refused: 'identity_subject_ours' },
    ],
    ['403 is not: it may be a limit', json({}, { status: 403 }), { unavailable: 'status_403', sent: true }],
    ['404 is not', json({}, { status: 404 }), { unavailable: 'status_404', sent: true }],
    ['429 is not', json({}, { status: 429 }), { unavailable: 'status_429', sent: false }],
    ['500 is not', json({}, { status: 500 }), { unavailable: 'status_500', sent: true }],
    ['HTML is not', () => new Response('<html>'), { unavailable: 'not_json', sent: true }],
  ])('%s', async (_, answer, end) => {
    expect(await endOf(open(answer).client.identify('gho_access'))).toEqual(end)
  })
})

describe('a provider that asks who the person is', () => {
  it('and never comes to an end is given up as an upstream without an answer, however it asks (I9)', async () => {
    const { client, environment } = open(json({}), { upstream: { identify: () => new Promise(() => {}) } })
    const asking = endOf(client.identify('gho_access'))
    environment.advance(10)
    expect(await Promise.race([asking, environment.sleep(0).then(() => 'still waiting')])).toBe('still waiting')
    environment.advance(1)
    expect(await asking).toEqual({ unavailable: 'deadline', sent: true })
  })

  it('and throws at once is what it threw', async () => {
    const failure = new TypeError('a bug of the provider')
    const { client } = open(json({}), {
      upstream: {
        identify() {
          throw failure
        },
      },
    })
    expect(await endOf(client.identify('gho_access'))).toEqual({ thrown: failure })
  })
})

describe('the upstream is told that its tokens are not needed any more (RFC 7009)', () => {
  const endpoint = { endpoint: 'https://upstream.example.com/revoke' }

  it('by its refresh token where there is one, with our secret; never by a token of ours (T56)', async () => {
    const { client, asked } = open(json({}), { upstream: { revocation: endpoint } })
    await client.revoke({ accessToken: 'gho_access', refreshToken: 'ghr' })
    await client.revoke({ accessToken: 'gho_access' })
    expect(asked.map(({ url, form }) => ({ url, form }))).toEqual([
      { url: endpoint.endpoint, form: { token: 'ghr', client_id: 'our-id', client_secret: 'our secret:%' } },
      { url: endpoint.endpoint, form: { token: 'gho_access', client_id: 'our-id', client_secret: 'our secret:%' } },
    ])
  })

  it('by a call of the provider’s own', async () => {
    const request = (accessToken: string, { clientId }: UpstreamClientCredentials) => ({
      url: `https://upstream.example.com/applications/${clientId}/token`,
      init: { method: 'DELETE', body: JSON.stringify({ access_token: accessToken }) },
    })
    const { client, asked } = open(() => new Response(null, { status: 204 }), { upstream: { revocation: { request } } })
    await client.revoke({ accessToken: 'gho_access', refreshToken: 'ghr' })
    expect(asked.map(({ url, method }) => [method, url])).toEqual([['DELETE', 'https://upstream.example.com/applications/our-id/token']])
  })

  it('not at all where it cannot be told', async () => {
    const { client, asked } = open(json({}))
    await client.revoke({ accessToken: 'gho_access' })
    expect(asked).toEqual([])
  })

  it.each<[string, () => Response, object]>([
    ['a token it does not know is ended', json({ error: 'invalid_token' }, { status: 404 }), { answered: undefined }],
    ['a 400 too', json({ error: 'unsupported_token_type' }, { status: 400 }), { answered: undefined }],
    ['but one that it did not let us end is not: 401', json({}, { status: 401 }), { unavailable: 'status_401', sent: true }],
    ['or 403', json({}, { status: 403 }), { unavailable: 'status_403', sent: true }],
    ['or 500', json({}, { status: 500 }), { unavailable: 'status_500', sent: true }],
  ])('%s', async (_, answer, end) => {
    expect(await endOf(open(answer, { upstream: { revocation: endpoint } }).client.revoke({ accessToken: 'gho_access' }))).toEqual(end)
  })
})

describe('what this upstream does otherwise', () => {
  const asking = { scopes: ['read', 'offline_access', 'mail'], resource: 'https://mcp.example.com/mcp' }
  const scopes: NonNullable<Upstream['scopes']> = {
    toUpstream: (scope) => `api://x/${scope}`,
    fromUpstream: (scope) => scope.replace('api://x/', ''),
    always: ['User.Read'],
    unnamed: ['profile'],
    inTokenRequests: true,
  }

  it('writes scopes as it does, in what it calls the parameter, and reads them back', async () => {
    const { client, whole } = open(json({ ...good, scope: 'api://x/read api://x/mail' }), {
      upstream: { scopes: { ...scopes, parameter: 'user_scope', separator: ',' } },
    })
    expect(new URL(await whole.authorizationUrl(state, verifier, asking)).searchParams.get('user_scope')).toBe(
      'api://x/read,api://x/mail,User.Read',
    )
    expect((await client.refresh('r')).scopes).toEqual(['read', 'mail', 'profile'])
  })

  it('names scopes and the resource in token requests, where it wants to know: those that the browser asked for (RFC 6749 §6)', async () => {
    const { whole, asked } = open(json(good), { upstream: { scopes, forwardsResource: true } })
    expect(new URL(await whole.authorizationUrl(state, verifier, asking)).searchParams.get('resource')).toBe('https://mcp.example.com/mcp')
    await whole.exchangeCode({ code: 'c', state }, state, verifier, asking)
    await whole.refresh('r', asking)
    const named = { scope: 'api://x/read api://x/mail User.Read', resource: 'https://mcp.example.com/mcp' }
    expect(asked.map(({ form }) => ({ scope: form.scope, resource: form.resource }))).toEqual([named, named])
  })

  it('names only those scopes in token requests that it wants to know', async () => {
    const inTokenRequests = (scope: string): boolean => scope.startsWith('api://x/')
    const { whole, asked } = open(json(good), { upstream: { scopes: { ...scopes, inTokenRequests } } })
    await whole.exchangeCode({ code: 'c', state }, state, verifier, asking)
    await whole.refresh('r', { ...asking, scopes: [] })
    expect(asked.map(({ form }) => form.scope)).toEqual(['api://x/read api://x/mail', undefined])
  })

  it.each<[string, object, NonNullable<Upstream['quirks']>, Partial<UpstreamTokens>]>([
    ['members that are null or empty', { scope: null, refresh_token: '', expires_in: null }, { nullMembers: true }, {}],
    ['scopes in a list', { scope: ['read', 'mail'] }, { scopesInList: true }, { scopes: ['read', 'mail'] }],
    [
      'tokens somewhere else',
      { access_token: undefined, person: { token: 'xoxp' } },
      { readAnswer: ({ person, ...others }) => ({ ...others, access_token: Reflect.get(Object(person), 'token') }) },
      { accessToken: 'xoxp' },
    ],
  ])('answers %s', async (_, part, quirks, tokens) => {
    expect(await endOf(open(json({ ...good, ...part }), { upstream: { quirks } }).client.refresh('ghr'))).toEqual({
      answered: { accessToken: 'gho_access', ...tokens },
    })
  })

  it.each<[string, object, object]>([
    ['by another member', { status: 400, message: 'Invalid refresh token' }, { refused: 'invalid_grant' }],
    ['as it is, where there is none', { error: 'invalid_scope' }, { unavailable: 'invalid_scope', sent: true }],
  ])('names an error %s', async (_, answer, end) => {
    const upstream: Partial<OAuthUpstream> = {
      quirks: { readError: ({ message }) => (typeof message === 'string' ? message.toLowerCase().replaceAll(' ', '_') : undefined) },
      errorNames: { invalid_refresh_token: 'invalid_grant' },
    }
    expect(await endOf(open(json(answer, { status: 400 }), { upstream }).client.refresh('ghr'))).toEqual(end)
  })

  it('is asked in JSON', async () => {
    const bodies: string[] = []
    const environment = fixedEnvironment({
      async fetch(url, init) {
        const request = new Request(url, init)
        bodies.push(request.headers.get('content-type') ?? '', await request.text())
        return Response.json(good)
      },
    })
    const client = upstreamClient({
      upstream: { ...plain, quirks: { jsonRequests: true } },
      credentials: { clientId: 'our-id', clientSecret: 'our secret:%' },
      callbackUrl: 'https://mcp.example.com/auth/callback',
      requiredScopes: [],
      expandScopes: expandScopes({}),
      environment,
      emit: () => {},
    })
    await client.refresh('r', asking)
    expect(bodies[0]).toBe('application/json')
    expect(JSON.parse(bodies[1] ?? '')).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'r',
      client_id: 'our-id',
      client_secret: 'our secret:%',
    })
  })

  it('lets a token live for as long as is known, where it does not say, and only one that can be refreshed', async () => {
    const upstream = { assumedLifetime: 7200 }
    const endsAt = async (answer: object) => {
      const { whole } = open(json(answer), { upstream })
      const { tokens } = await whole.exchangeCode({ code: 'c', state }, state, verifier, asking)
      return [tokens.expiresAt, (await whole.refresh('r', asking)).expiresAt]
    }
    const end = 1_767_268_800 + 7200
    expect(await endsAt({ ...good, refresh_token: 'r' })).toEqual([end, end])
    // The refresh token stays, where there is no new one.
    expect(await endsAt(good)).toEqual([undefined, end])
  })

  it('is shown an assertion in place of a secret', async () => {
    const clientAssertion = async (audience: string) => `assertion for ${audience}`
    const { client, asked } = open(json(good), { credentials: { clientAssertion } })
    await client.refresh('r')
    expect(asked[0]?.form).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'r',
      client_id: 'our-id',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: 'assertion for https://upstream.example.com/token',
    })
  })

  it('trades one token for another, as ourselves (RFC 8693, RFC 7523 §2.1)', async () => {
    const { whole, asked } = open(json({ ...good, expires_in: 3600, scope: 'read' }))
    expect(await whole.exchangeGrant('urn:ietf:params:oauth:grant-type:jwt-bearer', { assertion: 'theirs', scope: 'mail' })).toEqual({
      accessToken: 'gho_access',
      expiresAt: 1_767_272_400,
      scopes: ['read'],
    })
    expect(asked[0]?.form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'theirs',
      scope: 'mail',
      client_id: 'our-id',
      client_secret: 'our secret:%',
    })
  })
})
