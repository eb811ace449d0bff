import { type Event, type RecordedEvent, type Store, StoreUnavailable } from '@drawbridge/core'
import { auditLog } from '@drawbridge/core/audit'
import { openTelemetry } from '@drawbridge/core/opentelemetry'
import { memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { type House, type HouseOptions, openHouse, otherSigningKey } from '../support/house.ts'
import { observed } from '../support/observed.ts'
import { comeToCallback, openTab } from '../support/tab.ts'
import { takeCode } from '../support/take-code.ts'
import { detour } from '../support/upstream-detour.ts'

/** Something that goes wrong: how it comes about, and what the operator is told. */
interface Cause {
  readonly cause: string
  readonly options?: HouseOptions
  /** Brings it about by one request, and answers that request's answer. */
  readonly provoke: (world: World) => Promise<Response>
  readonly status: number
  /** The one event that names the cause. */
  readonly event: Event
  /** What follows from it, in the order in which it is told. */
  readonly besides?: readonly Event['type'][]
}

interface World {
  readonly house: House
  readonly store: BrokenStore
  /** Something that may be in no event, metric or line. */
  secret(text: string): string
}

/** A store that can be down, lose everything, or damage what is read of a kind. */
interface BrokenStore extends Store {
  isDown: boolean
  damaged: string | undefined
  empty(): void
}

function brokenStore(): BrokenStore {
  let inner = memoryStore()
  const state = {
    isDown: false,
    damaged: undefined as string | undefined,
    empty() {
      inner = memoryStore()
    },
  }
  const call = async <Result>(run: () => Promise<Result>): Promise<Result> => {
    if (state.isDown) throw new StoreUnavailable('the store is down')
    return run()
  }
  return Object.assign(state, {
    reach: inner.reach,
    sealed: inner.sealed,
    async get(key: string) {
      const entry = await call(() => inner.get(key))
      const isDamaged = state.damaged !== undefined && key.includes(`:${state.damaged}:`)
      return entry && isDamaged ? { value: '{"canary":"of-a-damaged-record"', version: 'a-damaged-record' } : entry
    },
    set: (...args: Parameters<Store['set']>) => call(() => inner.set(...args)),
    delete: (...args: Parameters<Store['delete']>) => call(() => inner.delete(...args)),
  })
}

const gate = async ({ house }: World, token: string): Promise<Response> => {
  const who = await house.auth.authenticate(new Request('http://localhost:8000/mcp', { headers: { authorization: `Bearer ${token}` } }))
  if (!(who instanceof Response)) throw new Error('the gate let it pass')
  return who
}

async function login({ house, secret }: World) {
  const { clientId, tokens } = await house.login()
  return {
    clientId,
    token: secret(tokens.access_token),
    refreshToken: secret(tokens.refresh_token),
    grantId: tokens.refresh_token.slice(6, 42),
  }
}

/** A login whose upstream tokens are due, so that a refresh has to ask the upstream. */
async function due(world: World) {
  const session = await login(world)
  world.house.environment.advance(8 * 3600 - 60)
  return session
}

const githubApp: HouseOptions = { mode: 'github-app', lifetimes: { accessToken: 864_000 } }

const causes: readonly Cause[] = [
  {
    cause: 'the store is down, at an endpoint',
    async provoke({ house, store }) {
      store.isDown = true
      return house.redeem('a-client', 'x')
    },
    status: 503,
    event: { type: 'store.unavailable', endpoint: 'token', reason: 'StoreUnavailable' },
  },
  {
    cause: 'the store is down, at the gate',
    async provoke(world) {
      const { token } = await login(world)
      world.store.isDown = true
      return gate(world, token)
    },
    status: 503,
    event: { type: 'store.unavailable', endpoint: 'gate', reason: 'StoreUnavailable' },
  },
  {
    cause: 'a record cannot be read',
    async provoke(world) {
      const { clientId, refreshToken } = await login(world)
      world.store.damaged = 'client'
      return world.house.refresh(clientId, refreshToken)
    },
    status: 503,
    event: { type: 'record.unreadable', kind: 'client', name: expect.stringMatching(/^drawbridge-0121783acd:client:[\w-]{43}$/) },
    besides: ['store.unavailable'],
  },
  {
    cause: 'the store was emptied',
    async provoke(world) {
      const { clientId } = await login(world)
      world.house.environment.advance(120)
      world.store.empty()
      return world.house.call(world.house.authorizeUrl(clientId))
    },
    status: 503,
    event: { type: 'store.lost', kind: 'client' },
    besides: ['store.unavailable'],
  },
  {
    cause: 'the upstream is down',
    options: githubApp,
    async provoke(world) {
      const { clientId, refreshToken } = await due(world)
      world.house.github.misbehave({ token: 'status-500' })
      return world.house.refresh(clientId, refreshToken)
    },
    status: 503,
    event: { type: 'upstream.failed', operation: 'refresh', reason: 'status_500' },
    besides: ['upstream.failed'],
  },
  {
    cause: 'our registration at the upstream is wrong',
    options: githubApp,
    async provoke(world) {
      const { clientId, refreshToken } = await due(world)
      detour(world.house, async () =>
        Response.json({ error: 'invalid_client', error_description: world.secret('canary-of-upstream') }, { status: 401 }),
      )
      return world.house.refresh(clientId, refreshToken)
    },
    status: 503,
    event: { type: 'upstream.client_refused', reason: 'invalid_client' },
    besides: ['upstream.failed', 'upstream.failed'],
  },
  {
    cause: 'the upstream does not know the person’s tokens any more',
    options: githubApp,
    async provoke(world) {
      const { clientId, refreshToken } = await due(world)
      detour(world.house, async () => Response.json({ error: 'invalid_grant' }, { status: 400 }))
      return world.house.refresh(clientId, refreshToken)
    },
    status: 400,
    event: { type: 'upstream.failed', operation: 'refresh', reason: 'invalid_grant' },
    besides: ['grant.ended', 'request.refused'],
  },
  {
    cause: 'a code is used twice',
    async provoke({ house, secret }) {
      const { clientId, code } = await takeCode(house)
      await house.redeem(clientId, secret(code))
      return house.redeem(clientId, code)
    },
    status: 400,
    event: { type: 'code.replayed', clientId: expect.any(String), grantId: expect.any(String) },
    besides: ['grant.ended', 'request.refused'],
  },
  {
    cause: 'a refresh token of long ago is used',
    async provoke(world) {
      const { house, secret } = world
      const { clientId, refreshToken } = await login(world)
      let newest = refreshToken
      for (let n = 0; n < 3; n += 1) {
        house.environment.advance(700)
        newest = secret((await (await house.refresh(clientId, newest)).json()).refresh_token)
      }
      return house.refresh(clientId, refreshToken)
    },
    status: 400,
    event: { type: 'refresh.replayed', clientId: expect.any(String), grantId: expect.any(String) },
    besides: ['grant.ended', 'request.refused'],
  },
  {
    cause: 'a token is signed by a key that we do not know',
    async provoke(world) {
      const { token } = await login({ ...world, house: openHouse({ jwtSigningKey: otherSigningKey }) })
      return gate(world, token)
    },
    status: 401,
    event: { type: 'token.refused', reason: 'token_not_ours' },
  },
  {
    cause: 'a token is over',
    async provoke(world) {
      const { token } = await login(world)
      world.house.environment.advance(7200)
      return gate(world, token)
    },
    status: 401,
    event: { type: 'token.refused', reason: 'token_expired' },
  },
  {
    cause: 'a client is not known',
    provoke: ({ house }) => house.redeem('nobody', 'x'),
    status: 401,
    event: { type: 'request.refused', endpoint: 'token', error: 'invalid_client', reason: 'client_unknown' },
  },
  {
    cause: 'a verifier is wrong',
    async provoke({ house, secret }) {
      const { clientId, code } = await takeCode(house)
      return house.redeem(clientId, secret(code), { code_verifier: secret(`${'another-verifier'.repeat(3)}`) })
    },
    status: 400,
    event: { type: 'request.refused', endpoint: 'token', error: 'invalid_grant', reason: 'verifier_mismatch' },
  },
  {
    cause: 'there are too many requests',
    options: { limits: { rateLimit: () => 30 } },
    provoke: async ({ house }) =>
      (await house.auth.fetch(new Request('http://localhost:8000/token', { method: 'POST' }), { address: '192.0.2.1' })) as Response,
    status: 429,
    event: { type: 'request.limited', endpoint: 'token' },
  },
  {
    cause: 'a body is too long',
    provoke: ({ house, secret }) => house.post('/token', { code: secret('x'.repeat(20_000)) }),
    status: 413,
    event: { type: 'request.refused', endpoint: 'token', error: 'invalid_request', reason: 'body_too_long' },
  },
  {
    cause: 'a request was sent to another name',
    provoke: ({ house }) => house.call('/token', { method: 'POST', headers: { host: 'evil.example' } }),
    status: 421,
    event: { type: 'request.refused', endpoint: 'front', error: 'invalid_request', reason: 'host_foreign' },
  },
  {
    cause: 'the upstream’s answer comes in another browser',
    async provoke({ house, secret }) {
      const { callback } = await comeToCallback(house)
      secret(new URL(callback).searchParams.get('code') ?? '')
      secret(new URL(callback).searchParams.get('state') ?? '')
      return house.call(callback, { headers: { accept: 'text/html' } })
    },
    status: 403,
    event: { type: 'callback.binding_mismatch' },
    besides: ['request.refused'],
  },
  {
    cause: 'your rule says no to a person',
    options: { upstream: { authorizeUser: () => false } },
    async provoke({ house }) {
      const { tab, callback } = await comeToCallback(house)
      const { headers, status } = await tab.open(callback)
      return new Response(null, { headers, status })
    },
    status: 303,
    event: { type: 'callback.refused', clientId: expect.any(String), reason: 'authorize_user_said_no' },
  },
  {
    cause: 'a hook of yours throws',
    options: {
      upstream: {
        authorizeUser() {
          throw new RangeError('canary-of-a-hook')
        },
      },
    },
    async provoke({ house, secret }) {
      secret('canary-of-a-hook')
      const { tab, callback } = await comeToCallback(house)
      const { headers, status } = await tab.open(callback)
      return new Response(null, { headers, status })
    },
    status: 303,
    event: { type: 'request.failed', endpoint: 'callback', errorName: 'RangeError' },
    besides: ['callback.refused'],
  },
  {
    cause: 'a form was sent by another site',
    async provoke({ house }) {
      const tab = openTab(house)
      const page = await tab.open(house.authorizeUrl(await house.register()))
      const { headers, status } = await tab.decide(page, 'approve', { 'sec-fetch-site': 'cross-site' })
      return new Response(null, { headers, status })
    },
    status: 403,
    event: { type: 'request.refused', endpoint: 'consent', error: 'access_denied', reason: 'form_from_elsewhere' },
  },
]

describe('the operator is told of each cause once, by a name, and by the id that the answer carries (REL-R40, T98)', () => {
  it.each(causes)('$cause', async ({ options = {}, provoke, status, event, besides = [] }) => {
    const seen = observed()
    const told: RecordedEvent[] = []
    const lines: string[] = []
    const audit = auditLog({
      issuer: 'http://localhost:8000',
      key: 'an-audit-key-that-is-made-for-tests-0123',
      to: (line) => lines.push(line),
    })
    const secrets: string[] = []
    const store = brokenStore()
    const onEvent = (one: RecordedEvent): void => {
      told.push(one)
      audit.onEvent(one)
    }
    const house = openHouse({ ...options, clientStorage: store, onEvent, observability: { telemetry: openTelemetry(seen) } })
    const world: World = {
      house,
      store,
      secret(text) {
        secrets.push(text)
        return text
      },
    }

    const answer = await provoke(world)
    await house.environment.drain()

    const id = answer.headers.get('x-request-id')
    expect([answer.status, id]).toEqual([status, expect.stringMatching(/^[0-9a-f]{20}$/)])
    const because = told.filter(({ requestId }) => requestId === id)
    expect(because[0]).toEqual({ ...event, at: house.environment.now(), requestId: id })
    expect(because.slice(1).map(({ type }) => type)).toEqual(besides)
    expect(told.indexOf(because[0] as RecordedEvent)).toBe(told.length - because.length)

    await audit.flush()
    const line = JSON.parse(lines[told.indexOf(because[0] as RecordedEvent)] ?? '{}')
    expect([line.event, line.request_id]).toEqual([event.type, id])
    const counted = (await seen.points()).filter(
      ({ name, attributes }) => name === 'drawbridge.events' && attributes['drawbridge.event.type'] === event.type,
    )
    expect(counted.reduce((sum, { value }) => sum + value, 0)).toBe(told.filter(({ type }) => type === event.type).length)

    const everything = JSON.stringify([
      told,
      lines,
      await seen.points(),
      seen.spans().map(({ attributes, events, status: s }) => [attributes, events, s]),
    ])
    expect(secrets.filter((secret) => everything.includes(secret))).toEqual([])
    expect(everything).not.toContain('canary')
  })
})
