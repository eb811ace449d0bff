import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mcpApp } from '@drawbridge/core/hono'
import { nodeHandler, requireAuth, serve } from '@drawbridge/core/node'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type House, openHouse } from '../support/house.ts'
import { openTab } from '../support/tab.ts'
import { watchedStore } from '../support/watched-store.ts'

const mcp = { fetch: () => new Response('the MCP server') }

/** What a page would send whose own name has come to mean this machine: its requests are same-origin, so a GET has no `Origin`. */
const rebound = { host: 'evil.test:8000', origin: 'http://evil.test:8000', 'content-type': 'application/json' }

const refusal = { error: 'invalid_request', error_description: 'This server does not answer to that name.' }

/** Names of this machine, and names that only look like one. */
const ours = ['localhost:8000', 'localhost', '127.0.0.1:8000', '127.0.0.1:3999', '[::1]:8000', 'LOCALHOST:8000']
const foreign = [
  'evil.test',
  'evil.test:8000',
  'localhost.evil.test',
  'evil.localhost',
  'localhost.',
  '127.0.0.1.evil.test',
  '127.0.0.2',
  '192.168.0.7:8000',
  '0.0.0.0:8000',
  'localhost@evil.test',
  'evil.test/localhost',
  ' ',
  'localhost:8000, evil.test',
]

async function ask(house: House, path: string, init: RequestInit): Promise<[number, unknown]> {
  const answer = (await house.auth.fetch(new Request(`http://localhost:8000${path}`, init))) ?? new Response('none', { status: 404 })
  return [answer.status, answer.status === 421 ? await answer.json() : undefined]
}

describe('a server on loopback', () => {
  it.each(ours)('answers to %s (T84)', async (host) => {
    expect(await ask(openHouse(), '/.well-known/jwks.json', { headers: { host } })).toEqual([200, undefined])
  })

  it.each(foreign)('does not answer to %j: 421, and the operator is told (T84)', async (host) => {
    const house = openHouse()
    expect(await ask(house, '/.well-known/jwks.json', { headers: { host } })).toEqual([421, refusal])
    expect(house.events).toEqual([
      { type: 'request.refused', endpoint: 'front', error: 'invalid_request', reason: 'host_foreign', at: 1_767_268_800 },
    ])
  })

  it('goes by the URL where a host hands on no Host header (T84)', async () => {
    const { auth } = openHouse()
    const statusOf = async (url: string) => (await auth.fetch(new Request(url)))?.status
    expect([await statusOf('http://evil.test:8000/authorize'), await statusOf('http://127.0.0.1:8000/authorize')]).toEqual([421, 400])
  })

  it('refuses on every route and every method, before anything is looked at, written or counted (T84)', async () => {
    const store = watchedStore(openHouse().store)
    const house = openHouse({ clientStorage: store, limits: { rateLimit: () => Promise.reject(new Error('it was counted')) } })
    const routes = [...house.auth.getRoutes(), ...house.auth.getWellKnownRoutes()]
    expect(routes.length).toBeGreaterThan(20)
    for (const { method, path, handler } of routes) {
      const url = `http://localhost:8000${path}`
      const body = method === 'POST' ? { body: JSON.stringify({ redirect_uris: ['http://127.0.0.1/'] }) } : {}
      const answer = await handler(new Request(url, { method, headers: rebound, ...body }))
      expect([path, method, answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([path, method, 421, null])
    }
    expect(store.written).toEqual([])
  })

  it('takes no token there either, however good (T84)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const headers = { ...rebound, authorization: `Bearer ${tokens.access_token}` }
    const who = await house.auth.authenticate(new Request('http://localhost:8000/mcp', { method: 'POST', headers, body: '{}' }))
    expect(who instanceof Response && [who.status, await who.json()]).toEqual([421, refusal])
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })
})

describe('a public server', () => {
  it('is served whatever a proxy makes of Host: its URLs come from its options (T84, T85)', async () => {
    const house = openHouse({ baseUrl: 'https://mcp.example.com' })
    for (const host of ['10.0.0.7:3000', 'mcp.internal', 'localhost:8000']) {
      const answer = await house.auth.fetch(new Request(`http://${host}/.well-known/oauth-authorization-server`, { headers: { host } }))
      expect([answer?.status, await answer?.json()]).toEqual([200, house.auth.oauthMetadata])
    }
    const who = await house.auth.authenticate(new Request('http://10.0.0.7:3000/mcp', { headers: { host: '10.0.0.7:3000' } }))
    expect(who instanceof Response && who.status).toBe(401)
  })
})

/** What comes over a socket, where `Host` is what a browser makes of the URL in its address bar. */
function overSocket(port: number, method: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode))
    })
    sent.on('error', reject)
    sent.end(method === 'POST' ? '{}' : undefined)
  })
}

