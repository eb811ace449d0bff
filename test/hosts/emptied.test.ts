import { openBrowser } from '@drawbridge/quickstart/driver'
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ClientMemory } from '../../examples/quickstart/src/client-memory.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { authorizePath, callTool, login, redeem, refresh, takeCode, toolStatus } from './client.ts'
import { type Hosts, type Place, startHosts } from './hosts.ts'

// Processes start, and wait for each other; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const redirectUrl = 'http://127.0.0.1:33418/callback'

let redis: RedisServer
let balancer: TcpProxy
let hosts: Hosts
beforeEach(async () => {
  redis = await startRedis()
  balancer = await openTcpProxy(() => hosts.all.map(({ port }) => port))
  hosts = await startHosts({ count: 2, store: { kind: 'redis', url: redis.url }, port: balancer.port })
})
afterEach(async () => {
  await hosts?.close()
  await balancer?.close()
  await redis?.close()
})

async function empty(): Promise<void> {
  await redis.kill()
  await redis.startEmpty()
}

/** A client of MCP's SDK, which keeps what it knows in `memory`. */
async function connect(memory: ClientMemory): Promise<Client> {
  const client = new Client({ name: 'a test', version: '1.0.0' })
  await client.connect(transport(memory))
  return client
}

function transport(authProvider: ClientMemory): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(`${hosts.baseUrl}/mcp`), { authProvider })
}

/** What a person does when the client opens a browser. */
async function signIn(memory: ClientMemory): Promise<void> {
  const browser = openBrowser({ stopAt: redirectUrl })
  const question = await browser.open(memory.authorizationUrl?.href ?? '')
  const end = await browser.press(await browser.press(question, 'Allow'), 'Sign in', { login: 'octocat' })
  await transport(memory).finishAuth(new URL(end.url).searchParams)
}

const lostAt = (host: Hosts['all'][number]) => host.events.filter(({ type }) => type === 'store.lost').length

it('clients of a Redis that lost everything are held off for ten minutes, with an alarm, and then begin anew by themselves (REL-R6)', async () => {
  const memory = new ClientMemory(redirectUrl)
  await expect(connect(memory)).rejects.toThrow(UnauthorizedError)
  await signIn(memory)
  const client = await connect(memory)
  expect(await client.callTool({ name: 'whoami', arguments: {} })).not.toMatchObject({ isError: true })
  const known = memory.clientInformation()?.client_id
  const { clientId, tokens } = await login(hosts)
  const code = await takeCode(hosts, clientId, { authorize: hosts, consent: hosts, callback: hosts })
  await hosts.advance(2)

  await empty()

  const old: Record<string, (place: Place) => Promise<Response>> = {
    call: (place) => callTool(place, tokens.access_token),
    refresh: (place) => refresh(place, clientId, tokens.refresh_token),
    redeem: (place) => redeem(place, clientId, code),
    authorize: (place) => place.fetch(authorizePath(clientId)),
  }
  const statuses = async () =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(old).map(async ([name, ask]) => [
          name,
          await Promise.all(
            hosts.all.map(async (host) => {
              const answer = await ask(host)
              return `${answer.status} ${(await answer.json()).error} ${answer.headers.get('www-authenticate')}`
            }),
          ),
        ]),
      ),
    )
  const heldOff = ['503 temporarily_unavailable null', '503 temporarily_unavailable null']
  const allHeldOff = { call: heldOff, refresh: heldOff, redeem: heldOff, authorize: heldOff }
  expect(await statuses()).toEqual(allHeldOff)
  expect(hosts.all.map((host) => lostAt(host) > 0)).toEqual([true, true])
  await expect(client.callTool({ name: 'whoami', arguments: {} })).rejects.not.toThrow(UnauthorizedError)
  expect(memory.tokens()).toBeDefined()

  // Whoever comes anew is served at once.
  const early = await login(hosts)
  expect(await toolStatus(hosts, early.tokens.access_token)).toBe(200)

  await hosts.advance(590)
  expect(await statuses()).toEqual(allHeldOff)
  await hosts.advance(15)
  const noGrant = expect.stringMatching(/^401 invalid_token Bearer .*error="invalid_token"/)
  const noClient = '401 invalid_client null'
  expect(await statuses()).toEqual({
    call: [noGrant, noGrant],
    refresh: [noClient, noClient],
    redeem: [noClient, noClient],
    authorize: ['400 invalid_client null', '400 invalid_client null'],
  })
  expect((await refresh(hosts, early.clientId, early.tokens.refresh_token)).status).toBe(200)

  await expect(client.callTool({ name: 'whoami', arguments: {} })).rejects.toThrow(UnauthorizedError)
  await signIn(memory)
  const again = await connect(memory)
  expect(await again.callTool({ name: 'whoami', arguments: {} })).not.toMatchObject({ isError: true })
  expect(memory.clientInformation()?.client_id).not.toBe(known)
  await client.close()
  await again.close()
})
