import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { memoryStore } from '@drawbridge/storage'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import type { MiddlewareHandler } from 'hono'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { failingStore } from '../support/failing-store.ts'
import { forgetClients } from '../support/forget-clients.ts'
import { watchedStore } from '../support/watched-store.ts'
import { type Closeable, closeAll } from './close-all.ts'
import { lineOf } from './exchanges.ts'
import { gateOfOneTool } from './gate-of-one-tool.ts'
import { allow, deny } from './person.ts'
import { type ServedServer, type ServeServerOptions, serveServer } from './served-server.ts'
import { openWorkplace, type Workplace } from './workplace.ts'

const proxy = join(dirname(createRequire(import.meta.url).resolve('mcp-remote/package.json')), 'dist/proxy.js')

const open: Closeable[] = []
afterEach(() => closeAll(open))

/** A host, such as a desktop program, that speaks to the server through mcp-remote. */
interface Host {
  readonly served: ServedServer
  readonly workplace: Workplace
  /** Starts mcp-remote and connects to it. */
  start(): Promise<Client>
  /** As `start`, with a person who is asked to log in on the way. */
  startAndAllow(): Promise<Client>
}

async function host(options?: ServeServerOptions, ...args: string[]): Promise<Host> {
  const served = await serveServer(options)
  open.push(served)
  const workplace = await openWorkplace()
  open.push(workplace)
  const env = { ...workplace.env, MCP_REMOTE_CONFIG_DIR: join(workplace.folder, 'kept') }

  async function start(): Promise<Client> {
    const client = new Client({ name: 'a host', version: '1.0.0' })
    const transport = new StdioClientTransport({ command: process.execPath, args: [proxy, served.mcpUrl, ...args], env, stderr: 'ignore' })
    open.push(transport)
    const before = streams(served)
    await client.connect(transport)
    // It opens two streams, one to try the server and one for the host; both are answered before a test goes on (G20).
    await expect.poll(() => streams(served) - before, { timeout: 10_000 }).toBe(2)
    return client
  }

  return {
    served,
    workplace,
    start,
    async startAndAllow() {
      const client = start()
      await allow(await workplace.opened())
      return client
    },
  }
}

const streams = (served: ServedServer) => served.at('/mcp').filter(({ method, status }) => method === 'GET' && status === 405).length

async function call(client: Client, tool: string): Promise<string> {
  return JSON.stringify(await client.callTool({ name: tool, arguments: {} }))
}

