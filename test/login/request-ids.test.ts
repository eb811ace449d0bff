import type { AuthInfo, Event, RecordedEvent } from '@drawbridge/core'
import { systemEnvironment } from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { failingStore } from '../support/failing-store.ts'
import { type House, openHouse } from '../support/house.ts'
import { comeToCallback, openTab } from '../support/tab.ts'

const ours = /^[0-9a-f]{20}$/

/** The ids of the events of a type. */
const idsOf = (house: House, type: Event['type']): (string | undefined)[] =>
  house.told.flatMap((event) => (event.type === type ? [event.requestId] : []))

const idOf = (answer: Response): string => answer.headers.get('x-request-id') ?? ''

const knock = (house: House, token?: string): Promise<AuthInfo | Response> =>
  house.auth.authenticate(
    new Request('http://localhost:8000/mcp', token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
  )

describe('a request has an id (REL-R40)', () => {
  it.each([
    ['a document', '/.well-known/oauth-authorization-server', {}],
    ['a page', '/authorize', { headers: { accept: 'text/html' } }],
    ['a refusal', '/token', { method: 'POST' }],
    ['a method that there is not', '/token', { method: 'PATCH' }],
    ['a question of a browser before it calls', '/token', { method: 'OPTIONS', headers: { origin: 'https://a.example' } }],
    ['a name that is not ours', '/token', { method: 'POST', headers: { host: 'evil.example' } }],
  ])('and the answer says it: %s', async (_, path, init) => {
    expect(idOf(await openHouse().call(path, init))).toMatch(ours)
  })

  it('of its own: no two of 1,000 are the same', async () => {
    const house = openHouse()
    const answers = await Promise.all(Array.from({ length: 1000 }, () => house.call('/.well-known/jwks.json')))
    expect(new Set(answers.map(idOf)).size).toBe(1000)
  })

  it('that pages elsewhere may read', async () => {
    const answer = await openHouse().call('/token', { method: 'POST', headers: { origin: 'https://a.example' } })
    expect(answer.headers.get('access-control-expose-headers')?.split(',')).toContain('X-Request-Id')
  })

  it('that a page tells, for people to quote, and a page of no error does not', async () => {
    const house = openHouse()
    const headers = { accept: 'text/html' }
    const answer = await house.call(house.authorizeUrl('nobody'), { headers })
    expect(await answer.text()).toContain(`<p class="quiet">invalid_client</p>\n<p class="quiet">Request ${idOf(answer)}</p>`)
    const asked = await house.call(house.authorizeUrl(await house.register()), { headers })
    expect(await asked.text()).not.toContain(idOf(asked))
  })

  it('that is in the event of the refusal', async () => {
    const house = openHouse()
    const answer = await house.redeem('nobody', 'x')
    expect(house.told).toEqual([
      {
        type: 'request.refused',
        endpoint: 'token',
        error: 'invalid_client',
        reason: 'client_unknown',
        at: 1_767_268_800,
        requestId: idOf(answer),
      },
    ])
  })

  it('that is drawn, and not made of what the request brings (T98)', async () => {
    const world = openHouse()
    const [one, other] = [openHouse({ beside: world }), openHouse({ beside: world })]
    const same = await Promise.all([one.redeem('nobody', 'x'), one.redeem('nobody', 'x'), other.redeem('nobody', 'x')])
    expect(new Set(same.map(idOf)).size).toBe(3)
  })
})

describe('at the gate a request has an id (REL-R40)', () => {
  it('that its refusal says, and its event', async () => {
    const house = openHouse()
    const refused = await knock(house, 'x')
    expect(refused).toBeInstanceOf(Response)
    expect(idsOf(house, 'token.refused')).toEqual([idOf(refused as Response)])
    expect(idOf(refused as Response)).toMatch(ours)
    expect(idOf((await knock(house)) as Response)).toMatch(ours)
  })

  it('that whoever passes is told, each time another, and that the answer of the MCP server carries', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const [one, other] = await Promise.all([knock(house, tokens.access_token), knock(house, tokens.access_token)])
    const ids = [one, other].map((who) => (who as AuthInfo).extra.requestId)
    expect(ids).toEqual([expect.stringMatching(ours), expect.stringMatching(ours)])
    expect(new Set(ids).size).toBe(2)
    const app = mcpApp({ auth: house.auth, mcp: { fetch: (_, { authInfo }) => Response.json(authInfo.extra.requestId) } })
    const answer = await app.request('http://localhost:8000/mcp', { headers: { authorization: `Bearer ${tokens.access_token}` } })
    expect(await answer.json()).toBe(idOf(answer))
    expect(idOf(answer)).toMatch(ours)
  })

  it('that is in what a tool causes later: a scope that is missing, an upstream that is in trouble', async () => {
    const house = openHouse({ mode: 'github-app', clients: { validScopes: ['repo'] } })
    const { tokens } = await house.login()
    const who = (await knock(house, tokens.access_token)) as AuthInfo
    house.auth.requireScopes('repo')({ authInfo: who })
    house.environment.advance(8 * 3600 - 60)
    house.github.misbehave({ token: 'status-500' })
    await house.auth.upstream(who)
    expect(idsOf(house, 'token.refused')).toEqual([who.extra.requestId])
    expect(idsOf(house, 'upstream.failed')).toEqual([who.extra.requestId])
  })

  it('that is in what goes on beside the request, after its answer', async () => {
    const house = openHouse({ mode: 'github-app', lifetimes: { accessToken: 86_400 } })
    const { tokens } = await house.login()
    house.environment.advance(8 * 3600 - 60)
    const who = (await knock(house, tokens.access_token)) as AuthInfo
    expect(idsOf(house, 'upstream.refreshed')).toEqual([])
    const later = (await knock(house, tokens.access_token)) as AuthInfo
    await house.environment.drain()
    expect(idsOf(house, 'upstream.refreshed')).toEqual([who.extra.requestId])
    expect(later.extra.requestId).not.toBe(who.extra.requestId)
  })
})

