import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type Environment, systemEnvironment } from '../ports/environment.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import type { UpstreamQuirks } from '../ports/upstream-dialect.ts'
import { type FixedEnvironment, fixedEnvironment } from '../testing/fixed-environment.ts'
import { upstreamFetch } from './upstream-fetch.ts'

const url = 'https://upstream.example.com/token'

/** An upstream that answers in one way. */
function open(fetch: Environment['fetch'], quirks?: UpstreamQuirks): { call: () => Promise<Response>; environment: FixedEnvironment } {
  const environment = fixedEnvironment({ fetch })
  const call = upstreamFetch(environment, quirks)
  return { environment, call: () => call(url, { method: 'POST', body: 'a=1' }) }
}
const answering = (response: Response, quirks?: UpstreamQuirks) => open(async () => response, quirks)

/** What a call failed with. */
async function failureOf(calling: Promise<Response>): Promise<object> {
  const error = await calling.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof UpstreamUnavailable)) return { thrown: error }
  const { reason, sent, retryAfter } = error
  return { reason, sent, ...(retryAfter !== undefined && { retryAfter }) }
}

/** A body of which it is known how far it was read, and whether it was let go. */
function watched(chunk: Uint8Array, times = Number.POSITIVE_INFINITY) {
  const seen = { bytes: 0, letGo: false }
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (seen.bytes >= chunk.byteLength * times) return controller.close()
      seen.bytes += chunk.byteLength
      controller.enqueue(chunk)
    },
    cancel() {
      seen.letGo = true
    },
  })
  return { body, seen }
}

describe('a call upstream', () => {
  it('is made as asked, with a deadline, and follows no redirect (R145, T51)', async () => {
    const calls: [string | URL, RequestInit | undefined][] = []
    const { call } = open(async (asked, init) => {
      calls.push([asked, init])
      return Response.json({ ok: true })
    })
    expect(await (await call()).json()).toEqual({ ok: true })
    expect(calls).toEqual([[url, { method: 'POST', body: 'a=1', redirect: 'manual', signal: expect.any(AbortSignal) }]])
  })

  it('answers JSON as it came, and none of the upstream’s headers', async () => {
    const { call } = answering(
      Response.json({ error: 'invalid_grant' }, { status: 400, headers: { 'www-authenticate': 'Basic', 'set-cookie': 'a=1' } }),
    )
    const response = await call()
    expect([response.status, await response.json()]).toEqual([400, { error: 'invalid_grant' }])
    expect([...response.headers.keys()]).toEqual(['content-type'])
  })

  it.each([
    ['nothing', new Response('', { status: 200 })],
    ['nothing, by its status', new Response(null, { status: 204 })],
  ])('that is answered with %s is answered with an empty object', async (_, response) => {
    const answer = await answering(response).call()
    expect([answer.status, await answer.json()]).toEqual([200, {}])
  })

  it.each([401, 403])('that is refused with %i is that, whatever its body', async (status) => {
    for (const body of ['', 'Bad_OAuth_Token', '<html>', '[]', '{"error":"invalid_token"}']) {
      const answer = await answering(new Response(body, { status })).call()
      expect([answer.status, await answer.json()]).toEqual([status, body.startsWith('{') ? { error: 'invalid_token' } : {}])
    }
  })
})

