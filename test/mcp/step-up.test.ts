import { afterEach, describe, expect, it } from 'vitest'
import { ClientMemory } from '../../examples/quickstart/src/client-memory.ts'
import { type Closeable, closeAll } from './close-all.ts'
import { lineOf } from './exchanges.ts'
import { allow } from './person.ts'
import { type Sdk, type SdkClient, sdks } from './sdks.ts'
import { type ServedServer, type ServeServerOptions, serveServer } from './served-server.ts'

const redirectUrl = 'http://127.0.0.1:33418/callback'

const open: Closeable[] = []
afterEach(() => closeAll(open))

async function server(options: ServeServerOptions): Promise<ServedServer> {
  const served = await serveServer(options)
  open.push(served)
  return served
}

function newClient(sdk: Sdk, { mcpUrl }: ServedServer, memory: ClientMemory): SdkClient {
  const client = sdk.open(mcpUrl, memory)
  open.push(client)
  return client
}

/** What came back to the redirect URI, when the person had said yes. */
async function comeBack(memory: ClientMemory): Promise<URLSearchParams> {
  return new URL((await allow(memory.authorizationUrl?.href ?? '', redirectUrl)).url).searchParams
}

/** Logs in with what the server asks for at first, and connects. */
async function connected(sdk: Sdk, served: ServedServer, memory: ClientMemory): Promise<SdkClient> {
  const first = newClient(sdk, served, memory)
  await expect(first.connect()).rejects.toThrow(sdk.Unauthorized)
  await first.finishAuth(await comeBack(memory))
  const client = newClient(sdk, served, memory)
  await client.connect()
  return client
}

const scopesAsked = (served: ServedServer) => served.at('/authorize').map(({ query }) => query.scope)
const refused = (served: ServedServer) =>
  served.events.flatMap((event) => (event.type === 'token.refused' ? [{ reason: event.reason, scopes: event.scopes }] : []))

const ways: readonly [string, ServeServerOptions][] = [
  ['the gate, whatever the MCP server is', { toolScopes: { upstream_user: ['repo', 'gist'] } }],
  ['the tool, on SDK v2', { stepUp: ['repo', 'gist'] }],
]

describe.each(ways)('a tool that needs more, asked for by %s', (_, way) => {
  const options = { ...way, clients: { validScopes: ['repo', 'gist', 'admin:org'] } }

  it('makes SDK v2 ask the person once, for everything at once, and then succeeds (R30, R31, R146)', async () => {
    const served = await server(options)
    const memory = new ClientMemory(redirectUrl)
    const client = await connected(sdks.v2, served, memory)
    expect(await client.call('whoami')).toContain('octocat')
    await expect(client.call('upstream_user')).rejects.toThrow(sdks.v2.Unauthorized)
    await client.finishAuth(await comeBack(memory))
    expect(await client.call('upstream_user')).toContain('octocat')
    expect(await client.call('whoami')).toContain('octocat')
    expect(scopesAsked(served)).toEqual(['user offline_access', 'user offline_access repo gist'])
    expect(memory.tokens()?.scope).toBe('user offline_access repo gist')
    expect(refused(served)).toEqual([{ reason: 'scope_missing', scopes: ['user', 'repo', 'gist'] }])
    expect(served.exchanges.filter(({ status }) => status === 403).map(lineOf)).toEqual(['POST /mcp 403'])
    const elevated = served.events.filter((event) => event.type === 'scope.elevated')
    expect(elevated).toMatchObject([{ granted: ['user', 'offline_access', 'repo', 'gist'] }])
  })

  it('serves a token at once whose scopes include what it needs (R32)', async () => {
    const served = await server({
      ...options,
      requiredScopes: ['admin:org'],
      scopes: { includes: { 'admin:org': ['user', 'repo', 'gist'] } },
    })
    const client = await connected(sdks.v2, served, new ClientMemory(redirectUrl))
    expect(await client.call('upstream_user')).toContain('octocat')
    expect(refused(served)).toEqual([])
  })
})
