import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { atMost } from '../support/at-most.ts'
import { soon } from '../support/read-json.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'
import {
  authorizePath,
  callTool,
  comeBack,
  login,
  loginOften,
  persist,
  readTokens,
  refresh,
  register,
  revoke,
  toolStatus,
} from './client.ts'
import { type Hosts, type HostsOptions, startHosts } from './hosts.ts'
import { type Exchange, startTraffic, trafficKinds } from './traffic.ts'

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

const isGood = ({ status, error }: Exchange): boolean => status < 400 && error === undefined

/** The outages, and what ends them; each takes as long as it is given. */
const outages: Record<string, (lasting: number) => Promise<void>> = {
  async 'killed, and started with its data'(lasting) {
    await redis.kill()
    await sleep(lasting)
    await redis.start()
  },
  async 'frozen, and thawed'(lasting) {
    redis.freeze()
    await sleep(lasting)
    redis.thaw()
  },
}

describe.each(Object.entries(outages))('while Redis is %s', (_, happen) => {
  it('the answers are 503 in time and nothing worse, and 2 s later all is as it was (REL-R5, REL-R6, REL-R7)', async () => {
    const house = await start()
    const sessions = await loginOften(house, 20)
    const clients = await atMost(10, Array.from({ length: 20 }), () => persist(() => register(house)))
    const traffic = startTraffic(house, { verifying: await login(house), refreshing: await login(house), clientId: clients[0] ?? '' })
    await sleep(1_000)
    const began = performance.now()
    await happen(5_000)
    const over = performance.now()
    await sleep(4_000)
    await traffic.stop()

    const { exchanges } = traffic
    const bad = exchanges.filter((exchange) => !isGood(exchange))
    expect(new Set(bad.map(({ status, error, retryAfter, challenge }) => `${status} ${error} ${retryAfter} ${challenge}`))).toEqual(
      new Set(['503 temporarily_unavailable 2 null']),
    )
    const slowest = exchanges.map(({ took }) => took).sort((a, b) => b - a)
    expect(slowest[Math.floor(exchanges.length / 100)]).toBeLessThan(2_500)
    for (const kind of trafficKinds) {
      const own = exchanges.filter((exchange) => exchange.kind === kind)
      expect(own.filter((exchange) => exchange.began < began - 100 && isGood(exchange)).length, kind).toBeGreaterThan(0)
      expect(own.filter((exchange) => exchange.began > began && !isGood(exchange)).length, kind).toBeGreaterThan(0)
      const after = own.filter((exchange) => exchange.began > over + 2_000)
      expect(after.length, kind).toBeGreaterThan(5)
      expect(
        after.filter((exchange) => !isGood(exchange)),
        kind,
      ).toEqual([])
    }

    for (const { clientId, tokens } of sessions) {
      expect(await toolStatus(house, tokens.access_token)).toBe(200)
      expect((await refresh(house, clientId, tokens.refresh_token)).status).toBe(200)
    }
    for (const clientId of clients) expect((await house.fetch(authorizePath(clientId))).status).toBe(200)
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

describe('a refresh that the upstream has answered, while Redis cannot take it', () => {
  it('is answered 503 in time, is stored when Redis is back, and is not asked of the upstream again (REL-R7, REL-R21)', async () => {
    const house = await start({ mode: 'github-app' })
    const { clientId, tokens } = await login(house)
    await house.advance(28_800 - 60)
    const { received } = house.github
    const before = house.github.calls('token')
    const asking = refresh(house, clientId, tokens.refresh_token)
    // The upstream has been asked, so the store is next.
    while (house.github.calls('token') === before) await sleep(1)
    redis.freeze()
    const began = performance.now()
    const answer = await asking
    expect([answer.status, performance.now() - began < 2_500]).toEqual([503, true])
    await sleep(5_000 - (performance.now() - began))
    redis.thaw()
    const retried = await readTokens(await comeBack(() => refresh(house, clientId, tokens.refresh_token)))
    expect(await toolStatus(house, retried.access_token)).toBe(200)
    expect(received.slice(-1)).toEqual([expect.objectContaining({ endpoint: 'token' })])
    expect(house.github.calls('token') - before).toBe(1)
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