describe('an upstream that misbehaves (REL-R8)', () => {
  it.each([
    ['500', new Response('{}', { status: 500 }), { reason: 'status_500', sent: true }],
    [
      '503 that says when to come back',
      new Response('', { status: 503, headers: { 'retry-after': '17' } }),
      { reason: 'status_503', sent: true, retryAfter: 17 },
    ],
    ['429', Response.json({}, { status: 429 }), { reason: 'status_429', sent: false }],
    [
      '429 that says much too late',
      new Response('', { status: 429, headers: { 'retry-after': '86400' } }),
      { reason: 'status_429', sent: false, retryAfter: 300 },
    ],
    [
      '429 with a date',
      new Response('', { status: 429, headers: { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' } }),
      { reason: 'status_429', sent: false },
    ],
    ['429 with nonsense', new Response('', { status: 429, headers: { 'retry-after': '-5' } }), { reason: 'status_429', sent: false }],
    ['a redirect', new Response('', { status: 302, headers: { location: 'http://169.254.169.254/' } }), { reason: 'redirect', sent: true }],
    ['a redirect that keeps the method', new Response('', { status: 307, headers: { location: '/' } }), { reason: 'redirect', sent: true }],
    [
      'HTML with 200',
      new Response('<!doctype html><p>Down', { headers: { 'content-type': 'text/html' } }),
      { reason: 'not_json', sent: true },
    ],
    ['HTML with 404', new Response('<p>Not found', { status: 404 }), { reason: 'not_json', sent: true }],
    ['JSON that breaks off', new Response('{"access_token":"gho_'), { reason: 'not_json', sent: true }],
    ['a form', new Response('access_token=gho_x&scope=repo'), { reason: 'not_json', sent: true }],
    ['a list', new Response('[{"access_token":"gho_x"}]'), { reason: 'not_an_object', sent: true }],
    ['null', new Response('null'), { reason: 'not_an_object', sent: true }],
    ['text in JSON', new Response('"gho_x"'), { reason: 'not_an_object', sent: true }],
  ])('by %s is unavailable', async (_, response, failure) => {
    expect(await failureOf(answering(response).call())).toEqual(failure)
  })

  it('is never quoted in an error: a token may be in what it said (T47, T98)', async () => {
    for (const body of ['{"access_token":"gho_canary', 'access_token=gho_canary', '["gho_canary"]']) {
      const error: unknown = await answering(new Response(body))
        .call()
        .catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(UpstreamUnavailable)
      for (let at: unknown = error; at instanceof Error; at = at.cause) expect(`${at.message}${JSON.stringify(at)}`).not.toContain('canary')
    }
  })

  it('by a body of a gigabyte is not read beyond 256 kB, and is let go', async () => {
    const { body, seen } = watched(new Uint8Array(64 * 1024).fill(32), 16_384)
    expect(await failureOf(answering(new Response(body)).call())).toEqual({ reason: 'answer_too_long', sent: true })
    expect(seen.bytes).toBeLessThanOrEqual(6 * 64 * 1024)
    expect(seen.letGo).toBe(true)
  })

  it('but an answer of 256 kB is read', async () => {
    const json = `{"a":"${'x'.repeat(256 * 1024 - 8)}"}`
    expect(json).toHaveLength(256 * 1024)
    expect((await answering(new Response(json)).call()).status).toBe(200)
    expect(await failureOf(answering(new Response(`${json} `)).call())).toEqual({ reason: 'answer_too_long', sent: true })
  })

  it.each([500, 429, 302])('by %i with a body that never ends is not read at all, and is let go', async (status) => {
    const { body, seen } = watched(new Uint8Array(1024))
    await failureOf(answering(new Response(body, { status })).call())
    expect(seen.bytes).toBeLessThanOrEqual(1024)
    expect(seen.letGo).toBe(true)
  })

  it('by a character cut in two between pieces is read right', async () => {
    const bytes = Buffer.from('{"name":"Zoë"}')
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]))
        controller.close()
      },
    })
    expect(await (await answering(new Response(body)).call()).json()).toEqual({ name: 'Zoë' })
  })
})

describe('the deadline (I9, REL-R20)', () => {
  /** Fails as fetch does when its signal aborts. */
  const aborted = (signal: AbortSignal | null | undefined): Promise<never> =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))

  it('is 10 seconds, for an upstream that does not answer', async () => {
    const { call, environment } = open((_, init) => aborted(init?.signal))
    const failing = failureOf(call())
    environment.advance(9)
    expect(await Promise.race([failing, environment.sleep(0).then(() => 'still waiting')])).toBe('still waiting')
    environment.advance(1)
    expect(await failing).toEqual({ reason: 'deadline', sent: true })
  })

  it('holds for the body too: one that trickles is given up', async () => {
    const { call, environment } = open(async (_, init) => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(Buffer.from('{"access_token":'))
          init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason))
        },
      })
      return new Response(body)
    })
    const failing = failureOf(call())
    await environment.sleep(0)
    environment.advance(10)
    expect(await failing).toEqual({ reason: 'deadline', sent: true })
  })
})

