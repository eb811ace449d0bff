import { createServer, request as nodeRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { type McpAppOptions, mcpApp, requireAuth as requireAuthInHono } from '@drawbridge/core/hono'
import { requireAuth as requireAuthInNode, serve } from '@drawbridge/core/node'
import express from 'express'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { type House, openHouse, type TokenAnswer } from '../support/house.ts'

const metadata = 'http://localhost:8000/.well-known/oauth-protected-resource/mcp'
const insufficient = 'The access token was not granted what this needs.'
const options = { clients: { validScopes: ['repo', 'gist', 'admin'] }, scopes: { includes: { admin: ['repo'] } } }
const toolScopes = { delete_repo: ['repo'], write_gist: ['gist'], whoami: [] }

const call = (name: unknown) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } })

async function tokenOf(house: House, scope: string): Promise<string> {
  const clientId = await house.register()
  const end = await house.signIn(clientId, { scope })
  const tokens: TokenAnswer = await (await house.redeem(clientId, end.searchParams.get('code') ?? '')).json()
  return tokens.access_token
}

/** An MCP server that keeps what it is sent. */
function keepingMcp(): McpAppOptions['mcp'] & { readonly bodies: string[] } {
  const bodies: string[] = []
  return {
    bodies,
    async fetch(request) {
      bodies.push(await request.text())
      return Response.json({})
    },
  }
}

function open(more: Partial<McpAppOptions> = {}) {
  const house = openHouse(options)
  const mcp = keepingMcp()
  const app = mcpApp({ auth: house.auth, mcp, toolScopes, ...more })
  const post = async (token: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
    app.fetch(
      new Request('http://localhost:8000/mcp', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        body,
      }),
    )
  return { house, mcp, post }
}

const scopeOf = (answer: Response) => [answer.status, /scope="([^"]*)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1]]

describe('a call of a tool that needs more than was granted', () => {
  it('is 403, with everything it needs in one challenge, and the server does not see it (R30, R31, R32)', async () => {
    const { house, mcp, post } = open()
    const answer = await post(await tokenOf(house, 'user'), JSON.stringify(call('delete_repo')))
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", scope="user repo", resource_metadata="${metadata}", error_description="${insufficient}"`,
    )
    expect(await answer.json()).toEqual({ error: 'insufficient_scope', error_description: insufficient })
    expect(mcp.bodies).toEqual([])
  })

  it('is told the same each time, whatever the token has (R27)', async () => {
    const { house, post } = open()
    for (const scope of ['user', 'user gist', 'gist', 'offline_access user']) {
      expect(scopeOf(await post(await tokenOf(house, scope), JSON.stringify(call('delete_repo'))))).toEqual([403, 'user repo'])
    }
  })

  it('in a batch is told what the whole batch needs (R31)', async () => {
    const { house, mcp, post } = open()
    const batch = [call('whoami'), call('delete_repo'), { jsonrpc: '2.0', method: 'notifications/x' }, call('write_gist')]
    expect(scopeOf(await post(await tokenOf(house, 'user repo'), JSON.stringify(batch)))).toEqual([403, 'user repo gist'])
    expect(mcp.bodies).toEqual([])
    expect((await post(await tokenOf(house, 'user repo gist'), JSON.stringify(batch))).status).toBe(200)
  })

  it('is judged by what the scopes include (R32), and beside the scopes of the endpoint', async () => {
    const { house, post } = open({ scopes: ['gist'] })
    expect((await post(await tokenOf(house, 'gist admin'), JSON.stringify(call('delete_repo')))).status).toBe(200)
    expect(scopeOf(await post(await tokenOf(house, 'user admin'), JSON.stringify(call('delete_repo'))))).toEqual([403, 'gist repo'])
  })

  it('without a good token is 401, and its body is not looked at', async () => {
    const { post } = open()
    expect(scopeOf(await post('abc', 'no json'))).toEqual([401, 'user'])
  })
})

