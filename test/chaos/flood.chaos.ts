import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { askToRegister, authorizePath, callTool, type LoggedIn, loginOften } from '../hosts/client.ts'
import { type Hosts, type HostsOptions, startHosts } from '../hosts/hosts.ts'
import { atMost } from '../support/at-most.ts'
import { openLeanFetch } from '../support/lean-fetch.ts'
import { keyLifetimes } from '../support/redis-dump.ts'
import { redisCommand, startRedis } from '../support/redis-server.ts'
import { figure } from './figure.ts'
import { quantile } from './ledger.ts'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const cap = 32

async function start(options: NonNullable<HostsOptions['options']>) {
  // Nothing here outlives this Redis, so it need not wait for the disk.
  const redis = await startRedis('--appendonly', 'no', '--maxmemory', `${cap}mb`, '--maxmemory-policy', 'noeviction')
  closing.push(() => redis.close())
  const lean = openLeanFetch(32)
  closing.push(() => lean.close())
  const hosts = await startHosts({ count: 3, store: { kind: 'redis', url: redis.url }, silent: true, options, send: lean.fetch })
  closing.push(() => hosts.close())
  return { redis, hosts }
}

/** How often each answer came. */
type Counts = Record<string, number>

/** Registers so often, many at a time. */
async function flood(hosts: Hosts, count: number): Promise<Counts> {
  const counts: Counts = {}
  await atMost(48, Array(count).keys(), async () => {
    const { status, headers } = await askToRegister(hosts)
    const answer = status === 201 ? '201' : `${status} ${Number(headers.get('retry-after')) >= 1 ? 'come again' : 'and nothing else'}`
    counts[answer] = (counts[answer] ?? 0) + 1
  })
  return counts
}

/** What others do meanwhile: calls of tools, and logins that begin. Stops when `until` is done. */
async function goOn(hosts: Hosts, sessions: readonly LoggedIn[], until: Promise<unknown>): Promise<{ counts: Counts; took: number[] }> {
  const [counts, took]: [Counts, number[]] = [{}, []]
  let over = false
  void until.finally(() => {
    over = true
  })
  for (let turn = 0; !over; turn += 1) {
    const { clientId, tokens } = sessions[turn % sessions.length] ?? {}
    const began = performance.now()
    const answers = [await callTool(hosts, tokens?.access_token ?? ''), await hosts.fetch(authorizePath(clientId ?? ''))]
    took.push((performance.now() - began) / 2)
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
    await sleep(50)
  }
  return { counts, took }
}

/** A busy machine may keep one waiting for once; nobody is refused. */
function expectServed(counts: Counts): void {
  expect(Object.keys(counts).filter((status) => status !== '200' && status !== '503')).toEqual([])
  expect(counts['503'] ?? 0).toBeLessThanOrEqual((counts['200'] ?? 0) / 20)
}

const usedMemory = async (port: number): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(await redisCommand(port, 'INFO', 'memory'))?.[1]) / 1e6

it('50,000 registrations fill Redis up to its limit and no further; all of them end by themselves, and others go on (T41, REL-R28, REL-R24)', async () => {
  const { redis, hosts } = await start({})
  const sessions = await loginOften(hosts, 20)
  const flooding = flood(hosts, 50_000)
  const others = await goOn(hosts, sessions, flooding)
  const counts = await flooding
  const memory = await usedMemory(redis.port)
  figure(
    'Registrations tried in a flood on 3 processes without limits',
    Object.values(counts).reduce((sum, count) => sum + count, 0),
  )
  figure(`Taken, until a Redis of ${cap} MB was full; answered 503 after that`, `${counts['201']}, ${counts['503 come again'] ?? 0}`)
  figure('Memory of that Redis afterwards', `${memory.toFixed(1)} MB`)
  figure('Calls and logins of others during the flood, p50 and p99', `${quantile(others.took, 0.5)} ms, ${quantile(others.took, 0.99)} ms`)
  expect(Object.keys(counts).sort()).toEqual(['201', '503 come again'])
  // In MB of a million bytes. Redis looks before a write, and what its clients send and are sent comes on top.
  expect(memory).toBeLessThan(cap * 1.049 * 1.1)
  expectServed(others.counts)
  const keys = await keyLifetimes(redis.port)
  expect(keys.endless).toBe(0)
  for (const { tokens } of sessions) expect((await callTool(hosts, tokens.access_token)).status).toBe(200)
})

it('10,000 registrations from one address are held off with 429 from the 121st on, in each process, and others go on (T41, REL-R28)', async () => {
  const { redis, hosts } = await start({ limits: {} })
  const sessions = await loginOften(hosts, 5)
  const flooding = flood(hosts, 10_000)
  const others = await goOn(hosts, sessions, flooding)
  const counts = await flooding
  figure('Of 10,000 registrations from one address on 3 processes with the default limits, taken', counts['201'] ?? 0)
  figure('Calls of others during that flood, p50 and p99', `${quantile(others.took, 0.5)} ms, ${quantile(others.took, 0.99)} ms`)
  expect(counts['201']).toBeLessThanOrEqual(2 * 3 * 120)
  expect(counts['429 come again']).toBeGreaterThan(9_000)
  expect(counts).not.toHaveProperty('429 and nothing else')
  expect((await keyLifetimes(redis.port)).endless).toBe(0)
  expectServed(others.counts)
})