// It derives its port from the server's URL; a few ports are ones that no fetch may open, and then another server has another.
describe('mcp-remote 0.15, a process of its own', { timeout: 60_000, retry: 2 }, () => {
  it('looks around, registers as a public native program, is granted access by a person and calls a tool (G11)', async () => {
    const { served, startAndAllow } = await host({ clients: { validScopes: ['offline_access'] } })
    expect(await call(await startAndAllow(), 'whoami')).toContain('octocat')
    expect(served.exchanges.map(lineOf).slice(0, 9)).toEqual([
      'GET /mcp 401',
      'GET /.well-known/oauth-protected-resource/mcp 200',
      'GET /.well-known/oauth-authorization-server 200',
      'GET /mcp 401',
      'POST /mcp 401',
      'GET /.well-known/oauth-protected-resource/mcp 200',
      'GET /.well-known/oauth-authorization-server 200',
      'POST /register 201',
      'GET /authorize 200',
    ])
    const [registration] = served.at('/register')
    expect(registration?.body).toEqual({
      redirect_uris: [expect.stringMatching(/^http:\/\/localhost:\d+\/oauth\/callback$/)],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      client_name: 'MCP CLI Proxy',
      client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
      software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
      software_version: '0.15.1',
      scope: 'user offline_access',
      application_type: 'native',
    })
    expect(served.at('/authorize').map(({ query }) => query)).toEqual([
      {
        response_type: 'code',
        client_id: registration?.answer.client_id,
        code_challenge: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        code_challenge_method: 'S256',
        redirect_uri: expect.stringMatching(/^http:\/\/localhost:\d+\/oauth\/callback$/),
        state: expect.any(String),
        scope: 'user offline_access',
        prompt: 'consent',
        resource: served.mcpUrl,
      },
    ])
  })

  it('refreshes after a 401 by naming the scope it was granted, and again in a later process', async () => {
    const { served, start, startAndAllow } = await host()
    const client = await startAndAllow()
    served.expireTokens()
    expect(await call(client, 'whoami')).toContain('octocat')
    await client.close()
    served.expireTokens()
    expect(await call(await start(), 'whoami')).toContain('octocat')
    const [registration] = served.at('/register')
    const [login, first, second, ...others] = served.at('/token')
    const refresh = {
      grant_type: 'refresh_token',
      client_id: registration?.answer.client_id,
      resource: served.mcpUrl,
      scope: 'user offline_access',
    }
    expect([first?.body, second?.body, others]).toEqual([
      { ...refresh, refresh_token: login?.answer.refresh_token },
      { ...refresh, refresh_token: first?.answer.refresh_token },
      [],
    ])
  })

  it('is granted what there is of the scopes that its person made it ask for, and refreshes that (G10)', async () => {
    const { served, startAndAllow } = await host({}, '--static-oauth-client-metadata', '{"scope":"openid user email"}')
    const client = await startAndAllow()
    served.expireTokens()
    expect(await call(client, 'whoami')).toContain('octocat')
    expect(served.at('/authorize').map(({ query }) => query.scope)).toEqual(['openid user email'])
    expect(served.at('/token').map(({ body, answer }) => [body.scope, answer.scope])).toEqual([
      [undefined, 'user'],
      ['user', 'user'],
    ])
  })

  it('makes three calls at once with an expired token, and all succeed (G1)', async () => {
    const { served, startAndAllow } = await host({ middleware: () => refreshesOneByOne() })
    const client = await startAndAllow()
    served.expireTokens()
    const answers = await Promise.all(['whoami', 'upstream_user', 'whoami'].map((tool) => call(client, tool)))
    for (const answer of answers) expect(answer).toContain('octocat')
    const [, ...refreshes] = served.at('/token')
    expect(refreshes.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(new Set(refreshes.map(({ body }) => body.refresh_token)).size).toBe(1)
    served.expireTokens()
    expect(await call(client, 'whoami')).toContain('octocat')
    expect(served.events.filter(({ type }) => type === 'grant.ended' || type === 'refresh.replayed')).toEqual([])
  })

  it('tells its host while the store is down, keeps its login, and goes on afterwards (G2)', async () => {
    const store = failingStore(memoryStore())
    const { served, startAndAllow } = await host({ clientStorage: store })
    const client = await startAndAllow()
    served.expireTokens()
    store.failAlways()
    await expect(call(client, 'whoami')).rejects.toThrow()
    expect(served.at('/token').at(-1)).toMatchObject({ status: 503, answer: { error: 'temporarily_unavailable' } })
    store.heal()
    expect(await call(client, 'whoami')).toContain('octocat')
    expect(served.at('/authorize')).toHaveLength(1)
  })

  it('registers again by itself when a refresh says that the server no longer knows it (G3)', async () => {
    const store = watchedStore(memoryStore())
    const { served, workplace, startAndAllow } = await host({ clientStorage: store })
    const client = await startAndAllow()
    await forgetClients(store)
    served.expireTokens()
    const answer = call(client, 'whoami')
    await allow(await workplace.opened())
    expect(await answer).toContain('octocat')
    expect(served.at('/token').map(({ status, answer }) => answer.error ?? status)).toEqual([200, 'invalid_client', 200])
    expect(served.at('/register')).toHaveLength(2)
  })

  it('asks before it opens a browser whether the server still knows it, and registers again if not (G3, R78)', async () => {
    const store = watchedStore(memoryStore())
    const { served, workplace, start, startAndAllow } = await host({ clientStorage: store })
    await (await startAndAllow()).close()
    await forgetClients(store)
    await forgetTokens(workplace)
    // Its release 0.15.1 registers again and then waits for a browser that it does not open; its next start does.
    const stuck = start().catch(() => 'stuck')
    await expect.poll(() => served.at('/register').length, { timeout: 20_000 }).toBe(2)
    expect(served.exchanges.filter(({ headers, path }) => path === '/authorize' && headers.accept === 'application/json')).toMatchObject([
      { status: 400, answer: { error: 'invalid_client' } },
    ])
    await open.pop()?.close()
    expect(await stuck).toBe('stuck')
    expect(await call(await startAndAllow(), 'whoami')).toContain('octocat')
  })

  it('logs in on another port when its own is taken (G8)', async () => {
    const { served, workplace, startAndAllow } = await host()
    await (await startAndAllow()).close()
    await forgetTokens(workplace)
    const [first] = served.at('/authorize')
    await occupy(Number(new URL(first?.query.redirect_uri ?? '').port))
    expect(await call(await startAndAllow(), 'whoami')).toContain('octocat')
    const second = served.at('/authorize').at(-1)
    expect(second?.query.client_id).toBe(first?.query.client_id)
    expect(second?.query.redirect_uri).not.toBe(first?.query.redirect_uri)
  })

  it('asks the person again when its grant has ended, and looks first whether it may (R78)', async () => {
    const { served, startAndAllow } = await host()
    await (await startAndAllow()).close()
    await served.auth.revoke({ subject: '583231' })
    expect(await call(await startAndAllow(), 'whoami')).toContain('octocat')
    const [, asked, shown, ...others] = served.at('/authorize')
    expect(others).toEqual([])
    expect([asked?.headers.accept, asked?.status]).toEqual(['application/json', 200])
    expect(asked?.query).toEqual(shown?.query)
  })

  it('asks the person for more when a tool needs more, and then succeeds (R31)', async () => {
    const { served, workplace, startAndAllow } = await host({ clients: { validScopes: ['repo'] }, middleware: gateOfOneTool })
    const client = await startAndAllow()
    const answer = call(client, 'upstream_user')
    await allow(await workplace.opened())
    expect(await answer).toContain('octocat')
    expect(new Set(served.at('/authorize').map(({ query }) => query.scope))).toEqual(
      new Set(['user offline_access', 'user offline_access repo']),
    )
  })

  it('ends when the person said no', async () => {
    const { served, workplace, start } = await host()
    const ended = start().catch(() => 'ended')
    const page = await deny(await workplace.opened())
    expect(new URL(page.url).searchParams.get('error')).toBe('access_denied')
    expect(await ended).toBe('ended')
    expect(served.at('/token')).toEqual([])
  })
})

/**
 * Lets the answer to a refresh out when the call that waited for the one before has come through. Release 0.15.1 writes its
 * tokens to a temporary file that is named after the millisecond, and fails a call when two answers come in the same one.
 */
function refreshesOneByOne(): MiddlewareHandler {
  let turn = Promise.resolve()
  const waiting: (() => void)[] = []
  return async (context, next) => {
    await next()
    if (context.req.path === '/mcp' && context.res.status === 200) waiting.shift()?.()
    if (context.req.path !== '/token') return
    const mine = turn
    turn = new Promise((resolve) => waiting.push(resolve))
    await mine
  }
}

async function forgetTokens({ folder }: Workplace): Promise<void> {
  const kept = join(folder, 'kept', 'mcp-remote-v1')
  for (const name of await readdir(kept)) if (name.endsWith('_tokens.json')) await rm(join(kept, name))
}

/** Listens on a port of loopback, as any other program may; one that ends there first has time to. */
async function occupy(port: number): Promise<void> {
  const server = createServer((socket) => socket.destroy())
  open.push({ close: () => new Promise((resolve) => server.close(() => resolve())) })
  await vi.waitFor(() => once(server.listen(port, '127.0.0.1'), 'listening'), { timeout: 10_000 })
}
