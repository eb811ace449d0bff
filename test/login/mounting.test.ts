import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { authRoutes, mcpApp, requireAuth, wellKnownRoutes, withPrefix } from '@drawbridge/core/hono'
import { nodeHandler, requireAuth as requireAuthOnNode } from '@drawbridge/core/node'
import { openBrowser } from '@drawbridge/quickstart/driver'
import express from 'express'
import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { challenge, type House, openHouse, redirectUri, verifier } from '../support/house.ts'

/** An MCP server that says who called it, and how. */
const mcp = {
  fetch: (request: Request, { authInfo }: { authInfo: { extra: { subject: string } } }) =>
    Response.json({ method: request.method, path: new URL(request.url).pathname, subject: authInfo.extra.subject }),
}

/** How the outside reaches an application that stands where `baseUrl` says. */
type Reach = (request: Request) => Response | Promise<Response>

const upstreamOrigin = 'http://127.0.0.1:9999'

/** Everything a client does, knowing nothing but the MCP endpoint's URL; answers what the MCP server said. */
async function walk({ github }: House, reach: Reach, mcpUrl: string): Promise<unknown> {
  const call = async (url: string, init?: RequestInit): Promise<Response> =>
    url.startsWith(upstreamOrigin) ? github.app.request(url, init) : reach(new Request(url, init))
  const json = async (url: string): Promise<Record<string, string>> => (await call(url)).json()
  const post = (url: string, body: string | URLSearchParams, type?: string): Promise<Response> =>
    call(url, { method: 'POST', body, ...(type && { headers: { 'content-type': type } }) })

  const refused = await post(mcpUrl, '{}', 'application/json')
  expect(refused.status).toBe(401)
  const [, metadataUrl = ''] = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '') ?? []
  const { resource, authorization_servers: [issuer = ''] = [] } = await json(metadataUrl)
  expect(resource).toBe(mcpUrl)

  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const server = await json(`${origin}/.well-known/oauth-authorization-server${path}`)
  expect(await json(`${origin}/.well-known/openid-configuration${path}`)).toEqual(server)
  if (path !== '') expect(await json(`${issuer}/.well-known/openid-configuration`)).toEqual(server)
  expect(server.issuer).toBe(issuer)
  const {
    authorization_endpoint: authorize = '',
    token_endpoint: token = '',
    revocation_endpoint: revoke = '',
    jwks_uri: jwks = '',
  } = server
  const { registration_endpoint: register = '' } = server
  expect((await call(jwks)).status).toBe(200)

  const registered = await post(register, JSON.stringify({ client_name: 'A walker', redirect_uris: [redirectUri] }), 'application/json')
  expect(registered.status).toBe(201)
  const { client_id: clientId = '' }: Record<string, string> = await registered.json()
  const person = openBrowser({ stopAt: redirectUri, fetch: call })
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'a + b',
  })
  const end = await person.press(await person.press(await person.open(`${authorize}?${query}`), 'Allow'), 'Sign in', { login: 'octocat' })
  const answer = new URL(end.url).searchParams
  expect([answer.get('state'), answer.getAll('iss')]).toEqual(['a + b', [issuer]])

  const form = { grant_type: 'authorization_code', client_id: clientId, code: answer.get('code') ?? '', code_verifier: verifier }
  const redeemed = await post(token, new URLSearchParams(form))
  expect(redeemed.status).toBe(200)
  const { access_token: accessToken = '', refresh_token: refreshToken = '' }: Record<string, string> = await redeemed.json()
  const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' }
  const called = await call(mcpUrl, { method: 'POST', headers, body: '{}' })
  expect(called.status).toBe(200)
  expect((await post(revoke, new URLSearchParams({ client_id: clientId, token: refreshToken }))).status).toBe(200)
  expect((await call(mcpUrl, { method: 'POST', headers, body: '{}' })).status).toBe(401)
  return called.json()
}

const api = 'http://localhost:8000/api'

/** What every application below has beside us. */
function existing(): Hono {
  return new Hono().get('/api/status', (context) => context.text('all is well'))
}