describe('the server gets, byte for byte,', () => {
  it('what needs no more: other tools, other methods, and what it has to refuse itself', async () => {
    const { house, mcp, post } = open()
    const token = await tokenOf(house, 'user')
    const bodies = [
      call('whoami'),
      call('another'),
      call('constructor'),
      call('DELETE_REPO'),
      call(['delete_repo']),
      call(undefined),
      { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { name: 'delete_repo' } },
      { method: 'tools/call' },
      [],
      null,
      'tools/call',
      [[call('delete_repo')]],
    ].map((body) => JSON.stringify(body, null, 1))
    for (const body of bodies) expect((await post(token, body)).status).toBe(200)
    expect(mcp.bodies).toEqual(bodies)
  })

  it('what a token with everything may', async () => {
    const { house, mcp, post } = open()
    const body = JSON.stringify(call('delete_repo'))
    expect((await post(await tokenOf(house, 'user repo'), body)).status).toBe(200)
    expect(mcp.bodies).toEqual([body])
  })
})

describe('a body that cannot be judged does not get to the server', () => {
  it.each<[string, () => BodyInit, Record<string, string>, number]>([
    ['no JSON', () => '{', {}, 400],
    ['empty', () => '', {}, 400],
    [
      'compressed, which a parser behind the gate would undo',
      () => gzipSync(JSON.stringify(call('delete_repo'))),
      { 'content-encoding': 'gzip' },
      400,
    ],
    ['longer than 4 MB', () => JSON.stringify({ ...call('delete_repo'), padding: 'x'.repeat(4 * 1024 * 1024) }), {}, 400],
  ])('%s', async (_, body, headers, status) => {
    const { house, mcp, post } = open()
    const answer = await post(await tokenOf(house, 'user'), body(), headers)
    expect([answer.status, mcp.bodies]).toEqual([status, []])
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' })
  })

  it('and the operator is told why', async () => {
    const { house, post } = open()
    await post(await tokenOf(house, 'user'), '{')
    expect(house.events.at(-1)).toEqual({
      type: 'request.refused',
      at: 1_767_268_800,
      endpoint: 'gate',
      error: 'invalid_request',
      reason: 'not_json',
    })
  })
})

