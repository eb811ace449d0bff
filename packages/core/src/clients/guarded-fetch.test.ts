import { describe, expect, it } from 'vitest'
import { AddressRefused, type PinnedRequest } from '../ports/pinned-fetch.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { DocumentUnusable, guardedFetch } from './guarded-fetch.ts'

const url = 'https://client.example.com/client.json'
const ownOrigins = ['https://mcp.example.com', 'http://localhost:8000']
const type = { 'content-type': 'application/json' }

/** A fetch whose network is `answer`. */
function open(answer: (url: string, request: PinnedRequest) => Response | Promise<Response>, allowLoopback = false) {
  const asked: string[] = []
  const environment = fixedEnvironment({
    async fetchPinned(target, request) {
      asked.push(target)
      return answer(target, request)
    },
  })
  return { environment, asked, fetchJson: guardedFetch({ environment, ownOrigins, allowLoopback }) }
}

async function outcomeOf(reading: Promise<unknown>): Promise<unknown> {
  return reading.then(
    () => 'read',
    (cause: unknown) => (cause instanceof DocumentUnusable ? [cause.reason, cause.passing] : cause),
  )
}

const fails = (cause: unknown) => open(() => Promise.reject(cause)).fetchJson(url, 100)

describe('what a stranger publishes is read', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'APPLICATION/JSON',
    'application/oauth-client-metadata+json',
  ])('as %s', async (contentType) => {
    const { fetchJson } = open(() => new Response('{"a":1}', { headers: { 'content-type': contentType, age: '7' } }))
    const { json, headers } = await fetchJson(url, 100)
    expect([json, headers.get('age')]).toEqual([{ a: 1 }, '7'])
  })

  it('up to the limit, counted in bytes (R129)', async () => {
    const text = JSON.stringify({ a: 'ä'.repeat(40) })
    const { fetchJson } = open(() => new Response(text, { headers: type }))
    expect(Buffer.byteLength(text)).toBe(88)
    expect(await outcomeOf(fetchJson(url, 88))).toBe('read')
    expect(await outcomeOf(fetchJson(url, 87))).toEqual(['too_long', false])
  })
})

describe('what a stranger publishes is refused', () => {
  it.each<[string, () => Response, string, boolean]>([
    ['a redirect to a good one (R127)', () => Response.redirect(url, 302), 'redirect', false],
    ['another redirect', () => new Response(null, { status: 304 }), 'redirect', false],
    ['nothing there', () => new Response('{}', { status: 404, headers: type }), 'status_404', false],
    ['a success that is not 200', () => new Response('{}', { status: 206, headers: type }), 'status_206', false],
    ['trouble of its host', () => new Response('{}', { status: 500, headers: type }), 'status_500', true],
    ['a host that is too busy', () => new Response('{}', { status: 429, headers: type }), 'status_429', true],
    ['a page', () => new Response('{}', { headers: { 'content-type': 'text/html' } }), 'content_type', false],
    ['text', () => new Response('{}', { headers: { 'content-type': 'text/plain' } }), 'content_type', false],
    ['of no kind', () => new Response(Buffer.from('{}')), 'content_type', false],
    [
      'in another charset',
      () => new Response('{}', { headers: { 'content-type': 'application/json; charset=utf-7' } }),
      'content_type',
      false,
    ],
    ['of two kinds', () => new Response('{}', { headers: { 'content-type': 'application/json, text/html' } }), 'content_type', false],
    ['compressed', () => new Response('{}', { headers: { ...type, 'content-encoding': 'gzip' } }), 'content_encoding', false],
    ['no JSON', () => new Response('{', { headers: type }), 'not_json', false],
    ['no UTF-8', () => new Response(Buffer.from([0x22, 0xff, 0x22]), { headers: type }), 'not_json', false],
    ['UTF-16', () => new Response(Buffer.from('{}', 'utf16le'), { headers: type }), 'not_json', false],
  ])('for %s (T35)', async (_, answer, reason, passing) => {
    expect(await outcomeOf(open(answer).fetchJson(url, 100))).toEqual([reason, passing])
  })

  it('as soon as it is too long, without reading on (R129)', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1
        controller.enqueue(new Uint8Array(60))
      },
    })
    expect(await outcomeOf(open(() => new Response(endless, { headers: type })).fetchJson(url, 100))).toEqual(['too_long', false])
    expect(sent).toBeLessThan(5)
  })

  it('in one way, whether its host is refused or cannot be reached (T48)', async () => {
    expect(await outcomeOf(fails(new AddressRefused()))).toEqual(['address_refused', true])
    expect(await outcomeOf(fails(Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' })))).toEqual(['unreachable', true])
    const texts = await Promise.all([new AddressRefused('10.0.0.1'), new Error('10.0.0.1')].map((cause) => fails(cause).catch(String)))
    expect(texts).toEqual(['DocumentUnusable: a document cannot be used', 'DocumentUnusable: a document cannot be used'])
  })

  it('after 5 seconds, the body included (R129)', async () => {
    const { fetchJson, environment } = open((_, { signal }) => {
      const slow = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(Buffer.from('{'))
          signal.addEventListener('abort', () => controller.error(signal.reason))
        },
      })
      return new Response(slow, { headers: type })
    })
    const reading = outcomeOf(fetchJson(url, 100))
    await environment.sleep(0)
    environment.advance(4)
    await environment.sleep(0)
    environment.advance(1)
    expect(await reading).toEqual(['deadline', true])
  })
})