it('a call that is given up leaves no connection behind, whether nothing came or half an answer (REL-R20)', async () => {
  const sockets = new Set<Socket>()
  const upstream = createHttpServer((request, response) => {
    if (request.url === '/half') response.write('{"access_token":')
  }).on('connection', (socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)))
  })
  await once(upstream.listen(0, '127.0.0.1'), 'listening')
  const address = upstream.address()
  const port = typeof address === 'object' && address ? address.port : 0
  try {
    for (const path of ['/silent', '/half']) {
      const late = new AbortController()
      const call = upstreamFetch({ ...systemEnvironment(), deadline: () => late.signal })
      const failing = failureOf(call(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: 'code=1' }))
      await once(upstream, 'request')
      late.abort(new DOMException('the deadline has passed', 'TimeoutError'))
      expect(await failing).toEqual({ reason: 'deadline', sent: true })
    }
    while (sockets.size > 0) await new Promise((resolve) => setImmediate(resolve))
    expect(sockets.size).toBe(0)
  } finally {
    upstream.close()
    upstream.closeAllConnections()
  }
})

describe('an upstream that is not there', () => {
  const network = (code: string, cause: Error = Object.assign(new Error(code), { code })) => new TypeError('fetch failed', { cause })

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])(
    'by %s has heard nothing: an upstream code is still good',
    async (code) => {
      expect(await failureOf(open(() => Promise.reject(network(code))).call())).toEqual({ reason: 'unreachable', sent: false })
    },
  )

  it('by every address at once has heard nothing either', async () => {
    const every = Object.assign(new AggregateError([new Error('::1'), new Error('127.0.0.1')]), { code: 'ECONNREFUSED' })
    expect(await failureOf(open(() => Promise.reject(network('', every))).call())).toEqual({ reason: 'unreachable', sent: false })
  })

  it.each(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', ''])('by %j may have heard everything', async (code) => {
    expect(await failureOf(open(() => Promise.reject(network(code))).call())).toEqual({ reason: 'unreachable', sent: true })
  })

  it('by something that is no network error may have heard everything', async () => {
    for (const thrown of [new Error('odd'), 'odd', undefined])
      expect(await failureOf(open(() => Promise.reject(thrown)).call())).toEqual({ reason: 'unreachable', sent: true })
  })

  it('as a real network says it, has heard nothing', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const address = server.address()
        server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
      })
    })
    const call = upstreamFetch(systemEnvironment())
    expect(await failureOf(call(`http://127.0.0.1:${port}/token`, {}))).toEqual({ reason: 'unreachable', sent: false })
  })
})

describe('the quirks of upstreams', () => {
  it.each<[string, UpstreamQuirks, Response, number, object]>([
    [
      'errors with 200 become 400',
      { errorsWithStatus200: true },
      Response.json({ error: 'bad_verification_code' }),
      400,
      { error: 'bad_verification_code' },
    ],
    ['and keep the status they have', { errorsWithStatus200: true }, Response.json({ error: 'x' }, { status: 403 }), 403, { error: 'x' }],
    ['but not without the quirk', {}, Response.json({ error: 'x' }), 200, { error: 'x' }],
    [
      'scopes separated by commas become scopes separated by blanks',
      { commaSeparatedScopes: true },
      Response.json({ scope: 'repo,user:email, read:org' }),
      200,
      { scope: 'repo user:email read:org' },
    ],
    ['but not without the quirk', {}, Response.json({ scope: 'a,b' }), 200, { scope: 'a,b' }],
    [
      'a token without a type is a bearer',
      { missingTokenType: true },
      Response.json({ access_token: 'a' }),
      200,
      { access_token: 'a', token_type: 'bearer' },
    ],
    [
      'one with a type keeps it',
      { missingTokenType: true },
      Response.json({ access_token: 'a', token_type: 'mac' }),
      200,
      { access_token: 'a', token_type: 'mac' },
    ],
    ['and what is no token gets none', { missingTokenType: true }, Response.json({ id: 1 }), 200, { id: 1 }],
  ])('%s', async (_, quirks, response, status, body) => {
    const answer = await answering(response, quirks).call()
    expect([answer.status, await answer.json()]).toEqual([status, body])
  })
})
