import { connect } from 'node:net'
import { mcpApp } from '@drawbridge/core/hono'
import { type Served, serve } from '@drawbridge/core/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type House, openHouse } from '../support/house.ts'

let house: House
let served: Served
beforeAll(async () => {
  const port = await freePort()
  house = openHouse({ baseUrl: `http://127.0.0.1:${port}`, limits: { rateLimit: false } })
  served = await serve(mcpApp({ auth: house.auth, mcp: { fetch: () => new Response('the MCP server') } }), { port, print: () => {} })
})
afterAll(() => served.close())

/** Sends bytes as they are, and answers everything that came until the server closed the connection or had answered. */
function exchange(...chunks: (string | Buffer)[]): Promise<{ statuses: string[]; text: string; closed: boolean }> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(served.port, '127.0.0.1', () => {
      for (const chunk of chunks) socket.write(chunk)
    })
    const end = (closed: boolean): void => {
      socket.destroy()
      resolve({ statuses: [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status = '']) => status), text, closed })
    }
    socket.setEncoding('latin1')
    socket.on('data', (data: string) => {
      text += data
      // The last request of each test asks for the connection to stay, or is broken; both are over with this.
      if (text.includes('"the end"')) end(false)
    })
    socket.on('close', () => end(true))
    socket.on('error', reject)
  })
}

const host = 'Host: 127.0.0.1'
const form = 'Content-Type: application/x-www-form-urlencoded'
const post = (path: string, headers: string[], body = ''): string =>
  [`POST ${path} HTTP/1.1`, host, 'Connection: close', ...headers, '', body].join('\r\n')

describe('framing that is not HTTP is refused, and the connection is closed (T83)', () => {
  it.each([
    ['a length and chunks at once', ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n'],
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6'], 'a=1&b='],
    ['a length that is no number', ['Content-Length: five'], 'a=1'],
    ['a negative length', ['Content-Length: -1'], 'a=1'],
    ['an encoding that nobody knows', ['Transfer-Encoding: xchunked'], '0\r\n\r\n'],
    ['chunks twice', ['Transfer-Encoding: chunked, chunked'], '0\r\n\r\n'],
    ['a chunk that is none', ['Transfer-Encoding: chunked'], 'zz\r\na=1\r\n0\r\n\r\n'],
    ['a header without a name', [': x'], ''],
    ['a header on two lines', ['X: a', ' b\x00'], ''],
  ])('%s', async (_, headers, body) => {
    const { statuses, closed, text } = await exchange(post('/token', [form, ...headers], body))
    expect([statuses, closed]).toEqual([['400'], true])
    expect(text).not.toMatch(/Error|node_modules| at /)
  })

  it.each([
    ['no HTTP at all', '\x16\x03\x01\x02\x00'],
    ['a method that nobody has', 'BREW /token HTTP/1.1\r\n\r\n'],
    ['a request line of half a megabyte', `GET /${'a'.repeat(500_000)} HTTP/1.1\r\n`],
    ['headers of half a megabyte', `GET / HTTP/1.1\r\nX: ${'a'.repeat(500_000)}\r\n\r\n`],
  ])('%s', async (_, bytes) => {
    const { statuses, closed } = await exchange(bytes).catch(() => ({ statuses: ['400'], closed: true }))
    expect([['400', '431'].includes(statuses[0] ?? ''), statuses.length, closed]).toEqual([true, 1, true])
  })
})

describe('what is HTTP, and odd, is answered and never with a 500 (T83)', () => {
  it.each([
    ['a form of no bytes', post('/token', [form, 'Content-Length: 0']), '400'],
    ['no body and no length', post('/token', [form]), '400'],
    ['two content types', post('/token', [form, 'Content-Type: text/plain', 'Content-Length: 3'], 'a=1'), '400'],
    ['a percent that is none', post('/token', [form, 'Content-Length: 5'], '%zz=%'), '400'],
    ['a form in chunks', post('/token', [form, 'Transfer-Encoding: chunked'], '3\r\na=1\r\n0\r\n\r\n'), '400'],
    ['another method', `PUT /token HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, '405'],
    ['a path with a percent that is none', post('/%zz', [form, 'Content-Length: 0']), '404'],
    ['a path with a byte that is no text', post('/\xff', [form, 'Content-Length: 0']), '400'],
    ['a path that climbs', post('/x/../../token', [form, 'Content-Length: 0']), '400'],
    ['no Host', 'GET /authorize HTTP/1.1\r\nConnection: close\r\n\r\n', '400'],
  ])('%s', async (_, bytes, status) => {
    const { statuses, text } = await exchange(bytes)
    expect(statuses).toEqual([status])
    expect(text).not.toMatch(/node_modules| at .*:\d+/)
    expect(house.events.filter(({ type }) => type === 'request.failed')).toEqual([])
  })

  it('a body in chunks is read like any other, up to 16 KB (T83, REL-R27)', async () => {
    const chunked = async (body: string): Promise<string> => {
      const bytes = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
      const json = 'Content-Type: application/json'
      return (await exchange(post('/register', [json, 'Transfer-Encoding: chunked'], bytes))).statuses.join()
    }
    expect(await chunked('{"redirect_uris":["http://127.0.0.1/"]}')).toBe('201')
    expect(await chunked(`{"redirect_uris":["http://127.0.0.1/"],"x":"${'x'.repeat(20_000)}"}`)).toBe('413')
  })

  it('a body that breaks off is nobody’s bug (T83, REL-R27)', async () => {
    const before = house.events.length
    await new Promise<void>((resolve) => {
      const socket = connect(served.port, '127.0.0.1', () => {
        socket.write(post('/token', [form, 'Content-Length: 50'], 'grant_type='))
        setImmediate(() => socket.end(() => socket.destroy()))
      })
      socket.on('close', () => resolve())
    })
    await expect
      .poll(() => house.events.slice(before))
      .toEqual([{ type: 'request.refused', endpoint: 'token', error: 'invalid_request', reason: 'body_broken', at: 1_767_268_800 }])
  })

  it('a target that is a whole URL is the path in it, on our own name and no other (T83, T84)', async () => {
    const whole = (target: string, sentTo: string) =>
      exchange(`GET ${target}/.well-known/jwks.json HTTP/1.1\r\nHost: ${sentTo}\r\nConnection: close\r\n\r\n`)
    const name = `127.0.0.1:${served.port}`
    expect((await whole(`http://${name}`, name)).statuses).toEqual(['200'])
    expect((await whole('http://evil.test', 'evil.test')).statuses).toEqual(['421'])
  })
})
