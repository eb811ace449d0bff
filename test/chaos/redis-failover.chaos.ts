import { setTimeout as sleep } from 'node:timers/promises'
import { redisStore } from '@drawbridge/storage'
import { afterEach, describe, expect, it } from 'vitest'
import { type LoggedIn, login, loginOften, refresh, toolStatus } from '../hosts/client.ts'
import { type Hosts, startHosts } from '../hosts/hosts.ts'
import type { HostStore } from '../hosts/messages.ts'
import { type Exchange, startTraffic, type Traffic } from '../hosts/traffic.ts'
import { atMost } from '../support/at-most.ts'
import { connected } from '../support/connected.ts'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { type RedisSentinels, startRedisSentinels } from '../support/redis-sentinel.ts'
import { redisCommand } from '../support/redis-server.ts'
import { figure } from './figure.ts'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work()
})

/** Two hosts with people and clients, and sessions that have been there for a while. */
async function busyHosts(store: HostStore): Promise<{ hosts: Hosts; sessions: LoggedIn[]; traffic: Traffic }> {
  const hosts = await startHosts({ count: 2, store })
  cleanUp.push(() => hosts.close())
  const sessions = await loginOften(hosts, 20)
  const traffic = startTraffic(hosts, {
    verifying: await login(hosts),
    refreshing: await login(hosts),
    clientId: sessions[0]?.clientId ?? '',
  })
  await sleep(1_000)
  return { hosts, sessions, traffic }
}

const isGood = ({ status, error }: Exchange): boolean => status < 400 && error === undefined

/** What the guide says of a login that was under way: a part of it may be gone, and the person logs in again. */
const isLostLogin = ({ kind, status }: Exchange): boolean => kind === 'login' && status === 400

/** Only 503 that says when to come again; from 2 s after `served` on, nothing but good. Answers how many were told to come again. */
function judge({ exchanges }: Traffic, served: number): number {
  const bad = exchanges.filter((exchange) => !isGood(exchange) && !isLostLogin(exchange))
  const told = new Set(bad.map(({ status, error, challenge, retryAfter }) => `${status} ${error} ${challenge} ${Number(retryAfter) > 0}`))
  expect([...told].filter((line) => line !== '503 temporarily_unavailable null true')).toEqual([])
  const after = exchanges.filter(({ began }) => began > served + 2_000)
  expect(after.length).toBeGreaterThan(20)
  expect(after.filter((exchange) => !isGood(exchange))).toEqual([])
  return bad.length
}

/** When the last request that was told to come again began, after `since`, in milliseconds. */
const recovery = ({ exchanges }: Traffic, since: number): number =>
  Math.round(Math.max(0, ...exchanges.filter((exchange) => !isGood(exchange)).map(({ began, took }) => began + took - since)))

async function expectAllThere(hosts: Hosts, sessions: readonly LoggedIn[]): Promise<void> {
  for (const { clientId, tokens } of sessions) {
    expect(await toolStatus(hosts, tokens.access_token)).toBe(200)
    expect((await refresh(hosts, clientId, tokens.refresh_token)).status).toBe(200)
  }
}

const isPrimary = async (port: number): Promise<boolean> => (await redisCommand(port, 'ROLE').catch(() => '')).includes('master')

describe('a failover by Sentinel, under traffic of two hosts', () => {
  it.each(['killed', 'frozen', 'demoted by hand'] as const)(
    'of a primary that is %s: 503 and nothing worse, and served within 2 s of the new one (REL-R31)',
    async (how) => {
      const sentinels = await startRedisSentinels()
      cleanUp.push(() => sentinels.close())
      const { hosts, sessions, traffic } = await busyHosts({ kind: 'redis-nodes', target: sentinels.target })
      const [old] = sentinels.nodes
      const began = performance.now()
      await { killed: () => old.kill(), frozen: async () => old.freeze(), 'demoted by hand': () => sentinels.failOver() }[how]()
      await expect
        .poll(async () => (await sentinels.primaryPort()) !== old.port && isPrimary(await sentinels.primaryPort()), {
          timeout: 30_000,
          interval: 20,
        })
        .toBe(true)
      const served = performance.now()
      // A primary that was demoted by hand is told seconds later, and drops what it took in between.
      await sleep(how === 'demoted by hand' ? 12_000 : 4_000)
      await traffic.stop()
      const told = judge(traffic, served)
      await expectAllThere(hosts, sessions)
      figure(`Sentinel, primary ${how}: milliseconds until there was another`, Math.round(served - began))
      figure(`Sentinel, primary ${how}: milliseconds from then until every request was served`, recovery(traffic, served))
      figure(`Sentinel, primary ${how}: requests told to come again, of ${traffic.exchanges.length}`, told)
      figure(`Sentinel, primary ${how}: logins under way that began again`, traffic.exchanges.filter(isLostLogin).length)
    },
  )
})

