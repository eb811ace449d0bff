import { gzipSync } from 'node:zlib'
import { AddressRefused } from '@drawbridge/core'
import { pinnedFetch } from '@drawbridge/core/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type DocumentServer, openDocumentServer } from '../support/document-server.ts'
import { freePort } from '../support/free-port.ts'

// 127.0.0.1 plays the public address here, and every other one a private network.
const allowAddress = (address: string): boolean => address === '127.0.0.1'

let server: DocumentServer
let hidden: DocumentServer

beforeAll(async () => {
  server = await openDocumentServer(['client.example.com'])
  hidden = await openDocumentServer([], '127.0.0.2')
})
afterAll(() => Promise.all([server.close(), hidden.close()]))
afterEach(() => vi.unstubAllEnvs())

/** A fetch whose name server gives these answers, one after the other. */
function fetchWith(...answers: string[][]) {
  const asked: string[] = []
  const fetchPinned = pinnedFetch({
    async resolve(host) {
      asked.push(host)
      return answers[Math.min(asked.length, answers.length) - 1] ?? []
    },
  })
  const controller = new AbortController()
  const get = (url = `https://client.example.com:${server.port}/client.json`) =>
    fetchPinned(url, { headers: { accept: 'application/json' }, signal: controller.signal, allowAddress })
  return { get, asked, controller }
}

describe('a pinned fetch', () => {
  it('asks the name server once, and connects to what was judged (T49, R128)', async () => {
    server.answer = (_, response) => response.setHeader('x-a', ['1', '2']).end('hello')
    const { get, asked } = fetchWith(['127.0.0.1'], ['127.0.0.2'])
    const answer = await get()
    expect([answer.status, answer.headers.get('x-a'), await answer.text()]).toEqual([200, '1, 2', 'hello'])
    expect(asked).toEqual(['client.example.com'])
    expect(server.requests.at(-1)).toBe(`client.example.com:${server.port} /client.json`)
  })

  it('tries every address that was judged', async () => {
    server.answer = (_, response) => response.end('hello')
    const everything = pinnedFetch({ resolve: async () => ['127.0.0.3', '127.0.0.1'] })
    const signal = new AbortController().signal
    const answer = await everything(`https://client.example.com:${server.port}/c`, { headers: {}, signal, allowAddress: () => true })
    expect(await answer.text()).toBe('hello')
  })

  it.each([
    ['one that is private', ['127.0.0.2']],
    ['a public one and a private one', ['127.0.0.1', '127.0.0.2']],
    ['none at all', []],
  ])('is refused before there is a connection, for a name with %s (T48)', async (_, addresses) => {
    const before = [server.connections(), hidden.connections()]
    const { get } = fetchWith(addresses)
    await expect(get()).rejects.toThrow(AddressRefused)
    await expect(get(`http://client.example.com:${hidden.port}/`)).rejects.toThrow(AddressRefused)
    expect([server.connections(), hidden.connections()]).toEqual(before)
  })

  it.each(['http://127.0.0.2', 'http://[::1]', 'http://127.1.1.1', 'http://[::ffff:127.0.0.2]'])(
    'judges the address in %s, and asks no name server (T48)',
    async (origin) => {
      const { get, asked } = fetchWith(['127.0.0.1'])
      await expect(get(`${origin}:${hidden.port}/`)).rejects.toThrow(AddressRefused)
      expect([asked, hidden.connections()]).toEqual([[], 0])
    },
  )

  it('says of a refused host which it was to nobody', async () => {
    const failure = await fetchWith(['127.0.0.2'])
      .get()
      .catch((cause: unknown) => cause)
    expect(String(failure)).toBe('AddressRefused: an address of the host is refused')
  })

  it('follows no redirect (R127, R145)', async () => {
    server.answer = (_, response) => response.writeHead(302, { location: `http://127.0.0.2:${hidden.port}/` }).end()
    const answer = await fetchWith(['127.0.0.1']).get()
    expect(answer.status).toBe(302)
    await answer.body?.cancel()
    expect(hidden.requests).toEqual([])
  })

  it('believes only who can prove the name, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    await expect(fetchWith(['127.0.0.1']).get(`https://other.example.com:${server.port}/`)).rejects.toThrow(/altnames/i)
  })

  it.each(['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'])(
    'uses no proxy, though %s names one (T53)',
    async (name) => {
      vi.stubEnv('NODE_USE_ENV_PROXY', '1')
      vi.stubEnv(name, `http://127.0.0.2:${hidden.port}`)
      server.answer = (_, response) => response.end('hello')
      expect(await (await fetchWith(['127.0.0.1']).get()).text()).toBe('hello')
      expect(hidden.connections()).toBe(0)
    },
  )

  it('gives the bytes as they came, compressed or not (R129)', async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000))
    server.answer = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    const answer = await fetchWith(['127.0.0.1']).get()
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    expect((await answer.arrayBuffer()).byteLength).toBe(bomb.byteLength)
  })

  it.each([204, 205, 304])('has an answer without a body for a %i', async (status) => {
    server.answer = (_, response) => response.writeHead(status).end()
    const answer = await fetchWith(['127.0.0.1']).get()
    expect([answer.status, answer.body]).toEqual([status, null])
  })

  it.each([600, 999])('fails for the status %i, which is none', async (status) => {
    server.answer = (_, response) => response.writeHead(status).end()
    await expect(fetchWith(['127.0.0.1']).get()).rejects.toThrow(TypeError)
  })

  it('opens a connection for each, and leaves none open', async () => {
    server.answer = (_, response) => response.end('hello')
    const before = server.connections()
    for (const _ of [1, 2, 3]) await (await fetchWith(['127.0.0.1']).get()).text()
    expect(server.connections()).toBe(before + 3)
  })
})

describe('a pinned fetch ends with its signal', () => {
  it('while the name is asked for', async () => {
    const controller = new AbortController()
    const fetchPinned = pinnedFetch({
      async resolve() {
        controller.abort(new DOMException('the deadline has passed', 'TimeoutError'))
        return ['127.0.0.1']
      },
    })
    const before = server.connections()
    const url = `https://client.example.com:${server.port}/`
    await expect(fetchPinned(url, { headers: {}, signal: controller.signal, allowAddress })).rejects.toThrow('the deadline has passed')
    expect(server.connections()).toBe(before)
  })

  it('while no answer comes', async () => {
    const { get, controller } = fetchWith(['127.0.0.1'])
    server.answer = () => controller.abort()
    await expect(get()).rejects.toThrow(/abort/i)
  })

  it('in the middle of a body that does not end (R129)', async () => {
    const { get, controller } = fetchWith(['127.0.0.1'])
    server.answer = (_, response) => void response.write('{')
    const answer = await get()
    const reading = answer.text()
    controller.abort()
    await expect(reading).rejects.toThrow()
  })

  it('and with the connection, when a host breaks off', async () => {
    server.answer = (_, response) => response.writeHead(200, { 'content-length': '10' }).write('12345', () => response.destroy())
    const answer = await fetchWith(['127.0.0.1']).get()
    await expect(answer.text()).rejects.toThrow()
  })

  it('fails where nobody listens', async () => {
    await expect(fetchWith(['127.0.0.1']).get(`https://client.example.com:${await freePort()}/`)).rejects.toThrow(/ECONNREFUSED/)
  })
})
