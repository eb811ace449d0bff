import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authorizePath, comeBack, login, loginOften, persist, readTokens, refresh, register, toolStatus } from '../hosts/client.ts'
import { type Hosts, type HostsOptions, startHosts } from '../hosts/hosts.ts'
import { type Exchange, startTraffic, trafficKinds } from '../hosts/traffic.ts'
import { atMost } from '../support/at-most.ts'
import { soon } from '../support/read-json.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { figure } from './figure.ts'
import { quantile } from './ledger.ts'

let redis: RedisServer
let way: TcpProxy
let hosts: Hosts | undefined
beforeEach(async () => {
  redis = await startRedis()
  way = await openTcpProxy(() => [redis.port])
})
afterEach(async () => {
  await hosts?.close()
  hosts = undefined
  await way?.close()
  await redis?.close()
})

async function start(options: Partial<HostsOptions> = {}): Promise<Hosts> {
  hosts = await startHosts({ count: 2, store: { kind: 'redis', url: `redis://127.0.0.1:${way.port}` }, ...options })
  return hosts
}

const isGood = ({ status, error }: Exchange): boolean => status < 400 && error === undefined

/** An outage, for how long, what ends it, and whether anything can be served meanwhile. */
interface Outage {
  readonly name: string
  readonly seconds: number
  begin(): Promise<void> | void
  end(): Promise<void> | void
  readonly isPartial?: boolean
}

const outages: readonly Outage[] = [
  { name: 'killed, and started with its data', seconds: 3, begin: () => redis.kill(), end: () => redis.start() },
  { name: 'frozen, and thawed', seconds: 20, begin: () => redis.freeze(), end: () => redis.thaw() },
  { name: '0.8 s away in each direction', seconds: 4, begin: () => way.delay(800), end: () => way.mend() },
  {
    name: 'behind a network that ends every second connection',
    seconds: 4,
    begin: () => way.reset(0.5),
    end: () => way.mend(),
    isPartial: true,
  },
]

/** The traffic of three times five loops, as one. */
async function startTraffics(house: Hosts, clientId: string): Promise<{ exchanges(): Exchange[]; stop(): Promise<void> }> {
  const start = async () => startTraffic(house, { verifying: await login(house), refreshing: await login(house), clientId })
  const all = await Promise.all([start(), start(), start()])
  return {
    exchanges: () => all.flatMap(({ exchanges }) => exchanges),
    stop: async () => void (await Promise.all(all.map((traffic) => traffic.stop()))),
  }
}

const measure = (house: Hosts) => Promise.all(house.all.map((host) => host.measure()))

describe.each(outages)('while Redis is $name', ({ name, seconds, begin, end, isPartial = false }) => {
  it('the answers are 503 in time and nothing worse, and 2 s later all is as it was (REL-R5, REL-R6, REL-R7)', async () => {
    const house = await start()
    const sessions = await loginOften(house, 20)
    const clients = await atMost(10, Array.from({ length: 20 }), () => persist(() => register(house)))
    const traffic = await startTraffics(house, clients[0] ?? '')
    await sleep(1_000)
    const before = await measure(house)
    const began = performance.now()
    await begin()
    await sleep(seconds * 1_000)
    await end()
    const over = performance.now()
    await sleep(4_000)
    await traffic.stop()
    const after = await measure(house)

    const exchanges = traffic.exchanges()
    const bad = exchanges.filter((exchange) => !isGood(exchange))
    expect(bad.length).toBeGreaterThan(0)
    expect(new Set(bad.map(({ status, error, challenge }) => `${status} ${error} ${challenge}`))).toEqual(
      new Set(['503 temporarily_unavailable null']),
    )
    expect(bad.filter(({ retryAfter }) => !soon.test(retryAfter ?? ''))).toEqual([])
    const slow = quantile(
      exchanges.filter((exchange) => exchange.began > began - 2_500 && exchange.began < over).map(({ took }) => took),
      0.99,
    )
    figure(`p99 of the answers while Redis is ${name}, for ${seconds} s`, `${slow} ms`)
    expect(slow).toBeLessThan(2_500)
    for (const kind of trafficKinds) {
      const own = exchanges.filter((exchange) => exchange.kind === kind)
      expect(own.filter((exchange) => exchange.began < began - 100 && isGood(exchange)).length, kind).toBeGreaterThan(0)
      if (!isPartial) expect(own.filter((exchange) => exchange.began > began && !isGood(exchange)).length, kind).toBeGreaterThan(0)
      const late = own.filter((exchange) => exchange.began > over + 2_000)
      expect(late.length, kind).toBeGreaterThan(5)
      expect(
        late.filter((exchange) => !isGood(exchange)),
        kind,
      ).toEqual([])
    }
    // Nothing is queued for a store that is away: neither memory nor sockets and timers are left of it.
    after.forEach(({ heapUsed, resources }, index) => {
      expect(heapUsed - (before[index]?.heapUsed ?? 0)).toBeLessThan(32e6)
      expect(resources - (before[index]?.resources ?? 0)).toBeLessThan(20)
    })

    for (const { clientId, tokens } of sessions) {
      expect(await toolStatus(house, tokens.access_token)).toBe(200)
      expect((await refresh(house, clientId, tokens.refresh_token)).status).toBe(200)
    }
    for (const clientId of clients) expect((await house.fetch(authorizePath(clientId))).status).toBe(200)
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
