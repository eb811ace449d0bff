import { describe, expect, it } from 'vitest'
import type { Event } from '../ports/events.ts'
import { StoreUnavailable, StoreUnreadable } from '../ports/store.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { accessDenied, ConfigurationError, invalidClient, invalidGrant, invalidToken, OAuthError } from '../protocol/errors.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { answerOf } from './answer-of.ts'
import { type EndpointParts, openEndpoint, prefersHtml } from './endpoint.ts'
import { readForm } from './form.ts'
import { TooManyRequests } from './rate-limit.ts'

const url = 'https://mcp.example.com/somewhere'

/** An endpoint of one kind, what it tells the operator, and what its handler was asked. */
function open(kind: EndpointParts['kind'], parts: Partial<Pick<EndpointParts, 'get' | 'post' | 'waitsForOthers' | 'senderCounts'>> = {}) {
  const environment = fixedEnvironment()
  const events: Event[] = []
  const asked: Request[] = []
  const answer = async (request: Request): Promise<Response> => {
    asked.push(request)
    return Response.json({ ok: true })
  }
  const handler = openEndpoint({
    name: 'somewhere',
    kind,
    environment,
    emit: (event) => events.push(event),
    ...(Object.keys(parts).length > 0 ? parts : { get: answer, post: answer }),
  })
  const call = (method: string, init: RequestInit = {}): Promise<Response> => handler(new Request(url, { method, ...init }))
  return { call, events, asked, environment }
}

const failing = (error: unknown) => async (): Promise<Response> => {
  throw error
}
// A body that arrives in pieces needs `duplex`, which the types do not have yet.
const form = (body: BodyInit): RequestInit =>
  Object.assign({ body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }, { duplex: 'half' })

