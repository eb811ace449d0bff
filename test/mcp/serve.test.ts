import { EventEmitter, once } from 'node:events'
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigurationError } from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { type ServeBindings, type Served, type ServeOptions, serve } from '@drawbridge/core/node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { freePort } from '../support/free-port.ts'
import { openHouse } from '../support/house.ts'
import { promised } from '../support/promised.ts'
import { openRawSocket, type RawSocket, rawGet } from '../support/raw-socket.ts'
import { type Closeable, closeAll } from './close-all.ts'

const open: Closeable[] = []
afterEach(() => closeAll(open))

/** Requests that stay under way until they are let go, at `/held`, and at `/stream` one that has begun to answer. */
function heldRequests() {
  const { promise: released, keep: release } = promised()
  const begun: string[] = []
  const app = {
    async fetch(request: Request, bindings?: ServeBindings): Promise<Response> {
      const { pathname } = new URL(request.url)
      if (pathname === '/ready') return new Response(null, { status: bindings?.stopping ? 503 : 200 })
      begun.push(pathname)
      if (pathname === '/stream') return new Response(endless())
      if (pathname === '/held') await released
      return new Response('done')
    },
  }
  return { app, begun, release }
}

function endless(): ReadableStream {
  return new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('data: begun\n\n')) })
}

async function start(app: Parameters<typeof serve>[0], options: ServeOptions = {}): Promise<Served> {
  const served = await serve(app, { port: 0, print: () => {}, ...options })
  open.push(served)
  return served
}

async function openMany(count: number, port: number): Promise<RawSocket[]> {
  return Promise.all(Array.from({ length: count }, () => openRawSocket(port)))
}

describe('what is slow to arrive (REL-R26)', () => {
  const form = 'POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n'
  const ways: Record<string, (raw: RawSocket) => void> = {
    'headers that do not come to an end': (raw) => raw.send('POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: '),
    'a body that does not': (raw) => raw.send(`${form}Content-Length: 5000\r\n\r\ngrant_type=`),
    'chunks that do not': (raw) => raw.send(`${form}Transfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n`),
    'nothing at all': () => {},
  }

  it('is given up with 408 on 200 connections, while others are answered', async () => {
    const house = openHouse({ limits: { rateLimit: false } })
    let settled = 0
    const app = {
      async fetch(request: Request): Promise<Response> {
        const answer = await house.call(new URL(request.url).pathname, request)
        settled += 1
        return answer
      },
    }
    const { port, url } = await start(app, { arrivesWithin: 1 })
    const slow = await openMany(200, port)
    const all = Object.values(ways)
    const dribbling = slow.map((raw, index) => {
      all[index % all.length]?.(raw)
      // One byte after the other keeps nobody here.
      return setInterval(() => index % all.length < 2 && raw.socket.writable && raw.send('a'), 100)
    })
    let over = false
    const closed = Promise.all(slow.map((raw) => raw.closed)).finally(() => {
      over = true
    })
    const others: number[] = []
    while (!over) {
      others.push((await fetch(`${url}/.well-known/oauth-authorization-server`)).status)
      await sleep(10)
    }
    await closed
    for (const each of dribbling) clearInterval(each)
    expect(new Set(slow.flatMap((raw) => raw.statuses()))).toEqual(new Set(['408']))
    expect(slow.filter((raw) => raw.statuses().length === 1).length).toBe(200)
    expect(new Set(others)).toEqual(new Set([200]))
    // Those whose headers had come were begun, and are over: half of them.
    expect(settled - others.length).toBe(100)
    expect(new Set(house.events.map((event) => 'reason' in event && event.reason))).toEqual(new Set(['body_broken']))
  })

  it('is only what arrives: an answer may take longer, and so may a stream', async () => {
    const { app, release } = heldRequests()
    const { port } = await start(app, { arrivesWithin: 0.1, grace: 0.1 })
    const [held, stream] = await Promise.all([openRawSocket(port), openRawSocket(port)])
    held.send(rawGet('/held'))
    stream.send(rawGet('/stream'))
    await sleep(500)
    expect([held.text(), stream.statuses(), stream.socket.closed]).toEqual(['', ['200'], false])
    release()
    await vi.waitFor(() => expect(held.statuses()).toEqual(['200']))
  })

  it('is not a connection that waits, which is closed without a word', async () => {
    const { port } = await start({ fetch: () => new Response('done') }, { idleFor: 0.1, arrivesWithin: 60 })
    const idle = await openMany(200, port)
    for (const raw of idle) raw.send(rawGet('/'))
    await Promise.all(idle.map((raw) => raw.closed))
    expect(new Set(idle.map((raw) => `${raw.statuses()} ${raw.error()}`))).toEqual(new Set(['200 undefined']))
  })

  it('has limits that are some: a setting that is no limit is refused', async () => {
    const none = { arrivesWithin: 0, idleFor: -1, grace: Number.NaN, notReadyFor: 10_000 }
    const serving = serve({ fetch: () => new Response() }, { port: 0, print: () => {}, ...none })
    await expect(serving).rejects.toThrow(ConfigurationError)
    await expect(serving).rejects.toMatchObject({
      problems: [
        'arrivesWithin is a number of seconds above 0, 3600 at most',
        'idleFor is a number of seconds above 0, 3600 at most',
        'grace is a number of seconds above 0, 3600 at most',
        'notReadyFor is a number of seconds, 3600 at most',
      ],
    })
  })
})