function send(port: number, token: string, method: string, body?: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    // The name in `Host` is that of baseUrl, as behind a proxy.
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const headers = { host: 'localhost:8000', authorization: `Bearer ${token}`, 'content-type': 'application/json', ...length }
    const asked = nodeRequest({ port, host: '127.0.0.1', path: '/mcp', method, headers }, (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode, text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

describe('a tool that is listed with no list', () => {
  it.each([undefined, null, 'repo'])('is called by nobody: %j (T101)', async (scopes) => {
    const listed: object = { delete_repo: scopes }
    const { house, mcp, post } = open({ toolScopes: { ...listed } })
    expect((await post(await tokenOf(house, 'user repo'), JSON.stringify(call('delete_repo')))).status).toBe(500)
    expect(mcp.bodies).toEqual([])
    expect((await post(await tokenOf(house, 'user'), JSON.stringify(call('whoami')))).status).toBe(200)
  })
})

describe('the gates of our adapters', () => {
  it('judge calls too: Hono', async () => {
    const house = openHouse(options)
    const app = new Hono().post('/mcp', requireAuthInHono(house.auth, { toolScopes }), async (context) =>
      context.text(await context.req.text()),
    )
    const token = await tokenOf(house, 'user')
    const post = (name: string) =>
      app.request('http://localhost:8000/mcp', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(call(name)),
      })
    expect(scopeOf(await post('delete_repo'))).toEqual([403, 'user repo'])
    expect(await (await post('whoami')).json()).toEqual(call('whoami'))
  })

  it('judge calls whose body a middleware has read: Hono', async () => {
    const house = openHouse(options)
    const app = new Hono()
      .use(async (context, next) => {
        await context.req.json()
        return next()
      })
      .post('/mcp', requireAuthInHono(house.auth, { toolScopes }), async (context) => context.json(await context.req.json()))
    const headers = { authorization: `Bearer ${await tokenOf(house, 'user')}` }
    const post = (name: string) => app.request('http://localhost:8000/mcp', { method: 'POST', headers, body: JSON.stringify(call(name)) })
    expect(scopeOf(await post('delete_repo'))).toEqual([403, 'user repo'])
    expect(await (await post('whoami')).json()).toEqual(call('whoami'))
  })

  it.each([
    ['Express, before a body parser', []],
    ['Express, behind a body parser', [express.json()]],
  ])('judge calls too: %s', async (_, parsers) => {
    const house = openHouse(options)
    const app = express()
    for (const parser of parsers) app.use(parser)
    app.post('/mcp', requireAuthInNode(house.auth, { toolScopes }), express.json(), (request, response) => void response.json(request.body))
    const token = await tokenOf(house, 'user')
    const server = createServer(app).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const post = (name: string) => send(port, token, 'POST', JSON.stringify(call(name)))
    expect(await post('delete_repo')).toMatchObject({ status: 403 })
    const { status, text } = await post('whoami')
    expect([status, JSON.parse(text)]).toEqual([200, call('whoami')])
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  it('let through the request that ends a session, which Node gives an empty body: serve', async () => {
    const house = openHouse(options)
    const mcp = { fetch: async (request: Request) => Response.json({ method: request.method, body: await request.text() }) }
    const served = await serve(mcpApp({ auth: house.auth, mcp, toolScopes }), { port: 0, print: () => {} })
    const token = await tokenOf(house, 'user')
    for (const method of ['GET', 'DELETE'])
      expect(await send(served.port, token, method)).toEqual({ status: 200, text: JSON.stringify({ method, body: '' }) })
    expect(await send(served.port, token, 'DELETE', JSON.stringify(call('delete_repo')))).toMatchObject({ status: 403 })
    await served.close()
  })

  it('let through the request that ends a session, which Node gives an empty body: Express', async () => {
    const house = openHouse(options)
    const app = express().all('/mcp', requireAuthInNode(house.auth, { toolScopes }), (request, response) => {
      response.json({ method: request.method, body: request.body ?? 'none' })
    })
    const server = createServer(app).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const token = await tokenOf(house, 'user')
    for (const method of ['GET', 'DELETE'])
      expect(await send(port, token, method)).toEqual({ status: 200, text: JSON.stringify({ method, body: 'none' }) })
    expect(await send(port, token, 'DELETE', JSON.stringify(call('delete_repo')))).toMatchObject({ status: 403 })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('requireScopes, for MCP’s SDK v2', () => {
  it('lets pass who has the scopes, or others that include them, and asks for all that the call needs otherwise (R31, R32)', async () => {
    const { auth } = openHouse(options)
    const judge = auth.requireScopes('repo', 'gist')
    const who = (...scopes: string[]) => ({ authInfo: { clientId: 'c', scopes } })
    const challenge = { scopes: ['user', 'repo', 'gist'], errorDescription: insufficient }
    expect(judge(who('user', 'repo', 'gist'))).toBeUndefined()
    expect(judge(who('gist', 'user', 'admin'))).toBeUndefined()
    expect(judge(who('user', 'repo'))).toEqual(challenge)
    expect(judge(who('repo', 'gist'))).toEqual(challenge)
    expect(judge(who())).toEqual(challenge)
  })

  it('leaves a call without a caller to the gate', () => {
    expect(openHouse(options).auth.requireScopes('repo')({})).toBeUndefined()
  })

  it('tells the operator whose call it was, and what it needed (R146)', async () => {
    const house = openHouse(options)
    const info = await house.auth.verifyAccessToken(await tokenOf(house, 'user'))
    house.auth.requireScopes('repo')({ authInfo: info })
    const { clientId, extra } = info
    expect(house.events.at(-1)).toEqual({
      type: 'token.refused',
      at: 1_767_268_800,
      reason: 'scope_missing',
      clientId,
      grantId: extra.grantId,
      scopes: ['user', 'repo'],
    })
  })

  it.each([[[]], [['']], [['a b']], [['offline_access']], [['repo', 'a"']]])('cannot be called with %j', (scopes) => {
    expect(() => openHouse(options).auth.requireScopes(...scopes)).toThrow(TypeError)
  })
})