describe('the methods of an endpoint', () => {
  it.each([
    ['document', 'GET, HEAD, POST'],
    ['api', 'GET, POST'],
    ['page', 'GET, POST'],
  ] as const)('%s: others are answered with 405, and those that are served (T83)', async (kind, allow) => {
    const { call, asked } = open(kind)
    for (const method of ['PUT', 'DELETE', 'PATCH', 'QUERY', 'FOO']) {
      const response = await call(method)
      expect([response.status, response.headers.get('allow'), response.headers.get('cache-control')]).toEqual([405, allow, 'no-store'])
      expect(await response.text()).toBe('')
    }
    expect(asked).toEqual([])
  })

  it('HEAD is for documents: on a page it would start what only a GET may', async () => {
    const document = open('document')
    const response = await document.call('HEAD')
    expect([response.status, await response.text()]).toEqual([200, ''])
    for (const kind of ['page', 'api'] as const) {
      const { call, asked } = open(kind)
      expect((await call('HEAD')).status).toBe(405)
      expect(asked).toEqual([])
    }
  })

  it('are those that have a handler', async () => {
    const { call } = open('api', { post: async () => Response.json({}) })
    const response = await call('GET')
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('CORS (R15, T81)', () => {
  const preflight: RequestInit = {
    headers: {
      origin: 'https://evil.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, mcp-protocol-version',
    },
  }

  it('opens an api to every origin, without credentials, and the preflight is remembered', async () => {
    const response = await open('api').call('OPTIONS', preflight)
    expect([response.status, Object.fromEntries(response.headers)]).toEqual([
      204,
      {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET,POST',
        'access-control-allow-headers': 'authorization,mcp-protocol-version',
        'access-control-expose-headers': 'WWW-Authenticate,Retry-After,DPoP-Nonce,X-Request-Id',
        'access-control-max-age': '600',
        vary: 'Access-Control-Request-Headers',
      },
    ])
  })

  it.each(['document', 'api'] as const)('shows the answers of a %s, errors too, and never with credentials', async (kind) => {
    for (const parts of [{ get: async () => Response.json({}) }, { get: failing(new StoreUnavailable('x')) }]) {
      const response = await open(kind, parts).call('GET', { headers: { origin: 'https://evil.example', cookie: 'a=1' } })
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(response.headers.get('access-control-expose-headers')).toBe('WWW-Authenticate,Retry-After,DPoP-Nonce,X-Request-Id')
      expect(response.headers.has('access-control-allow-credentials')).toBe(false)
    }
  })

  it('shows nothing of a page to anybody, not even a preflight', async () => {
    const { call } = open('page')
    for (const response of [await call('GET', { headers: { origin: 'https://evil.example' } }), await call('OPTIONS', preflight)])
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
    expect((await call('OPTIONS', preflight)).status).toBe(405)
  })
})

describe('a body (T34, REL-R27)', () => {
  const limit = 16 * 1024
  const reading = () => {
    const read: string[] = []
    return { read, ...open('api', { post: async (request) => Response.json(read.push(String(await readForm(request)))) }) }
  }
  /** Arrives in pieces, and says nothing of its length. */
  const streamed = (length: number, pulled = { bytes: 0 }): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull(controller) {
        if (pulled.bytes >= length) return controller.close()
        const size = Math.min(1024, length - pulled.bytes)
        pulled.bytes += size
        controller.enqueue(new Uint8Array(size).fill(97))
      },
    })

  it('of 16 kB is read, however it arrives', async () => {
    const { call, read } = reading()
    expect((await call('POST', form('a'.repeat(limit)))).status).toBe(200)
    expect((await call('POST', form(streamed(limit)))).status).toBe(200)
    expect(read.map((text) => text.length)).toEqual([limit + 1, limit + 1])
  })

  it('that is longer is answered with 413, and the handler does not see it', async () => {
    const { call, read, events } = reading()
    const response = await call('POST', form('a'.repeat(limit + 1)))
    expect([response.status, await response.json()]).toEqual([
      413,
      { error: 'invalid_request', error_description: 'The body is too long.' },
    ])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(read).toEqual([])
    expect(events).toEqual([{ type: 'request.refused', endpoint: 'somewhere', error: 'invalid_request', reason: 'body_too_long' }])
  })

  it('that never ends is not read to its end', async () => {
    const { call, read } = reading()
    const pulled = { bytes: 0 }
    expect((await call('POST', form(streamed(1_000_000_000, pulled)))).status).toBe(413)
    expect(pulled.bytes).toBeLessThan(limit + 10 * 1024)
    expect(read).toEqual([])
  })

  it('that says a length it does not have is judged by what it says, before it is read', async () => {
    const { call } = reading()
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(limit + 1) }
    expect((await call('POST', { body: 'a', headers })).status).toBe(413)
  })

  it('too long for a page is a page', async () => {
    const { call } = open('page', { post: async () => new Response('') })
    const response = await call('POST', { ...form('a'.repeat(limit + 1)), headers: { accept: 'text/html' } })
    expect([response.status, response.headers.get('content-type')]).toEqual([413, 'text/html; charset=utf-8'])
  })
})

describe('an answer', () => {
  it('is kept by nobody, unless it says so itself', async () => {
    expect((await open('api').call('GET')).headers.get('cache-control')).toBe('no-store')
    const document = open('document', { get: () => Response.json({}, { headers: { 'cache-control': 'public, max-age=300' } }) })
    expect((await document.call('GET')).headers.get('cache-control')).toBe('public, max-age=300')
  })

  it('that is a page is sent with everything that keeps others out of it (T10, T31, T44, R67)', async () => {
    const { call } = open('page', { get: () => new Response('<p>', { headers: { 'content-type': 'text/html' } }) })
    const headers = Object.fromEntries((await call('GET')).headers)
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
      ),
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'permissions-policy': expect.stringContaining('camera=()'),
    })
    expect(headers).not.toHaveProperty('cross-origin-opener-policy')
    expect(headers).not.toHaveProperty('strict-transport-security')
  })

  it('may set a referrer policy of its own', async () => {
    const { call } = open('page', { get: () => new Response('', { headers: { 'referrer-policy': 'same-origin' } }) })
    expect((await call('GET')).headers.get('referrer-policy')).toBe('same-origin')
  })
})