describe('in Hono', () => {
  it('is the application, at the root', async () => {
    const house = openHouse()
    const app = mcpApp({ auth: house.auth, mcp })
    expect(await walk(house, app.fetch, 'http://localhost:8000/mcp')).toEqual({ method: 'POST', path: '/mcp', subject: '583231' })
  })

  it('is the application, where baseUrl has a path', async () => {
    const house = openHouse({ baseUrl: api })
    const app = mcpApp({ auth: house.auth, mcp })
    expect(await walk(house, app.fetch, `${api}/mcp`)).toEqual({ method: 'POST', path: '/api/mcp', subject: '583231' })
  })

  it('is mounted with app.route under /api, the documents at the root', async () => {
    const house = openHouse({ baseUrl: api, issuerUrl: 'http://localhost:8000' })
    const app = new Hono().route('/', wellKnownRoutes(house.auth)).route('/api', mcpApp({ auth: house.auth, mcp }))
    expect(await walk(house, app.fetch, `${api}/mcp`)).toEqual({ method: 'POST', path: '/api/mcp', subject: '583231' })
  })

  it('is mounted two levels deep', async () => {
    const house = openHouse({ baseUrl: 'http://localhost:8000/v1/tools' })
    const inner = new Hono().route('/tools', mcpApp({ auth: house.auth, mcp }))
    const app = new Hono().route('/', wellKnownRoutes(house.auth)).route('/v1', inner)
    expect(await walk(house, app.fetch, 'http://localhost:8000/v1/tools/mcp')).toMatchObject({ path: '/v1/tools/mcp' })
  })

  it('is mounted with app.mount, which strips the prefix', async () => {
    const house = openHouse({ baseUrl: api })
    const inner = mcpApp({ auth: house.auth, mcp })
    const app = new Hono().route('/', wellKnownRoutes(house.auth)).mount('/api', withPrefix('/api', inner.fetch))
    expect(await walk(house, app.fetch, `${api}/mcp`)).toMatchObject({ path: '/api/mcp' })
  })

  it('lives in an API that was there before, on either side of its routes', async () => {
    const house = openHouse({ baseUrl: api, issuerUrl: 'http://localhost:8000' })
    const ours = mcpApp({ auth: house.auth, mcp })
    const before = new Hono().route('/', existing()).route('/', wellKnownRoutes(house.auth)).route('/api', ours)
    const after = new Hono().route('/', wellKnownRoutes(house.auth)).route('/api', ours).route('/', existing())
    for (const app of [before, after]) {
      expect(await (await app.request('/api/status')).text()).toBe('all is well')
      expect((await app.request('/api/nothing')).status).toBe(404)
      await walk(house, app.fetch, `${api}/mcp`)
    }
  })

  it('is taken apart: our routes, the documents, and a gate of its own', async () => {
    const house = openHouse({ baseUrl: api })
    const app = new Hono()
      .use(authRoutes(house.auth))
      .all('/api/mcp', requireAuth(house.auth), (context) => context.json({ subject: context.get('auth').extra.subject }))
    expect(await walk(house, app.fetch, `${api}/mcp`)).toEqual({ subject: '583231' })
  })

  it('is listed route by route, as data', async () => {
    const house = openHouse({ baseUrl: api })
    const app = new Hono()
    for (const { method, path, handler } of house.auth.getRoutes('/mcp'))
      app.on(method, `/api${path}`, (context) => handler(context.req.raw))
    for (const { method, path, handler } of house.auth.getWellKnownRoutes('/mcp'))
      app.on(method, path, (context) => handler(context.req.raw))
    app.all('/api/mcp', requireAuth(house.auth), (context) => context.json({ subject: context.get('auth').extra.subject }))
    expect(await walk(house, app.fetch, `${api}/mcp`)).toEqual({ subject: '583231' })
  })

  it('gives the documents and nothing else to wellKnownRoutes', async () => {
    const house = openHouse({ baseUrl: api })
    const app = wellKnownRoutes(house.auth)
    const paths = [
      '/.well-known/oauth-authorization-server/api',
      '/.well-known/oauth-protected-resource/api/mcp',
      '/api/token',
      '/token',
      '/api/mcp',
    ]
    expect(await Promise.all(paths.map(async (path) => (await app.request(path)).status))).toEqual([200, 200, 404, 404, 404])
  })
})