describe('a page whose name resolves to this machine', () => {
  const attempts = [
    'POST /mcp',
    'GET /mcp',
    'GET /authorize',
    'POST /register',
    'POST /token',
    'GET /.well-known/oauth-authorization-server',
  ]

  async function statuses(port: number, { origin, ...headers }: Record<string, string>): Promise<(number | undefined)[]> {
    const all: (number | undefined)[] = []
    for (const attempt of attempts) {
      const [method = '', path = ''] = attempt.split(' ')
      all.push(await overSocket(port, method, path, { ...headers, ...(method === 'POST' && origin !== undefined && { origin }) }))
    }
    return all
  }

  it('reaches nothing of mcpApp under serve (T84, R44)', async () => {
    const port = await freePort()
    const { auth } = openHouse({ baseUrl: `http://localhost:${port}` })
    const served = await serve(mcpApp({ auth, mcp, health: true }), { port, print: () => {} })
    // The preflight and the POST to the MCP endpoint fall at their Origin already.
    expect(await statuses(port, { ...rebound, host: `evil.test:${port}` })).toEqual([403, 421, 421, 421, 421, 421])
    expect(await statuses(port, { host: `localhost:${port}`, 'content-type': 'application/json' })).toEqual([401, 401, 400, 400, 400, 200])
    await served.close()
  })

  it('reaches nothing behind nodeHandler and requireAuth (T84)', async () => {
    const { auth } = openHouse()
    const [handler, gate] = [nodeHandler(auth), requireAuth(auth)]
    const server = createServer((request, response) =>
      request.url === '/mcp' ? gate(request, response, () => response.end('in')) : handler(request, response),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    expect(await statuses(port, rebound)).toEqual([421, 421, 421, 421, 421, 421])
    expect(await statuses(port, { host: `127.0.0.1:${port}`, 'content-type': 'application/json' })).toEqual([401, 401, 400, 400, 400, 200])
    server.closeAllConnections()
    server.close()
  })
})

describe('the MCP endpoint of mcpApp', () => {
  const knock = async (baseUrl: string, origin: string, origins?: readonly string[]): Promise<number> => {
    const { auth } = openHouse({ baseUrl })
    const app = mcpApp({ auth, mcp, ...(origins && { cors: { origins } }) })
    return (await app.request(`${baseUrl}/mcp`, { method: 'POST', headers: { origin } })).status
  }

  it('takes calls of pages on loopback alone where it is on loopback (T84, R44)', async () => {
    const pages = ['http://localhost:6274', 'https://127.0.0.1', 'http://evil.test:8000', 'https://localhost.evil.test', 'null', '']
    expect(await Promise.all(pages.map((page) => knock('http://localhost:8000', page)))).toEqual([401, 401, 403, 403, 403, 403])
  })

  it('takes calls of the pages that the operator names, and of no other (R44)', async () => {
    const named = ['https://app.example']
    expect(await knock('http://localhost:8000', 'https://app.example', named)).toBe(401)
    expect(await knock('https://mcp.example.com', 'https://app.example', named)).toBe(401)
    expect(await knock('https://mcp.example.com', 'https://other.example', named)).toBe(403)
  })

  it('takes a token from any page where it is public: what it needs is the token (R44)', async () => {
    expect(await knock('https://mcp.example.com', 'https://any.example')).toBe(401)
  })

  it('shows its challenge to a page that may call, and to no other (R44)', async () => {
    const { auth } = openHouse()
    const app = mcpApp({ auth, mcp })
    const shown = async (origin: string) => {
      const { headers } = await app.request('http://localhost:8000/mcp', { method: 'POST', headers: { origin } })
      return [headers.get('access-control-allow-origin'), headers.get('access-control-expose-headers'), headers.get('www-authenticate')]
    }
    const challenge = expect.stringMatching(/^Bearer /)
    expect(await shown('http://localhost:6274')).toEqual([
      'http://localhost:6274',
      'mcp-session-id,mcp-protocol-version,www-authenticate,dpop-nonce,x-request-id',
      challenge,
    ])
    expect(await shown('https://evil.example')).toEqual([null, null, null])
  })
})

it('a whole login goes through by any name of this machine (T84)', async () => {
  const house = openHouse({ baseUrl: 'http://127.0.0.1:8000' })
  const clientId = await house.register()
  const page = await openTab(house).open(house.authorizeUrl(clientId), { host: '127.0.0.1:8000' })
  expect(page.status).toBe(200)
  expect((await house.login()).tokens.token_type).toBe('Bearer')
})
