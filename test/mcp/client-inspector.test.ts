import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { memoryStore } from '@drawbridge/storage'
import { afterEach, describe, expect, it } from 'vitest'
import { failingStore } from '../support/failing-store.ts'
import { forgetClients } from '../support/forget-clients.ts'
import { watchedStore } from '../support/watched-store.ts'
import { type Closeable, closeAll } from './close-all.ts'
import { lineOf } from './exchanges.ts'
import { allow, deny } from './person.ts'
import { type ServedServer, type ServeServerOptions, serveServer } from './served-server.ts'
import { type Ended, openWorkplace, type Workplace } from './workplace.ts'

const launcher = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json')),
  'clients/launcher/build/index.js',
)

const open: Closeable[] = []
afterEach(() => closeAll(open))

/** An Inspector that has never seen its server. */
interface Inspection {
  readonly served: ServedServer
  readonly workplace: Workplace
  /** Runs it once, for one method. */
  inspect(...args: string[]): Promise<Ended>
  /** As `inspect`, with a person who is asked to log in on the way. */
  inspectAndAllow(...args: string[]): Promise<Ended>
}

/** Port 0 lets it listen wherever there is room, elsewhere each time: the fixed port that is its default may be taken here. */
async function inspection(options?: ServeServerOptions): Promise<Inspection> {
  const served = await serveServer(options)
  open.push(served)
  const workplace = await openWorkplace({ MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'file' })
  open.push(workplace)
  const start = [launcher, '--cli', '--server-url', served.mcpUrl, '--transport', 'http']
  const inspect = (...args: string[]): Promise<Ended> =>
    workplace.run([...start, '--callback-url', 'http://127.0.0.1:0/oauth/callback', '--method', ...args])
  return {
    served,
    workplace,
    inspect,
    async inspectAndAllow(...args) {
      const ended = inspect(...args)
      await allow(await workplace.opened())
      return ended
    },
  }
}

const whoami = ['tools/call', '--tool-name', 'whoami']

describe('the Inspector 2.12 CLI, a process of its own', { timeout: 60_000 }, () => {
  it('registers as a public native program, is granted access by a person and lists the tools', async () => {
    const { served, inspectAndAllow } = await inspection({ clients: { validScopes: ['offline_access'] } })
    const { code, stdout } = await inspectAndAllow('tools/list')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ tools: [{ name: 'whoami' }, { name: 'upstream_user' }] })
    const [registration] = served.at('/register')
    expect(registration?.body).toEqual({
      redirect_uris: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/oauth\/callback$/)],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      client_name: 'MCP Inspector',
      client_uri: 'https://github.com/modelcontextprotocol/inspector',
      scope: 'user offline_access',
      application_type: 'native',
    })
    expect(served.at('/authorize').map(({ query }) => query)).toEqual([
      {
        response_type: 'code',
        client_id: registration?.answer.client_id,
        code_challenge: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        code_challenge_method: 'S256',
        redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/oauth\/callback$/),
        state: expect.any(String),
        scope: 'user offline_access',
        prompt: 'consent',
        resource: served.mcpUrl,
      },
    ])
  })

  it('refreshes by itself in a later process, from metadata it kept, and names no scope (G17)', async () => {
    const { served, inspect, inspectAndAllow } = await inspection()
    await inspectAndAllow('tools/list')
    const [registration] = served.at('/register')
    const [login] = served.at('/token')
    const before = served.exchanges.length
    served.expireTokens()
    const { code, stdout } = await inspect(...whoami)
    expect(code).toBe(0)
    expect(stdout).toContain('octocat')
    expect(served.exchanges.slice(before, before + 3).map(lineOf)).toEqual(['POST /mcp 401', 'POST /token 200', 'POST /mcp 200'])
    expect(served.at('/token').at(-1)?.body).toEqual({
      grant_type: 'refresh_token',
      client_id: registration?.answer.client_id,
      refresh_token: login?.answer.refresh_token,
      resource: served.mcpUrl,
    })
  })

  it('says that the person said no, and exits with 1', async () => {
    const { workplace, inspect } = await inspection()
    const ended = inspect('tools/list')
    await deny(await workplace.opened())
    const { code, stderr } = await ended
    expect(code).toBe(1)
    expect(stderr).toContain('The person said no.')
  })

  it('keeps its login while the store is down, and goes on afterwards (G2)', async () => {
    const store = failingStore(memoryStore())
    const { served, inspect, inspectAndAllow } = await inspection({ clientStorage: store })
    await inspectAndAllow('tools/list')
    served.expireTokens()
    store.failAlways()
    expect((await inspect(...whoami)).code).not.toBe(0)
    expect(served.at('/token').at(-1)).toMatchObject({ status: 503, answer: { error: 'temporarily_unavailable' } })
    store.heal()
    const { code, stdout } = await inspect(...whoami)
    expect(code).toBe(0)
    expect(stdout).toContain('octocat')
    expect(served.at('/authorize')).toHaveLength(1)
  })

  it('registers again by itself when the server no longer knows it, and listens on another port than it says (G3, G8)', async () => {
    const store = watchedStore(memoryStore())
    const { served, inspectAndAllow } = await inspection({ clientStorage: store })
    await inspectAndAllow('tools/list')
    await forgetClients(store)
    served.expireTokens()
    const { code, stdout } = await inspectAndAllow(...whoami)
    expect(code).toBe(0)
    expect(stdout).toContain('octocat')
    expect(served.at('/token').map(({ status, answer }) => answer.error ?? status)).toEqual([200, 'invalid_client', 200])
    expect(served.at('/register').at(-1)?.body.redirect_uris).toEqual(['http://127.0.0.1:0/oauth/callback'])
    expect(served.at('/authorize').at(-1)?.query.redirect_uri).not.toContain(':0/')
  })

  it('asks the person again when its grant has ended, from another port (G8)', async () => {
    const { served, inspectAndAllow } = await inspection()
    await inspectAndAllow('tools/list')
    await served.auth.revoke({ subject: '583231' })
    const { code, stdout } = await inspectAndAllow(...whoami)
    expect(code).toBe(0)
    expect(stdout).toContain('octocat')
    const [first, second] = served.at('/authorize').map(({ query }) => query)
    expect(second?.client_id).toBe(first?.client_id)
    expect(second?.redirect_uri).not.toBe(first?.redirect_uri)
  })

  it('authenticates by Basic with credentials that it is given, and does not register (G12, R111)', async () => {
    const given = { clientId: 'the-inspector', clientSecret: 'a-secret-that-nobody-guesses' }
    const { served, inspectAndAllow } = await inspection({
      clients: { static: [{ ...given, redirectUris: ['http://127.0.0.1/oauth/callback'] }] },
    })
    const { code, stdout } = await inspectAndAllow(...whoami, '--client-id', given.clientId, '--client-secret', given.clientSecret)
    expect(code).toBe(0)
    expect(stdout).toContain('octocat')
    expect(served.at('/register')).toEqual([])
    const basic = Buffer.from(`${given.clientId}:${given.clientSecret}`).toString('base64')
    expect(served.at('/token').map(({ headers, body }) => [headers.authorization, body.client_secret])).toEqual([
      [`Basic ${basic}`, undefined],
    ])
  })
})