describe('an error', () => {
  const canary = 'canary-5d2b'
  const leaky = Object.assign(new Error(`the password is ${canary}`), { cause: new Error(canary), detail: canary })
  const unavailable = {
    error: 'temporarily_unavailable',
    error_description: 'The server cannot answer at the moment. Try again shortly.',
  }

  it.each<[string, Error, number, string | null, object, Event]>([
    [
      'that OAuth has a name for is that',
      invalidGrant('The code is invalid.', 'code_of_another_client'),
      400,
      null,
      { error: 'invalid_grant', error_description: 'The code is invalid.' },
      { type: 'request.refused', endpoint: 'somewhere', error: 'invalid_grant', reason: 'code_of_another_client' },
    ],
    [
      'about the client is a 401',
      invalidClient('The client is unknown.', 'client_unknown'),
      401,
      null,
      { error: 'invalid_client', error_description: 'The client is unknown.' },
      { type: 'request.refused', endpoint: 'somewhere', error: 'invalid_client', reason: 'client_unknown' },
    ],
    [
      'of the store is a 503, and never a no (I6)',
      new StoreUnavailable(canary),
      503,
      '3',
      unavailable,
      { type: 'store.unavailable', endpoint: 'somewhere', reason: 'StoreUnavailable' },
    ],
    [
      'of a record that cannot be read is a 503 (REL-R17)',
      new StoreUnreadable(canary),
      503,
      '3',
      unavailable,
      { type: 'store.unavailable', endpoint: 'somewhere', reason: 'StoreUnreadable' },
    ],
    [
      'of the upstream is a 503 (REL-R8)',
      new UpstreamUnavailable('deadline', { cause: leaky }),
      503,
      '3',
      unavailable,
      { type: 'upstream.failed', operation: 'somewhere', reason: 'deadline' },
    ],
    [
      'of an upstream that says when to come back says so',
      new UpstreamUnavailable('status_429', { retryAfter: 77 }),
      503,
      '77',
      unavailable,
      { type: 'upstream.failed', operation: 'somewhere', reason: 'status_429' },
    ],
    [
      'of the configuration, found while it runs, is a 503',
      new ConfigurationError([canary]),
      503,
      '3',
      unavailable,
      { type: 'request.failed', endpoint: 'somewhere', errorName: 'ConfigurationError' },
    ],
    [
      'of ours is a 500 without a word of it',
      leaky,
      500,
      null,
      { error: 'server_error', error_description: 'The server met an error of its own.' },
      { type: 'request.failed', endpoint: 'somewhere', errorName: 'Error' },
    ],
  ])('%s, and the operator is told', async (_, error, status, retryAfter, body, event) => {
    const { call, events } = open('api', { post: failing(error) })
    const response = await call('POST', form('a=1'))
    expect([response.status, await response.json()]).toEqual([status, body])
    expect(response.headers.get('retry-after')).toBe(retryAfter)
    expect([response.headers.get('cache-control'), response.headers.get('pragma')]).toEqual(['no-store', 'no-cache'])
    expect(events).toEqual([event])
  })

  it('never leaks, in the answer or in the event, whatever was thrown (T98, R91)', async () => {
    for (const kind of ['api', 'page', 'document'] as const) {
      for (const error of [leaky, new StoreUnavailable(canary, { cause: leaky }), new UpstreamUnavailable('x', { cause: leaky })]) {
        const { call, events } = open(kind, { get: failing(error) })
        for (const accept of ['application/json', 'text/html']) {
          const response = await call('GET', { headers: { accept } })
          expect(`${await response.text()}${JSON.stringify([...response.headers])}${JSON.stringify(events)}`).not.toContain(canary)
        }
      }
    }
  })

  it('on a page is a page for people and JSON for programs, and a 400 where a 401 would ask for credentials (G3)', async () => {
    const { call } = open('page', { get: failing(invalidClient('The application is not registered here.', 'client_unknown')) })
    const forPeople = await call('GET', { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
    expect([forPeople.status, forPeople.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8'])
    expect(await forPeople.text()).toContain('The application is not registered here.')
    expect(forPeople.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    const forPrograms = await call('GET', { headers: { accept: 'application/json' } })
    expect([forPrograms.status, await forPrograms.json()]).toEqual([
      400,
      { error: 'invalid_client', error_description: 'The application is not registered here.' },
    ])
    expect(forPrograms.headers.has('location')).toBe(false)
  })

  it('on an api is JSON, whoever asks; and a person’s no is 400 like any other (RFC 6749 §5.2)', async () => {
    const { call } = open('api', { get: failing(accessDenied('No.', 'said_no')) })
    const response = await call('GET', { headers: { accept: 'text/html' } })
    expect([response.status, await response.json()]).toEqual([400, { error: 'access_denied', error_description: 'No.' }])
  })

  it('is answered even when it is no Error: an endpoint never rejects', async () => {
    for (const thrown of [canary, undefined, { message: canary }]) {
      const { call, events } = open('api', { get: failing(thrown) })
      const response = await call('GET')
      expect([response.status, await response.json()]).toEqual([
        500,
        { error: 'server_error', error_description: 'The server met an error of its own.' },
      ])
      expect(events).toHaveLength(1)
    }
  })
})

describe('a request that takes too long (I9)', () => {
  /** A handler that waits for `finish`, and whether it came to its end. */
  function slow(kind: EndpointParts['kind'], waitsForOthers: boolean) {
    const done: string[] = []
    let finish = (): void => {}
    const waiting = new Promise<void>((resolve) => {
      finish = resolve
    })
    const get = async (): Promise<Response> => {
      await waiting
      done.push('done')
      return new Response('late')
    }
    return { done, finish: () => finish(), ...open(kind, { get, waitsForOthers }) }
  }
  const html = { headers: { accept: 'text/html' } }

  it.each([
    ['the store alone', false, 10],
    ['others too', true, 40],
  ])('is 503 where it waits for %s, and what it had begun goes on beside it', async (_, waitsForOthers, longest) => {
    for (const kind of ['api', 'page'] as const) {
      const { call, environment, events, done, finish } = slow(kind, waitsForOthers)
      let answer: Response | undefined
      const calling = call('GET', html).then((response) => {
        answer = response
      })
      await environment.sleep(0)
      environment.advance(longest)
      for (let turn = 0; turn < 20; turn += 1) await environment.sleep(0)
      expect(answer).toBeUndefined()
      environment.advance(1)
      await calling
      expect([answer?.status, answer?.headers.get('retry-after')]).toEqual([503, '3'])
      expect(answer?.headers.get(kind === 'page' ? 'content-security-policy' : 'access-control-allow-origin')).toBeTruthy()
      expect(events).toEqual([{ type: 'request.failed', endpoint: 'somewhere', errorName: 'TookTooLong' }])
      expect(done).toEqual([])
      const drained = environment.drain()
      finish()
      await drained
      expect(done).toEqual(['done'])
      expect(await answer?.text()).not.toContain('late')
    }
  })

  it('and then fails is told to the operator as what it was', async () => {
    let fail = (_: Error): void => {}
    const failing = new Promise<Response>((_, reject) => {
      fail = reject
    })
    const { call, environment, events } = open('api', { get: () => failing })
    const calling = call('GET')
    await environment.sleep(0)
    environment.advance(11)
    expect((await calling).status).toBe(503)
    fail(new StoreUnavailable('x'))
    await environment.drain()
    expect(events.map(({ type }) => type)).toEqual(['request.failed', 'store.unavailable'])
  })

  it('is not one whose body breaks no rule: each request has its own time', async () => {
    const { call, environment } = open('api')
    for (let turn = 0; turn < 5; turn += 1) {
      expect((await call('GET')).status).toBe(200)
      environment.advance(11)
    }
  })
})

it('an answer of 503 says when to come back, and not the same to all: 1 to 5 s (REL-R29)', async () => {
  const { call } = open('api', { get: failing(new StoreUnavailable('x')) })
  const seen = new Set<string | null>()
  for (let turn = 0; turn < 100; turn += 1) seen.add((await call('GET')).headers.get('retry-after'))
  expect([...seen].toSorted()).toEqual(['1', '2', '3', '4', '5'])
})

describe('a page of 503 has the same request once more (REL 4.3)', () => {
  const down = new StoreUnavailable('x')
  const browser = (site: string): RequestInit => ({ headers: { accept: 'text/html', 'sec-fetch-site': site } })
  const link = '<p class="choices"><a class="go" href="">Try again</a></p>'

  it.each(['none', 'same-origin', 'same-site', 'cross-site'])('as a link to the very address, for a browser sent by %s', async (site) => {
    const answer = await open('page', { get: failing(down) }).call('GET', browser(site))
    const text = await answer.text()
    expect(text).toContain(`<p>This will pass. Wait a moment and try again.</p>\n${link}`)
    expect(text).not.toContain('somewhere')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  it.each([
    ['none', true],
    ['same-origin', true],
    ['same-site', false],
    ['cross-site', false],
  ])('where it counts who sent the browser (%s), as a link: %s; our page would pass for the person (T6)', async (site, isLinked) => {
    const text = await (await open('page', { get: failing(down), senderCounts: true }).call('GET', browser(site))).text()
    expect(text.includes(link)).toBe(isLinked)
    expect(text.includes('<p>This will pass. Wait a moment and load this page again.</p>')).toBe(!isLinked)
  })

  it('as a form with what was posted, escaped, whether it was read or not (T44)', async () => {
    const evil = '"><script>alert(1)</script>'
    const body = new URLSearchParams([
      ['request', 'sealed.abc'],
      ['decision', 'approve'],
      [evil, evil],
    ])
    const reading = async (request: Request): Promise<Response> => {
      await readForm(request)
      throw down
    }
    for (const post of [reading, failing(down)]) {
      const answer = await open('page', { post }).call('POST', { body, headers: { accept: 'text/html' } })
      const text = await answer.text()
      expect(answer.status).toBe(503)
      expect(text).toContain(
        '<form method="post">\n<input type="hidden" name="request" value="sealed.abc"><input type="hidden" name="decision" value="approve">',
      )
      expect(text).not.toMatch(/<script|href=/)
      expect(answer.headers.get('referrer-policy')).toBe('same-origin')
    }
  })

  it('and no other page has it, nor a program', async () => {
    for (const error of [accessDenied('No.', 'said_no'), new Error('x'), new TooManyRequests(5)]) {
      const text = await (await open('page', { get: failing(error), post: failing(error) }).call('POST', browser('same-origin'))).text()
      expect(text).not.toMatch(/href=|<form/)
    }
    const json = await open('page', { get: failing(down) }).call('GET', { headers: { accept: 'application/json' } })
    expect(await json.text()).not.toContain('<')
  })

  it('is not made of a body that broke off', async () => {
    const broken = new ReadableStream({ start: (controller) => controller.error(new Error('gone')) })
    const init = Object.assign(form(broken), { headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' } })
    const answer = await open('page', { post: failing(down) }).call('POST', init)
    expect([answer.status, (await answer.text()).includes('<form')]).toEqual([400, false])
  })
})

describe('how an error is answered, anywhere', () => {
  it.each<[Error, object]>([
    [invalidToken('It has expired.', 'token_expired'), { status: 401, code: 'invalid_token', description: 'It has expired.' }],
    [
      new OAuthError('temporarily_unavailable', 'Later.', { reason: 'x' }),
      { status: 503, code: 'temporarily_unavailable', description: 'Later.', retryAfter: 3 },
    ],
    [new TypeError('x is undefined'), { status: 500, code: 'server_error', description: 'The server met an error of its own.' }],
  ])('%s', (error, answer) => {
    expect(answerOf(error, fixedEnvironment())).toEqual(answer)
  })
})

it.each([
  ['text/html', true],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
  ['TEXT/HTML', true],
  ['application/json', false],
  ['*/*', false],
  ['text/htmlx', false],
])('whoever accepts %j is shown pages: %s', (accept, expected) => {
  expect(prefersHtml(new Request(url, { headers: { accept } }))).toBe(expected)
  expect(prefersHtml(new Request(url))).toBe(false)
})
