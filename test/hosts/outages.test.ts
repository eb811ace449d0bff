import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { soon } from '../support/read-json.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { openTab, signInUpstream } from '../support/tab.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'
import {
  askToRegister,
  authorizePath,
  callTool,
  comeBack,
  login,
  persist,
  readTokens,
  redeem,
  refresh,
  register,
  revoke,
  toolStatus,
} from './client.ts'
import { type Hosts, type HostsOptions, type Place, startHosts } from './hosts.ts'

// Processes start, and wait for each other; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let redis: RedisServer
let hosts: Hosts | undefined
beforeEach(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  await hosts?.close()
  hosts = undefined
  await redis?.close()
})

async function start(options: Partial<HostsOptions> = {}): Promise<Hosts> {
  hosts = await startHosts({ count: 2, store: { kind: 'redis', url: redis.url }, ...options })
  return hosts
}

/** What takes Redis away, and what gives it back. */
const outages: Record<string, { begin(): Promise<void> | void; end(): Promise<void> | void }> = {
  'killed, and started with its data': { begin: () => redis.kill(), end: () => redis.start() },
  'frozen, and thawed': { begin: () => redis.freeze(), end: () => redis.thaw() },
}

describe.each(Object.entries(outages))('two processes whose Redis is %s', (_, { begin, end }) => {
  it('answer 503 and nothing worse, and lose nothing by it (REL-R5, REL-R6, REL-R7)', async () => {
    const house = await start()
    const { clientId, tokens } = await login(house)
    const asked: readonly ((place: Place) => Promise<Response>)[] = [
      (place) => callTool(place, tokens.access_token),
      (place) => refresh(place, clientId, tokens.refresh_token),
      (place) => askToRegister(place),
      (place) => place.fetch(authorizePath(clientId)),
    ]
    await begin()
    const answers = await Promise.all(asked.flatMap((ask) => house.all.map(ask)))
    await end()
    for (const { status, headers } of answers) {
      expect([status, headers.get('retry-after'), headers.get('www-authenticate')]).toEqual([503, expect.stringMatching(soon), null])
    }
    for (const host of house.all) expect((await comeBack(() => callTool(host, tokens.access_token))).status).toBe(200)
    expect((await comeBack(() => refresh(house, clientId, tokens.refresh_token))).status).toBe(200)
  })
})

describe('processes that start while Redis is away', () => {
  it('answer 503, and documents, and become ready by themselves (REL-R11)', async () => {
    await redis.kill()
    const house = await start({ whenReady: false })
    const statusOf = async (path: string) => Promise.all(house.all.map(async (host) => (await host.fetch(path)).status))
    expect(await statusOf('/health')).toEqual([200, 200])
    expect(await statusOf('/ready')).toEqual([503, 503])
    expect(await statusOf('/.well-known/oauth-authorization-server')).toEqual([200, 200])
    expect(await statusOf(authorizePath('019b796d-d600-7000-8000-000000000000'))).toEqual([503, 503])
    await redis.start()
    await expect.poll(() => statusOf('/ready'), { timeout: 2_000 }).toEqual([200, 200])
    const { tokens } = await login(house)
    for (const host of house.all) expect(await toolStatus(host, tokens.access_token)).toBe(200)
  })
})

describe('processes that start while the upstream is away', () => {
  it('are alive and ready, begin logins, and finish them when it is there (REL-R11)', async () => {
    let upstream = 0
    const way = await openTcpProxy(() => [upstream])
    way.cut()
    const house = await start({
      async upstreamAt(url) {
        upstream = Number(new URL(url).port)
        return `http://127.0.0.1:${way.port}`
      },
    })
    const statusOf = async (path: string) => Promise.all(house.all.map(async (host) => (await host.fetch(path)).status))
    for (const path of ['/health', '/ready', '/.well-known/oauth-authorization-server']) expect(await statusOf(path)).toEqual([200, 200])
    const clientId = await persist(() => register(house))
    expect(await statusOf(authorizePath(clientId))).toEqual([200, 200])
    // From the question to the answer that the client gets. The person gets to the upstream, though we do not.
    const signIn = async () => {
      const tab = openTab({ baseUrl: house.baseUrl, call: (url, init) => house.fetch(url, init) })
      const { refresh: upstreamUrl } = await tab.decide(await tab.open(authorizePath(clientId)), 'approve')
      return new URL((await tab.open(await signInUpstream(house, upstreamUrl))).location).searchParams
    }
    expect((await signIn()).get('error')).toMatch(/^(server_error|temporarily_unavailable)$/)

    way.mend()
    const tokens = await readTokens(await redeem(house, clientId, (await signIn()).get('code') ?? ''))
    for (const host of house.all) expect(await toolStatus(host, tokens.access_token)).toBe(200)
    await way.close()
  })
})

describe('a host that is cut off from Redis', () => {
  it('says that it is not ready and serves nobody, while the other goes on; and comes back by itself (REL-R35)', async () => {
    const way = await openTcpProxy(() => [redis.port])
    const house = await start({ storeOf: (index) => ({ kind: 'redis', url: index === 0 ? redis.url : `redis://127.0.0.1:${way.port}` }) })
    const [well, cutOff] = [house.at(0), house.at(1)]
    const { clientId, tokens } = await login(house)
    const ready = async () => Promise.all([well, cutOff].map(async (host) => (await host.fetch('/ready')).status))
    expect(await ready()).toEqual([200, 200])

    way.cut()
    expect(await ready()).toEqual([200, 503])
    const call = await callTool(cutOff, tokens.access_token)
    expect([call.status, call.headers.get('www-authenticate'), call.headers.get('retry-after')]).toEqual([
      503,
      null,
      expect.stringMatching(soon),
    ])
    expect((await refresh(cutOff, clientId, tokens.refresh_token)).status).toBe(503)
    const next = await readTokens(await refresh(well, clientId, tokens.refresh_token))
    expect(await toolStatus(well, next.access_token)).toBe(200)
    const ended = await login({ ...house, fetch: well.fetch })
    expect((await revoke(well, ended.clientId, ended.tokens.refresh_token)).status).toBe(200)

    way.mend()
    await expect.poll(ready, { timeout: 2_000 }).toEqual([200, 200])
    expect(await toolStatus(cutOff, next.access_token)).toBe(200)
    expect(await toolStatus(cutOff, ended.tokens.access_token)).toBe(401)
    await way.close()
  })
})