describe('requests that are under way together (REL-R40)', () => {
  it('never take each other’s id, however their work is interleaved', async () => {
    const environment = systemEnvironment()
    const told: RecordedEvent[] = []
    // Each read takes another while, so that the answers come in another order than the questions.
    const slow = memoryStore({ environment })
    let turn = 0
    const get: typeof slow.get = async (key) => {
      turn += 1
      for (let left = (turn * 7) % 13; left > 0; left -= 1) await environment.sleep(0)
      return slow.get(key)
    }
    const house = openHouse({ clientStorage: { ...slow, get }, onEvent: (event) => told.push(event) })
    const names = Array.from({ length: 40 }, (_, n) => `nobody-${n}`)
    const sent = await Promise.all(
      names.map((name) => house.call(`${house.authorizeUrl(name)}`, { headers: { accept: 'application/json' } })),
    )
    expect(new Set(sent.map(idOf)).size).toBe(40)
    expect(told.map(({ requestId }) => requestId).sort()).toEqual(sent.map(idOf).sort())
    expect(told.every(({ type }) => type === 'request.refused')).toBe(true)
  })

  it('of two servers in one process do not either, even where one calls the other', async () => {
    const inner = openHouse()
    const { clientId } = await inner.login()
    let refused: Response | undefined
    const outer = openHouse({
      upstream: {
        async authorizeUser() {
          refused = await inner.redeem('nobody', 'x')
          await inner.auth.revoke({ clientId })
          return false
        },
      },
    })
    const { tab, callback } = await comeToCallback(outer)
    const answer = await tab.open(callback)
    expect(idsOf(inner, 'request.refused')).toEqual([idOf(refused as Response)])
    expect(idsOf(inner, 'grant.ended')).toEqual([undefined])
    expect(idsOf(outer, 'callback.refused')).toEqual([answer.headers.get('x-request-id')])
  })
})

describe('what no request asked for', () => {
  it('has none: the operator’s own revocation', async () => {
    const house = openHouse()
    const { clientId } = await house.login()
    await house.auth.revoke({ clientId })
    const [ended] = house.told.filter(({ type }) => type === 'grant.ended')
    expect(ended).not.toHaveProperty('requestId')
  })
})

describe('an id that a proxy gives (T99)', () => {
  const given = 'b9f8c2d4-7a15-4a63-9a0e-1f2d3c4b5a69'
  const behind = { observability: { requestIdHeader: 'X-Amzn-Trace-Id' } }

  it('is taken where the operator says so', async () => {
    const house = openHouse(behind)
    const answer = await house.post('/token', {}, { 'x-amzn-trace-id': given })
    expect(idOf(answer)).toBe(given)
    expect(idsOf(house, 'request.refused')).toEqual([given])
  })

  it('is not looked at otherwise, and no other header ever is', async () => {
    for (const house of [openHouse(), openHouse(behind)])
      expect(idOf(await house.post('/token', {}, { 'x-request-id': given }))).toMatch(ours)
  })

  it.each([
    ['too short', 'a'.repeat(7)],
    ['too long', 'a'.repeat(129)],
    ['with markup', '<script>alert(1)</script>'],
    ['with JSON', '","event":"grant.opened'],
    ['with the colours of a terminal', 'red\u001b[31m-red'],
    ['of two proxies', `${given}, ${given}`],
    ['of letters that are none', 'ïïïïïïïïïï'],
  ])('is replaced when it is none: %s', async (_, value) => {
    expect(idOf(await openHouse(behind).post('/token', {}, { 'x-amzn-trace-id': value }))).toMatch(ours)
  })

  it.each([
    ['a header that is none', 'x request id', 'observability.requestIdHeader is not the name of a header'],
    ['a header with secrets in it', 'Authorization', 'observability.requestIdHeader: Authorization carries secrets'],
    ['cookies', 'cookie', 'observability.requestIdHeader: cookie carries secrets'],
  ])('is not taken from %s: the start is refused', (_, requestIdHeader, problem) => {
    expect(() => openHouse({ observability: { requestIdHeader } })).toThrow(problem)
  })
})

describe('while the store is down', () => {
  it('an answer says by what it is found', async () => {
    const store = failingStore(memoryStore())
    const house = openHouse({ clientStorage: store })
    store.failAlways()
    const page = await house.call(house.authorizeUrl('x'), { headers: { accept: 'text/html' } })
    expect([page.status, idsOf(house, 'store.unavailable')]).toEqual([503, [idOf(page)]])
    expect((await openTab(house).open(house.authorizeUrl('x'))).text).toContain('Request #')
  })
})
