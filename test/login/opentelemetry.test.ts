import type { AuthInfo, Store } from '@drawbridge/core'
import { auditLog } from '@drawbridge/core/audit'
import { openTelemetry } from '@drawbridge/core/opentelemetry'
import { memoryStore } from '@drawbridge/storage'
import { propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { found, liveThrough, openCanaries } from '../support/canaries.ts'
import { failingStore } from '../support/failing-store.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'
import { inside, type Observed, observed, traceparent, withActiveSpans } from '../support/observed.ts'
import { logInWith, openSeveralHouse } from '../support/several-house.ts'

const issuer = { 'drawbridge.issuer': 'http://localhost:8000' }

/** A house that is watched; the clock of its durations goes on by 4 ms at each look. */
function open(options: HouseOptions = {}): { house: House; seen: Observed } {
  const seen = observed()
  let at = 0
  const clock = (): number => {
    at += 4
    return at
  }
  const telemetry = openTelemetry({ tracerProvider: seen.tracerProvider, meterProvider: seen.meterProvider, clock })
  return { house: openHouse({ ...options, observability: { telemetry } }), seen }
}

/** Spans as a tree of names. */
function tree(spans: readonly ReadableSpan[], parent?: ReadableSpan): unknown[] {
  return spans
    .filter((span) => span.parentSpanContext?.spanId === parent?.spanContext().spanId)
    .sort((one, other) => one.startTime[0] - other.startTime[0] || one.startTime[1] - other.startTime[1])
    .map((span) => {
      const children = tree(spans, span)
      return children.length === 0 ? span.name : [span.name, children]
    })
}

const knock = (house: House, token: string, headers: Record<string, string> = {}): Promise<AuthInfo | Response> =>
  house.auth.authenticate(new Request('http://localhost:8000/mcp', { headers: { authorization: `Bearer ${token}`, ...headers } }))

let withoutActiveSpans: () => void
beforeAll(() => {
  withoutActiveSpans = withActiveSpans()
  propagation.setGlobalPropagator(traceparent)
})
afterAll(() => {
  withoutActiveSpans()
  propagation.disable()
})

describe('the span of a request (REL-R40)', () => {
  it('is named by its route, says what HTTP’s conventions ask for, and has no query', async () => {
    const { house, seen } = open()
    const answer = await house.call('/authorize?client_id=nobody&state=secret-state', { headers: { accept: 'text/html' } })
    const span = seen.spans().find(({ name }) => name === 'GET /authorize')
    expect(span?.attributes).toEqual({
      ...issuer,
      'http.request.method': 'GET',
      'http.route': '/authorize',
      'http.response.status_code': 400,
      'url.scheme': 'http',
      'url.path': '/authorize',
      'server.address': 'localhost',
      'server.port': 8000,
      'drawbridge.request.id': answer.headers.get('x-request-id'),
    })
    expect([span?.kind, span?.status.code]).toEqual([SpanKind.SERVER, SpanStatusCode.UNSET])
  })

  it('has what the request did below it, and what happened in it', async () => {
    const { house, seen } = open()
    const { clientId, tokens } = await house.login()
    seen.forget()
    await house.refresh(clientId, tokens.refresh_token)
    expect(tree(seen.spans())).toEqual([['POST /token', ['store get client', 'store get grant', 'store set grant']]])
    const span = seen.spans().find(({ name }) => name === 'POST /token')
    expect(span?.events.map(({ name, attributes }) => [name, attributes])).toEqual([['drawbridge.token.issued', issuer]])
  })

  it('has calls of the upstream below it, that are a client’s', async () => {
    const { house, seen } = open()
    await house.login()
    const upstream = seen.spans().filter(({ name }) => name.startsWith('upstream'))
    expect(upstream.map(({ name, kind, attributes }) => [name, kind, attributes])).toEqual([
      ['upstream exchange', SpanKind.CLIENT, { ...issuer, 'drawbridge.upstream.operation': 'exchange' }],
      ['upstream identify', SpanKind.CLIENT, { ...issuer, 'drawbridge.upstream.operation': 'identify' }],
    ])
    const callback = seen
      .spans()
      .find(({ name }) => name === 'GET /auth/callback')
      ?.spanContext().spanId
    expect(upstream.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([callback, callback])
  })

  it('names the provider of each call, and of what came of it, where there are several', async () => {
    const seen = observed()
    const house = openSeveralHouse({ observability: { telemetry: openTelemetry(seen) } })
    await logInWith(house, 'forge')
    const spans = seen.spans().filter(({ name }) => name.startsWith('upstream'))
    expect(spans.map(({ attributes }) => [attributes['drawbridge.upstream.operation'], attributes['drawbridge.provider']])).toEqual([
      ['exchange', 'forge'],
      ['identify', 'forge'],
    ])
    const opened = (await seen.points()).filter(({ attributes }) => attributes['drawbridge.event.type'] === 'grant.opened')
    expect(opened.map(({ attributes }) => attributes['drawbridge.provider'])).toEqual(['forge'])
  })

  it('goes on with the trace that the caller began', async () => {
    const { house, seen } = open()
    const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
    await house.post('/token', {}, { traceparent: `00-${traceId}-${spanId}-01` })
    const [span] = seen.spans()
    expect([span?.spanContext().traceId, span?.parentSpanContext?.spanId, span?.kind]).toEqual([traceId, spanId, SpanKind.SERVER])
  })

  it('is a part of the span that the server around it has already', async () => {
    const { house, seen } = open()
    const around = seen.tracerProvider.getTracer('a-server').startSpan('POST')
    await inside(around, () => house.post('/token', {}, { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` }))
    const span = seen.spans().find(({ name }) => name === 'POST /token')
    expect([span?.parentSpanContext?.spanId, span?.kind]).toEqual([around.spanContext().spanId, SpanKind.INTERNAL])
  })

  it('is an error when the answer is ours to mend, without a word of what was thrown', async () => {
    const store = failingStore(memoryStore())
    const { house, seen } = open({ clientStorage: store })
    store.failAlways()
    await house.redeem('a-client', 'x')
    const spans = seen
      .spans()
      .map(({ name, status, attributes, events }) => [name, status, attributes['error.type'], events.map((event) => event.name)])
    const ended = { code: SpanStatusCode.ERROR }
    expect(spans.at(-1)).toEqual(['POST /token', ended, '503', ['drawbridge.store.unavailable']])
    expect(spans.slice(0, -1).length).toBeGreaterThan(0)
    for (const span of spans.slice(0, -1)) expect(span).toEqual(['store get deployment', ended, 'StoreUnavailable', []])
  })

  it('of the gate is beside the server’s own, and a refusal is no error', async () => {
    const { house, seen } = open()
    const { tokens } = await house.login()
    seen.forget()
    const who = await knock(house, tokens.access_token)
    await knock(house, 'x')
    const gate = seen.spans().filter(({ name }) => name === 'gate /mcp')
    expect(gate.map(({ kind, attributes, status }) => [kind, attributes['http.response.status_code'], status.code])).toEqual([
      [SpanKind.INTERNAL, undefined, SpanStatusCode.UNSET],
      [SpanKind.INTERNAL, 401, SpanStatusCode.UNSET],
    ])
    expect(gate[0]?.attributes['drawbridge.request.id']).toBe((who as AuthInfo).extra.requestId)
  })

  it('is over before what goes on beside it, which is still counted', async () => {
    const { house, seen } = open({ mode: 'github-app', lifetimes: { accessToken: 86_400 } })
    const { tokens } = await house.login()
    house.environment.advance(8 * 3600 - 60)
    await knock(house, tokens.access_token)
    await house.environment.drain()
    const refreshed = (await seen.points()).filter(({ attributes }) => attributes['drawbridge.event.type'] === 'upstream.refreshed')
    expect(refreshed.map(({ value }) => value)).toEqual([1])
    expect(seen.spans().some(({ name }) => name === 'upstream refresh')).toBe(true)
  })
})

describe('metrics (REL-R40)', () => {
  it('are these and no others, in seconds and counts', async () => {
    const { house, seen } = open()
    const { tokens } = await house.login()
    await knock(house, tokens.access_token)
    const units = new Map((await seen.points()).map(({ name, unit }) => [name, unit]))
    expect(Object.fromEntries(units)).toEqual({
      'drawbridge.events': '{event}',
      'drawbridge.request.duration': 's',
      'drawbridge.request.active': '{request}',
      'drawbridge.gate.duration': 's',
      'drawbridge.store.duration': 's',
      'drawbridge.upstream.duration': 's',
      'drawbridge.upstream.active': '{call}',
    })
  })

  it('count events by type and reason, and by nothing of which there are many', async () => {
    const { house, seen } = open()
    for (let n = 0; n < 20; n += 1) await house.login()
    await house.redeem('nobody', 'x')
    const events = (await seen.points()).filter(({ name }) => name === 'drawbridge.events')
    expect(events.map(({ attributes, value }) => [attributes, value])).toEqual([
      [{ ...issuer, 'drawbridge.event.type': 'client.registered' }, 20],
      [{ ...issuer, 'drawbridge.event.type': 'consent.approved' }, 20],
      [{ ...issuer, 'drawbridge.event.type': 'grant.opened' }, 20],
      [{ ...issuer, 'drawbridge.event.type': 'token.issued' }, 20],
      [
        {
          ...issuer,
          'drawbridge.event.type': 'request.refused',
          'drawbridge.endpoint': 'token',
          'drawbridge.error': 'invalid_client',
          'drawbridge.reason': 'client_unknown',
        },
        1,
      ],
    ])
  })

  it('measure requests by route and status, the store by kind, the upstream by what was asked', async () => {
    const { house, seen } = open()
    await house.login()
    house.github.misbehave({ token: 'status-500' })
    await house.signIn(await house.register())
    const points = await seen.points()
    const of = (name: string) =>
      points
        .filter((point) => point.name === name)
        .map(({ attributes: { 'drawbridge.issuer': _, ...attributes }, value }) => [attributes, value])
    expect(of('drawbridge.request.duration')).toContainEqual([
      { 'http.request.method': 'POST', 'http.route': '/token', 'http.response.status_code': 200 },
      1,
    ])
    expect(of('drawbridge.request.active')).toContainEqual([{ 'http.request.method': 'POST', 'http.route': '/token' }, 0])
    expect(of('drawbridge.store.duration')).toContainEqual([{ 'drawbridge.store.method': 'set', 'drawbridge.record.kind': 'grant' }, 2])
    expect(of('drawbridge.store.duration')).toContainEqual([
      { 'drawbridge.store.method': 'add', 'drawbridge.record.kind': 'client-grants' },
      1,
    ])
    expect(of('drawbridge.upstream.duration')).toEqual([
      [{ 'drawbridge.upstream.operation': 'exchange' }, 1],
      [{ 'drawbridge.upstream.operation': 'identify' }, 1],
      [{ 'drawbridge.upstream.operation': 'exchange', 'error.type': 'status_500' }, 1],
    ])
  })

  it('have as many series after 200 strangers as after one: methods, paths and names of theirs make none', async () => {
    const { house, seen } = open()
    const visit = async (n: number): Promise<void> => {
      await house.call('/token', { method: `X${n}` })
      await house.redeem(`stranger-${n}`, 'x')
      await house.call(`/nothing/${n}`)
    }
    await visit(0)
    const before = (await seen.points()).length
    for (let n = 1; n < 200; n += 1) await visit(n)
    expect((await seen.points()).length).toBe(before)
  })

  it('keep no more than 500 words that an upstream chooses for its errors', async () => {
    const seen = observed()
    const watch = openTelemetry(seen)({ issuer: 'http://localhost:8000' })
    for (let n = 0; n < 2000; n += 1)
      watch.onEvent({ type: 'upstream.failed', operation: 'refresh', reason: `word_${'a'.repeat(n % 40)}${n}`, at: 0 })
    watch.onEvent({ type: 'upstream.failed', operation: 'refresh', reason: 'a sentence, with words', at: 0 })
    const reasons = (await seen.points()).map(({ attributes }) => attributes['drawbridge.reason'])
    expect(reasons.length).toBe(500)
    expect(reasons).toContain('other')
  })
})

describe('two servers in one process', () => {
  it('are told apart, by their issuers and by their providers', async () => {
    const shared = observed()
    const one = openHouse({ observability: { telemetry: openTelemetry(shared) } })
    const other = openHouse({ baseUrl: 'https://mcp.example.com', observability: { telemetry: openTelemetry(shared) } })
    await one.redeem('nobody', 'x')
    await other.redeem('nobody', 'x')
    await other.redeem('nobody', 'x')
    const events = (await shared.points()).filter(({ name }) => name === 'drawbridge.events')
    expect(events.map(({ attributes, value }) => [attributes['drawbridge.issuer'], value])).toEqual([
      ['http://localhost:8000', 1],
      ['https://mcp.example.com', 2],
    ])
    const mine = open()
    await mine.house.redeem('nobody', 'x')
    expect((await shared.points()).filter(({ name }) => name === 'drawbridge.events')).toHaveLength(2)
  })
})

describe('what is not there', () => {
  it('costs nothing: without the option nothing is watched, and without an SDK nothing breaks', async () => {
    const house = openHouse({ observability: { telemetry: openTelemetry() } })
    const { tokens } = await house.login()
    expect(await knock(house, tokens.access_token)).not.toBeInstanceOf(Response)
    expect(trace.getActiveSpan()).toBeUndefined()
  })

  it('is refused at the start, where it is something else', () => {
    expect(() => openHouse({ observability: { telemetry: {} as never } })).toThrow('observability.telemetry is not a function')
  })

  it('is no method of a store: one that is a class, with members of its own, works as before', async () => {
    const examined: string[] = []
    class Own implements Store {
      readonly #inner: Store = memoryStore()
      get reach() {
        return this.#inner.reach
      }
      get sealed() {
        return this.#inner.sealed
      }
      get(key: string) {
        return this.#inner.get(key)
      }
      set(...call: Parameters<Store['set']>) {
        return this.#inner.set(...call)
      }
      delete(...call: Parameters<Store['delete']>) {
        return this.#inner.delete(...call)
      }
      async examine() {
        examined.push(this.#inner.reach)
        return { findings: [] }
      }
    }
    const own = new Own()
    const house = openHouse({ clientStorage: own, observability: { telemetry: openTelemetry(observed()) } })
    await house.login()
    await house.auth.ready()
    await house.environment.drain()
    expect(examined).toContain('process')
  })
})

describe.each(['oauth-app', 'github-app'] as const)('after everything was done with an upstream of the kind %s,', (mode) => {
  it('no span, no metric and no line of the audit log tells a secret or a person (T98, I7, REL-R40)', async () => {
    const seen = observed()
    const lines: string[] = []
    const audit = auditLog({
      issuer: 'http://localhost:8000',
      key: 'an-audit-key-that-is-made-for-tests-0123',
      to: (line) => lines.push(line),
    })
    const house = openHouse({
      mode,
      onEvent: audit.onEvent,
      observability: { telemetry: openTelemetry(seen) },
      lifetimes: { accessToken: 864_000 },
    })
    const canaries = openCanaries()
    await liveThrough(house, canaries)
    canaries.add('e-mail address', 'octocat@example.com')
    canaries.add('name', 'The Octocat')
    canaries.add('redirect URI', '127.0.0.1:5555')
    await audit.flush()
    const spans = seen.spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }))
    expect([spans.length > 100, lines.length > 30, canaries.secrets.size > 20]).toEqual([true, true, true])
    expect(found(canaries, JSON.stringify(spans))).toEqual([])
    expect(found(canaries, JSON.stringify(await seen.points()))).toEqual([])
    expect(found(canaries, lines.join('\n'))).toEqual([])
    expect(lines.join('\n')).not.toMatch(/"583231"/)
    const metrics = JSON.stringify(await seen.points())
    expect(metrics).not.toMatch(/019b79|583231/)
  })
})