describe('what is too long to read (REL-R27)', () => {
  /** A server that notes of each request how much was read of its connection when it was answered, and at the end. */
  async function counting() {
    const port = await freePort()
    const { auth } = openHouse({ baseUrl: `http://127.0.0.1:${port}`, limits: { rateLimit: false } })
    const atAnswer: number[] = []
    let read = 0
    const app = mcpApp({
      auth,
      mcp: { fetch: () => new Response('the MCP server') },
      middleware: [
        async (context, next) => {
          const { socket } = context.env.incoming
          socket.once('close', () => {
            read = socket.bytesRead
          })
          await next()
          atAnswer.push(socket.bytesRead)
        },
      ],
    })
    await start(app, { port })
    return { port, atAnswer, read: () => read }
  }

  const piece = 'a'.repeat(64 * 1024)
  const chunk = `${piece.length.toString(16)}\r\n${piece}\r\n`

  /** Sends as much as is taken, of what would never end. */
  async function pour(port: number, head: string, each: string): Promise<RawSocket> {
    const raw = await openRawSocket(port)
    raw.send(`${head}\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n`)
    raw.send(each === chunk ? 'Transfer-Encoding: chunked\r\n\r\n' : 'Content-Length: 1000000000\r\n\r\n')
    while (raw.socket.writable) {
      if (!raw.socket.write(each)) await Promise.race([once(raw.socket, 'drain').catch(() => {}), raw.closed])
    }
    await raw.closed
    return raw
  }

  it.each([
    ['that says so', 'POST /register HTTP/1.1', piece, '413'],
    ['in chunks', 'POST /register HTTP/1.1', chunk, '413'],
    ['of who may not call', 'POST /mcp HTTP/1.1', piece, '401'],
    ['in chunks of who may not call', 'POST /mcp HTTP/1.1', chunk, '401'],
    ['to nobody', 'POST /nowhere HTTP/1.1', piece, '404'],
    ['that a GET has', 'GET /.well-known/oauth-authorization-server HTTP/1.1', piece, '200'],
    ['by a method that is not here', 'PUT /register HTTP/1.1', chunk, '405'],
  ])('a body %s is answered after 64 kB at most, and not read to its end', async (_, head, each, status) => {
    const { port, atAnswer, read } = await counting()
    const raw = await pour(port, head, each)
    expect(raw.statuses()).toEqual([status])
    expect(atAnswer.length).toBe(1)
    expect(atAnswer[0]).toBeLessThanOrEqual(64 * 1024)
    await vi.waitFor(() => expect(read()).toBeGreaterThan(0))
    // Node reads pieces of 64 kB, and some are in its hands when it is told to stop.
    expect(read()).toBeLessThanOrEqual(8 * 64 * 1024)
  })

  it('a body that is shorter than it says, or longer, costs its own connection and no other', async () => {
    const { port, atAnswer } = await counting()
    const lies = await openMany(2, port)
    const head = `POST /register HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n`
    lies[0]?.send(`${head}Content-Length: 500\r\n\r\n{"redirect_uris"`)
    lies[0]?.socket.end()
    lies[1]?.send(`${head}Content-Length: 2\r\n\r\n{}{"redirect_uris":["http://127.0.0.1/"]}`)
    await Promise.all(lies.map((raw) => raw.closed))
    expect(lies.map((raw) => raw.statuses().join())).toEqual(['400', '400'])
    await vi.waitFor(() => expect(atAnswer.length).toBe(2))
  })

  it('a connection whose rest is short is used again', async () => {
    const { port } = await counting()
    const raw = await openRawSocket(port)
    raw.send(`POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 20000\r\n\r\n`)
    await vi.waitFor(() => expect(raw.statuses()).toEqual(['401']))
    raw.send('a'.repeat(20_000))
    raw.send(rawGet('/.well-known/oauth-authorization-server').replace('127.0.0.1', `127.0.0.1:${port}`))
    await vi.waitFor(() => expect(raw.statuses()).toEqual(['401', '200']))
    raw.socket.destroy()
  })
})

