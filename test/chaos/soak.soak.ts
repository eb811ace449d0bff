import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { persist, readTokens, redeem, register, takeCode, toolStatus } from '../hosts/client.ts'
import { type Hosts, startHosts } from '../hosts/hosts.ts'
import type { HostMeasure } from '../hosts/messages.ts'
import { atMost } from '../support/at-most.ts'
import { openLeanFetch } from '../support/lean-fetch.ts'
import { keyLifetimes } from '../support/redis-dump.ts'
import { startRedis } from '../support/redis-server.ts'
import { figure } from './figure.ts'
import { live } from './knowing-client.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { openRoughUpstream } from './rough-upstream.ts'
import { slopeOf } from './slope.ts'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** How long it takes, the filling of the caches included. */
const seconds = Number(process.env.SOAK_SECONDS ?? 600)

/** A little more than each of our caches holds: what grows after that is no cache. */
const enough = seconds < 300 ? seconds * 2 : 10_500

async function open() {
  const redis = await startRedis('--appendonly', 'no')
  closing.push(() => redis.close())
  // Nothing goes wrong with it: its upstream tokens are due a moment after they came.
  const upstream = openRoughUpstream()
  closing.push(() => upstream.close())
  const lean = openLeanFetch(24)
  closing.push(() => lean.close())
  const hosts = await startHosts({
    count: 2,
    store: { kind: 'redis', url: redis.url },
    mode: 'github-app',
    silent: true,
    upstreamAt: (url) => upstream.before(url),
    send: lean.fetch,
  })
  closing.push(() => hosts.close())
  return { redis, hosts }
}

/** Fills every cache with clients, transactions and grants that nobody comes back for. */
function fill(hosts: Hosts): Promise<number[]> {
  const way = { authorize: hosts, consent: hosts, callback: hosts }
  return atMost(24, Array(enough).keys(), () =>
    persist(async () => {
      const clientId = await register(hosts)
      const tokens = await readTokens(await redeem(hosts, clientId, await takeCode(hosts, clientId, way)))
      return toolStatus(hosts, tokens.access_token)
    }),
  )
}

interface Reading {
  readonly minute: number
  readonly hosts: readonly HostMeasure[]
}

/** Lets 24 clients live one life after the other, unhurried; what was read every 5 s. */
async function soak(hosts: Hosts, ledger: Ledger, until: number): Promise<Reading[]> {
  const isOver = (): boolean => performance.now() > until
  const world = { hosts, ledger, isOver, isRough: () => false, isUpstreamRough: () => false, isLost: () => false, pauseMs: 40 }
  const readings: Reading[] = []
  const lives = Array.from({ length: 24 }, async () => {
    while (!isOver()) await live(world)
  })
  while (!isOver()) {
    readings.push({ minute: performance.now() / 60_000, hosts: await measure(hosts) })
    await sleep(5_000)
  }
  await Promise.all(lives)
  return readings
}

const measure = (hosts: Hosts): Promise<HostMeasure[]> => Promise.all(hosts.all.map((host) => host.measure()))

/** What is left when nobody asks anything: connections that are kept go after 5 s. */
async function atRest(hosts: Hosts): Promise<number[]> {
  await sleep(7_000)
  return (await measure(hosts)).map(({ resources }) => resources)
}

it('ten minutes of everything on two hosts leave memory, handles and keys as they have to be, and fail nobody (REL-R25)', async () => {
  const until = performance.now() + seconds * 1_000
  const { redis, hosts } = await open()
  expect(new Set(await fill(hosts))).toEqual(new Set([200]))
  const before = await atRest(hosts)
  const ledger = openLedger()
  const readings = await soak(hosts, ledger, until)
  const now = readings.at(-1)
  const [keys, after] = [await keyLifetimes(redis.port), await atRest(hosts)]

  const slopes = hosts.all.map((_, index) => ({
    rss: slopeOf(readings.map(({ minute, hosts }) => ({ minute, value: (hosts[index]?.rss ?? 0) / 1e6 }))),
    heap: slopeOf(readings.map(({ minute, hosts }) => ({ minute, value: (hosts[index]?.heapUsed ?? 0) / 1e6 }))),
  }))
  // A transaction lives for a quarter of an hour, a client and its place in the lists for long, a grant until it is revoked.
  const living = enough + ledger.served.redeem - ledger.served.revoke
  // The deployment, the lists of clients, and that of the one person who signs in.
  const always = 1 + 64 + 1
  const expected = always + (enough + ledger.served.register) + (enough + ledger.served.consent) + 2 * living

  figure(`Requests in ${seconds} s on 2 hosts, after ${enough} logins that filled the caches`, ledger.requests)
  figure('Answers of status 5xx, and wrongful ones', `${ledger.held}, ${ledger.wrongful.length}`)
  slopes.forEach(({ rss, heap }, index) => {
    figure(`Memory slope of host ${index + 1}: resident, and heap after collection`, `${rss.toFixed(2)}, ${heap.toFixed(2)} MB a minute`)
    figure(`Resident memory of host ${index + 1} in the end`, `${Math.round((now?.hosts[index]?.rss ?? 0) / 1e6)} MB`)
  })
  figure('Handles of each host at rest, before and after', `${before}; ${after}`)
  figure('Keys in Redis: expected and found', `${expected}, ${keys.count}`)

  expect(ledger.wrongful).toEqual([])
  expect(ledger.held).toBe(0)
  expect(after).toEqual(before)
  expect(keys.endless).toBe(0)
  expect(Math.abs(keys.count - expected)).toBeLessThan(expected / 100)
  // Of less than some minutes a slope says nothing.
  if (seconds >= 300) for (const { rss } of slopes) expect(rss).toBeLessThan(1)
})