describe('the fetch', () => {
  it('is asked of public addresses alone, and of this machine only where that is allowed (R128)', async () => {
    const judged: boolean[][] = []
    const judge = (_: string, { allowAddress }: PinnedRequest): Response => {
      judged.push(['93.184.216.34', '10.0.0.1', '127.0.0.1', '::1', '169.254.169.254', '0.0.0.0'].map(allowAddress))
      return new Response('{}', { headers: type })
    }
    await open(judge).fetchJson(url, 100)
    await open(judge, true).fetchJson(url, 100)
    expect(judged).toEqual([
      [true, false, false, false, false, false],
      [true, false, true, true, false, false],
    ])
  })

  it.each(['https://mcp.example.com/client.json', 'http://localhost:8000/a'])('never asks ourselves: %s', async (own) => {
    const { fetchJson, asked } = open(() => new Response('{}', { headers: type }))
    expect(await outcomeOf(fetchJson(own, 100))).toEqual(['own_origin', false])
    expect(asked).toEqual([])
  })

  it('asks one origin 60 times in a minute, good or bad, and others meanwhile', async () => {
    let status = 200
    const { fetchJson, environment, asked } = open(() => new Response('{}', { status, headers: type }))
    for (let time = 0; time < 60; time += 1) {
      status = time % 2 === 0 ? 200 : 500
      await outcomeOf(fetchJson(url, 100))
    }
    expect(await outcomeOf(fetchJson(`${url}2`, 100))).toEqual(['busy', true])
    expect(asked).toHaveLength(60)
    status = 200
    expect(await outcomeOf(fetchJson('https://other.example.com/c', 100))).toBe('read')
    environment.advance(60)
    expect(await outcomeOf(fetchJson(url, 100))).toBe('read')
  })

  it('has 32 under way at most', async () => {
    const waiting: (() => void)[] = []
    const { fetchJson } = open(() => new Promise((resolve) => waiting.push(() => resolve(new Response('{}', { headers: type })))))
    const first = Array.from({ length: 32 }, (_, index) => outcomeOf(fetchJson(`https://h${index}.example.com/c`, 100)))
    expect(await outcomeOf(fetchJson('https://one-more.example.com/c', 100))).toEqual(['busy', true])
    for (const end of waiting.splice(0)) end()
    expect(new Set(await Promise.all(first))).toEqual(new Set(['read']))
    const again = outcomeOf(fetchJson('https://one-more.example.com/c', 100))
    waiting[0]?.()
    expect(await again).toBe('read')
  })
})