describe('a server that closes (REL-R30)', () => {
  it('finishes 200 requests under way, and answers what comes on open connections with 503 and the end of each', async () => {
    const { app, begun, release } = heldRequests()
    const served = await start(app, { idleFor: 60 })
    const [busy, waiting] = await Promise.all([openMany(200, served.port), openMany(20, served.port)])
    for (const raw of busy) raw.send(rawGet('/held'))
    for (const raw of waiting) raw.send(rawGet('/'))
    await vi.waitFor(() => expect(begun.length).toBe(220))
    await vi.waitFor(() => expect(waiting.map((raw) => raw.statuses().join())).toEqual(Array(20).fill('200')))
    const closed = served.close()
    await vi.waitFor(() => expect(openRawSocket(served.port)).rejects.toThrow('ECONNREFUSED'))
    for (const [index, raw] of waiting.entries()) raw.send(rawGet(['/', '/ready', '/.well-known/jwks.json'][index % 3] ?? ''))
    await Promise.all(waiting.map((raw) => raw.closed))
    // The application saw none of them.
    expect(begun.length).toBe(220)
    expect(new Set(waiting.map((raw) => `${raw.statuses()} ${raw.error()}`))).toEqual(new Set(['200,503 undefined']))
    release()
    await Promise.all(busy.map((raw) => raw.closed))
    await closed
    expect(new Set(busy.map((raw) => `${raw.statuses()} ${raw.error()}`))).toEqual(new Set(['200 undefined']))
    for (const raw of busy) expect(raw.text()).toMatch(/\r\nconnection: close\r\n/i)
  })

  it('says 503 in JSON to programs, with no challenge, and by a page to people', async () => {
    const { app, begun, release } = heldRequests()
    const served = await start(app, { idleFor: 60 })
    const agents = ['application/json', 'text/html'].map((accept) => ({ accept, agent: new Agent({ keepAlive: true, maxSockets: 1 }) }))
    for (const { agent } of agents) await answerOf(served.url, { agent })
    const held = answerOf(`${served.url}/held`)
    await vi.waitFor(() => expect(begun).toContain('/held'))
    const closed = served.close()
    const [program, person] = await Promise.all(
      agents.map(({ accept, agent }) => answerOf(`${served.url}/authorize`, { agent, headers: { accept } })),
    )
    release()
    await Promise.all([held, closed])
    const { date, 'content-length': _, ...headers } = program?.headers ?? {}
    expect(date).toBeDefined()
    expect([program?.status, headers, JSON.parse(program?.body ?? '')]).toEqual([
      503,
      {
        'access-control-allow-origin': '*',
        'cache-control': 'no-store',
        connection: 'close',
        'content-type': 'application/json',
        'retry-after': '2',
      },
      { error: 'temporarily_unavailable', error_description: 'The server is stopping. Try again shortly.' },
    ])
    expect([person?.status, person?.headers.connection, person?.headers['retry-after'], person?.headers['cache-control']]).toEqual([
      503,
      'close',
      '2',
      'no-store',
    ])
    expect(person?.body).toContain('<h1>Not available at the moment</h1>\n<p>The server is stopping. Try again shortly.</p>')
    expect(person?.body).toContain('<a class="go" href="">Try again</a>')
    expect(person?.headers['content-security-policy']).toContain("default-src 'none'")
  })

  it('answers what has come already, though nothing is under way', async () => {
    const served = await start({ fetch: () => new Response('done') })
    const raw = await openRawSocket(served.port)
    raw.send(rawGet('/'))
    await vi.waitFor(() => expect(raw.statuses()).toEqual(['200']))
    raw.send(rawGet('/'))
    await served.close()
    await raw.closed
    expect([raw.statuses(), raw.error()]).toEqual([['200', '503'], undefined])
  })

  it('lets an answer leave that takes its time', async () => {
    const long = 'a'.repeat(16 * 1024 * 1024)
    const served = await start({ fetch: () => new Response(long) })
    const reader = await openRawSocket(served.port)
    reader.send(rawGet('/long'))
    await vi.waitFor(() => expect(reader.statuses()).toEqual(['200']))
    reader.socket.pause()
    const closed = served.close()
    await vi.waitFor(() => expect(openRawSocket(served.port)).rejects.toThrow('ECONNREFUSED'))
    reader.socket.resume()
    await closed
    await reader.closed
    expect(reader.text().length).toBeGreaterThan(long.length)
  })

  it('waits for nobody who has sent nothing, or half a request', async () => {
    const served = await start({ fetch: () => new Response('done') }, { grace: 3600, arrivesWithin: 3600, idleFor: 3600 })
    const [silent, half, waiting] = await openMany(3, served.port)
    half?.send('GET / HTTP/1.1\r\nHost:')
    waiting?.send(rawGet('/'))
    await vi.waitFor(() => expect(waiting?.statuses()).toEqual(['200']))
    await served.close()
    await Promise.all([silent?.closed, half?.closed, waiting?.closed])
  })

  it('cuts off what does not end in time: streams, and requests that nobody answers', async () => {
    const { app, begun, release } = heldRequests()
    const served = await start(app, { grace: 0.2 })
    const [stream, held] = await openMany(2, served.port)
    stream?.send(rawGet('/stream'))
    held?.send(rawGet('/held'))
    await vi.waitFor(() => expect(begun.length).toBe(2))
    await served.close()
    await Promise.all([stream?.closed, held?.closed])
    expect([stream?.statuses(), held?.statuses()]).toEqual([['200'], []])
    release()
  })

  it('waits for requests whose connection has gone: what they are at needs the store', async () => {
    const { app, begun, release } = heldRequests()
    const closing = vi.fn(async () => {})
    const served = await start(app, { closing })
    const raw = await openRawSocket(served.port)
    // The second has to wait for the first, and goes with it.
    raw.send(rawGet('/held') + rawGet('/held'))
    await vi.waitFor(() => expect(begun.length).toBe(2))
    raw.socket.destroy()
    const closed = served.close()
    await sleep(100)
    expect(closing).not.toHaveBeenCalled()
    release()
    await closed
    expect(closing).toHaveBeenCalledOnce()
  })

  it('is not ready at once, and serves as long as `notReadyFor` says, connection by connection', async () => {
    const house = openHouse()
    const mcp = { fetch: () => new Response('the MCP server') }
    const served = await start(mcpApp({ auth: house.auth, mcp, health: true }), { notReadyFor: 1 })
    const status = async (path: string) => {
      const answer = await answerOf(served.url + path, { headers: { host: 'localhost:8000' } })
      return `${answer.status} ${answer.headers.connection} ${path === '/ready' ? answer.body : ''}`.trim()
    }
    expect([await status('/ready'), await status('/health')]).toEqual(['200 keep-alive {"status":"ready"}', '200 keep-alive'])
    const closed = served.close()
    expect(await status('/ready')).toEqual('503 close {"status":"stopping"}')
    expect([await status('/health'), await status('/.well-known/oauth-authorization-server')]).toEqual(['200 close', '200 close'])
    await closed
    await expect(status('/health')).rejects.toThrow('ECONNREFUSED')
  })

  it('rejects when closing does, and when closing does not end', async () => {
    const failing = await serve(
      { fetch: () => new Response() },
      { port: 0, print: () => {}, closing: () => Promise.reject(new Error('no')) },
    )
    await expect(failing.close()).rejects.toThrow('no')
    const { promise: began, keep: begin } = promised()
    const never = () => {
      begin()
      return new Promise<void>(() => {})
    }
    const lasting = await serve({ fetch: () => new Response() }, { port: 0, print: () => {}, closing: never })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const closed = lasting.close()
    await began
    vi.advanceTimersByTime(25_000)
    vi.useRealTimers()
    await expect(closed).rejects.toThrow('closing did not end within 25 s')
  })
})