/** Writes as fast as it can while `happen` goes on; answers how many writes were won and are not there `when` it is over. */
async function lostWrites(sentinels: RedisSentinels, happen: () => Promise<void>): Promise<{ won: number; lost: number }> {
  const store = redisStore(sentinels.target)
  await connected(store)
  const won: string[] = []
  let going = true
  const writing = Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      for (let nth = 0; going; nth += 1) {
        const name = `failover:record:${writer}-${nth}`
        if (await store.set(name, 'won', 3600, undefined).catch(() => undefined)) won.push(name)
        await sleep(5)
      }
    }),
  )
  await sleep(500)
  await happen()
  going = false
  await writing
  const found = await atMost(50, won, (name) => store.get(name))
  await store.close()
  return { won: won.length, lost: found.filter((entry) => entry === undefined).length }
}

describe('writes that were answered, around a failover', () => {
  it.each([
    ['by hand', [], false],
    ['by hand, with min-replicas-to-write 1', ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '2'], false],
    ['by hand, with a pause of writes before it', [], true],
  ])('%s: are lost only as the guide says (REL-R31)', async (what, settings, paused) => {
    const sentinels = await startRedisSentinels({ twoReplicas: true, settings })
    cleanUp.push(() => sentinels.close())
    const [old] = sentinels.nodes
    const { won, lost } = await lostWrites(sentinels, async () => {
      if (paused) await redisCommand(old.port, 'CLIENT', 'PAUSE', '5000', 'WRITE')
      await sentinels.failOver()
      await expect.poll(() => sentinels.primaryPort(), { timeout: 30_000 }).not.toBe(old.port)
      await expect.poll(() => isPrimary(old.port), { timeout: 30_000 }).toBe(false)
      await sleep(500)
    })
    if (paused) expect(lost).toBe(0)
    figure(`writes answered and lost in a failover ${what}, of ${won}`, lost)
    expect(won).toBeGreaterThan(200)
    expect(lost).toBeLessThan(won)
  })
})

describe('a node of a Cluster that is killed, under traffic of two hosts', () => {
  const primaryOf = (cluster: RedisCluster) => {
    const [node] = cluster.primaries
    if (!node) throw new RangeError('no node')
    return node
  }
  const toolStatuses = (hosts: Hosts, sessions: readonly LoggedIn[]) =>
    Promise.all(sessions.map(({ tokens }) => toolStatus(hosts, tokens.access_token)))

  it('takes what is on it with it, and nothing else; all is back within 2 s of it (REL-R31)', async () => {
    const cluster = await startRedisCluster({ nodeTimeout: 500 })
    cleanUp.push(() => cluster.close())
    const { hosts, sessions, traffic } = await busyHosts({ kind: 'redis-nodes', target: cluster.target })
    const node = primaryOf(cluster)
    await node.kill()
    await sleep(1_500)
    const during = await toolStatuses(hosts, sessions)
    expect(new Set(during)).toEqual(new Set([200, 503]))
    await node.start()
    await expect.poll(() => redisCommand(node.port, 'CLUSTER', 'INFO'), { timeout: 20_000, interval: 20 }).toContain('cluster_state:ok')
    const served = performance.now()
    await sleep(4_000)
    await traffic.stop()
    const told = judge(traffic, served)
    await expectAllThere(hosts, sessions)
    figure('Cluster, one of three nodes killed: sessions that it had, of 20', during.filter((status) => status === 503).length)
    figure('Cluster, node back: milliseconds until every request was served', recovery(traffic, served))
    figure(`Cluster, node killed and started: requests told to come again, of ${traffic.exchanges.length}`, told)
  })

  it('is replaced by its replica, which hosts find within 2 s (REL-R31)', async () => {
    const cluster = await startRedisCluster({ replicas: true, nodeTimeout: 500 })
    cleanUp.push(() => cluster.close())
    const { hosts, sessions, traffic } = await busyHosts({ kind: 'redis-nodes', target: cluster.target })
    const began = performance.now()
    await primaryOf(cluster).kill()
    const replica = cluster.replicas[0]?.port ?? 0
    await expect.poll(() => isPrimary(replica), { timeout: 30_000, interval: 20 }).toBe(true)
    const served = performance.now()
    await sleep(4_000)
    await traffic.stop()
    const told = judge(traffic, served)
    await expectAllThere(hosts, sessions)
    figure('Cluster, primary killed: milliseconds until its replica had taken over', Math.round(served - began))
    figure('Cluster, primary killed: milliseconds from then until every request was served', recovery(traffic, served))
    figure(`Cluster, primary killed and replaced: requests told to come again, of ${traffic.exchanges.length}`, told)
  })
})