describe('the MCP endpoint', () => {
  it('is served with one slash more, without a redirect', async () => {
    const house = openHouse({ baseUrl: api })
    const { tokens } = await house.login()
    const app = mcpApp({ auth: house.auth, mcp })
    const init = { method: 'POST', headers: { authorization: `Bearer ${tokens.access_token}` }, body: '{}' }
    const [plain, slash] = await Promise.all([app.request(`${api}/mcp`, init), app.request(`${api}/mcp/`, init)])
    expect([plain.status, slash.status]).toEqual([200, 200])
    expect(await slash.json()).toEqual({ method: 'POST', path: '/api/mcp/', subject: '583231' })
    const bare = await Promise.all([`${api}/mcp`, `${api}/mcp/`].map((url) => app.request(url, { method: 'POST' })))
    expect(bare.map(({ status }) => status)).toEqual([401, 401])
    expect(bare[0]?.headers.get('www-authenticate')).toBe(bare[1]?.headers.get('www-authenticate'))
  })

  it('is behind the gate by every method and every spelling it answers to (R40, T72)', async () => {
    const house = openHouse({ baseUrl: api })
    const app = mcpApp({ auth: house.auth, mcp })
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      for (const path of ['/mcp', '/mcp/'])
        expect({ method, path, status: (await app.request(`${api}${path}`, { method })).status }).toEqual({ method, path, status: 401 })
    for (const path of ['/mcp//', '//mcp', '/MCP', '/m%63p', '/mcp/x', '/%2fmcp'])
      expect({ path, status: (await app.request(`${api}${path}`)).status }).toEqual({ path, status: 404 })
  })

  it('has several of them, each with a resource and a challenge of its own', async () => {
    const house = openHouse({ mcpPath: ['/mcp', '/other'] })
    const app = new Hono()
      .route('/', mcpApp({ auth: house.auth, mcp, mcpPath: '/mcp' }))
      .route('/', mcpApp({ auth: house.auth, mcp, mcpPath: '/other' }))
    const challenges = await Promise.all(
      ['/mcp', '/other'].map(async (path) => (await app.request(`http://localhost:8000${path}`)).headers.get('www-authenticate')),
    )
    expect(challenges).toEqual([
      'Bearer scope="user", resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp"',
      'Bearer scope="user", resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/other"',
    ])
  })
})

describe('health', () => {
  it('says that the process is up, and that the store can be reached', async () => {
    const store = countedStore()
    const house = openHouse({ baseUrl: api, clientStorage: store })
    const app = mcpApp({ auth: house.auth, mcp, health: true })
    const ask = async (path: string): Promise<[number, unknown]> => {
      const answer = await app.request(`${api}${path}`)
      return [answer.status, await answer.json()]
    }
    expect([await ask('/health'), await ask('/ready')]).toEqual([
      [200, { status: 'up' }],
      [200, { status: 'ready' }],
    ])
    store.fail(true)
    expect([await ask('/health'), await ask('/ready')]).toEqual([
      [200, { status: 'up' }],
      [503, { status: 'not ready' }],
    ])
    store.fail(false)
    expect((await ask('/ready'))[0]).toBe(200)
  })

  it('is not there unless asked for', async () => {
    const app = mcpApp({ auth: openHouse().auth, mcp })
    expect([(await app.request('http://localhost:8000/health')).status, (await app.request('http://localhost:8000/ready')).status]).toEqual(
      [404, 404],
    )
  })
})