it('a connection that cannot be taken is a warning, and ends no process (REL-R32)', async () => {
  let incoming: IncomingMessage | undefined
  const served = await start({
    fetch(_, bindings) {
      incoming = bindings?.incoming
      return new Response('done')
    },
  })
  await answerOf(served.url)
  const warned = once(process, 'warning')
  // Where the sockets of an HTTP server say whose they are.
  const { server } = z.object({ server: z.instanceof(EventEmitter) }).parse(incoming?.socket)
  server.emit('error', new Error('accept EMFILE'))
  expect(await warned).toMatchObject([{ message: 'accept EMFILE' }])
  expect((await answerOf(served.url)).status).toBe(200)
})

describe('a server that is closed (REL-R30)', () => {
  it('is not ready any more', async () => {
    const { auth } = openHouse()
    await auth.ready()
    await auth.close()
    await expect(auth.ready()).rejects.toThrow('The server is closing.')
  })
})

/** An answer over a connection that the agent keeps; without one, over a new one that is offered for more. */
function answerOf(url: string, { agent, headers }: { agent?: Agent; headers?: Record<string, string> } = {}) {
  return new Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
    const sent = request(url, { agent: agent ?? new Agent({ keepAlive: true }), ...(headers && { headers }) }, async (answer) =>
      resolve({ status: answer.statusCode, headers: answer.headers, body: await text(answer) }),
    )
    sent.on('error', reject).end()
  })
}