describe('on node:http', () => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  /** Serves on a free port; the outside reaches it under the public URL. */
  async function serve(listener: RequestListener): Promise<Reach> {
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    return async (request) => {
      const { pathname, search } = new URL(request.url)
      const body = request.body === null ? undefined : await request.text()
      const url = `http://127.0.0.1:${port}${pathname}${search}`
      return fetch(url, { method: request.method, headers: request.headers, redirect: 'manual', ...(body !== undefined && { body }) })
    }
  }

  /** An Express application with us under /api and at /.well-known, and a route of its own. */
  function expressApp(house: House, ...parsers: express.RequestHandler[]): express.Express {
    const app = express()
    for (const parser of parsers) app.use(parser)
    app.use('/api', nodeHandler(house.auth))
    app.use('/.well-known', nodeHandler(house.auth))
    app.all('/api/mcp', requireAuthOnNode(house.auth), (request, response) => {
      response.json({ subject: request.auth?.extra?.subject })
    })
    app.get('/api/status', (_request, response) => {
      response.send('all is well')
    })
    return app
  }

  const parsers: readonly { title: string; parsers: express.RequestHandler[] }[] = [
    { title: 'no parser', parsers: [] },
    { title: 'express.json() and express.urlencoded()', parsers: [express.json(), express.urlencoded()] },
    { title: 'express.urlencoded({ extended: true })', parsers: [express.urlencoded({ extended: true }), express.json()] },
    { title: 'express.raw() for everything', parsers: [express.raw({ type: '*/*' })] },
    { title: 'express.text() for everything', parsers: [express.text({ type: '*/*' })] },
  ]

  it.each(parsers)('is mounted in Express under /api, after $title', async ({ parsers: before }) => {
    const house = openHouse({ baseUrl: api })
    const reach = await serve(expressApp(house, ...before))
    expect(await walk(house, reach, `${api}/mcp`)).toEqual({ subject: '583231' })
    expect(await (await reach(new Request(`${api}/status`))).text()).toBe('all is well')
    expect((await reach(new Request(`${api}/nothing`))).status).toBe(404)
  })

  it.each(parsers)('refuses what is refused elsewhere, after $title', async ({ parsers: before }) => {
    const house = openHouse({ baseUrl: api })
    const reach = await serve(expressApp(house, ...before))
    const send = async (path: string, body: string, type: string): Promise<[number, unknown]> => {
      const answer = await reach(new Request(`${api}${path}`, { method: 'POST', body, headers: { 'content-type': type } }))
      return [answer.status, await answer.json()]
    }
    const form = 'application/x-www-form-urlencoded'
    expect(await send('/token', 'grant_type=x&grant_type=y&client_id=z', form)).toEqual([
      400,
      { error: 'invalid_request', error_description: expect.any(String) },
    ])
    expect(await send('/token', 'grant_type=authorization_code&client_id=z&code=a&code_verifier=b', form)).toEqual([
      401,
      { error: 'invalid_client', error_description: 'The client is unknown or did not authenticate as it registered.' },
    ])
    expect(await send('/register', '{}', 'application/json')).toEqual([
      400,
      { error: 'invalid_redirect_uri', error_description: 'The field redirect_uris is missing or not as RFC 7591 has it.' },
    ])
    expect(await send('/register', '[1]', 'application/json')).toEqual([
      400,
      { error: 'invalid_client_metadata', error_description: 'The body is not a JSON object.' },
    ])
  })

  it('is the whole server, and answers 404 for what is not ours', async () => {
    const house = openHouse()
    const handler = nodeHandler(house.auth)
    const gate = requireAuthOnNode(house.auth)
    const reach = await serve((request, response) =>
      request.url === '/mcp'
        ? gate(request, response, () => response.setHeader('content-type', 'application/json').end('"in"'))
        : handler(request, response),
    )
    expect(await walk(house, reach, 'http://localhost:8000/mcp')).toBe('in')
    expect((await reach(new Request('http://localhost:8000/nothing'))).status).toBe(404)
  })

  it('sees a header that was sent twice as two, and refuses it', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const server = createServer((request, response) => requireAuthOnNode(house.auth)(request, response, () => response.end('in')))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const { port } = server.address() as AddressInfo
    const { request } = await import('node:http')
    const statusWith = (authorization: string[]): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = ['host', 'localhost:8000', ...authorization.flatMap((value) => ['authorization', value])]
        const sent = request({ host: '127.0.0.1', port, path: '/mcp', headers, agent: false }, (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        })
        sent.on('error', reject)
        sent.end()
      })
    const good = `Bearer ${tokens.access_token}`
    expect([await statusWith([good]), await statusWith([good, good]), await statusWith([good, 'Bearer x'])]).toEqual([200, 400, 400])
  })
})
