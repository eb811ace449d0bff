import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askToRegister, callTool, comeBack, login, loginOften, refresh, toolStatus } from '../hosts/client.ts'
import { type Host, type Hosts, startHosts } from '../hosts/hosts.ts'
import { atMost } from '../support/at-most.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { figure } from './figure.ts'

let redis: RedisServer
let hosts: Hosts
beforeEach(async () => {
  redis = await startRedis()
  hosts = await startHosts({ count: 2, store: { kind: 'redis', url: redis.url } })
})
afterEach(async () => {
  await hosts?.close()
  await redis?.close()
})

/** How long Redis is away, in milliseconds: short and long, because who connects again waits longer each time. */
const absences = [200, 700, 1_300, 2_600] as const

/** Asks each host until its answers have been good for half a second; how many milliseconds went by until the first of these. */
async function recoveryOf(ask: (host: Host) => Promise<Response>): Promise<number> {
  const began = performance.now()
  const recoveries = hosts.all.map(async (host) => {
    let goodAt: number | undefined
    while (goodAt === undefined || performance.now() - goodAt < 500) {
      const answer = await ask(host)
      await answer.text()
      goodAt = answer.ok ? (goodAt ?? performance.now()) : undefined
      if (goodAt === undefined && performance.now() - began > 10_000) return Number.POSITIVE_INFINITY
      await sleep(20)
    }
    return goodAt - began
  })
  return Math.max(...(await Promise.all(recoveries)))
}

/** The worst recovery of several absences. */
async function worstOf(leave: () => Promise<void> | void, comeAgain: () => Promise<void> | void, ask: (host: Host) => Promise<Response>) {
  let worst = 0
  for (const absence of absences) {
    await leave()
    // Somebody asks all the while, so that the hosts know.
    const asking = Promise.all(hosts.all.map(ask))
    await sleep(absence)
    await comeAgain()
    const recovery = await recoveryOf(ask)
    await asking
    worst = Math.max(worst, recovery)
  }
  return Math.round(worst)
}

describe('two processes whose Redis comes back', () => {
  it.each([
    ['with its data', () => redis.kill(), () => redis.start()],
    ['thawed', () => redis.freeze(), () => redis.thaw()],
  ])('%s: go on within 2 s without a restart (REL-R6)', async (how, leave, comeAgain) => {
    const { tokens } = await login(hosts)
    const worst = await worstOf(leave, comeAgain, (host) => callTool(host, tokens.access_token))
    figure(`Time to recover after Redis came back ${how}, the worst of ${absences.length} times`, `${worst} ms`)
    expect(worst).toBeLessThan(2_000)
  })

  it('empty: serve whoever comes anew within 2 s without a restart (REL-R6)', async () => {
    const worst = await worstOf(
      () => redis.kill(),
      () => redis.startEmpty(),
      (host) => askToRegister(host),
    )
    figure(`Time to recover after Redis came back empty, the worst of ${absences.length} times`, `${worst} ms`)
    expect(worst).toBeLessThan(2_000)
    const { tokens } = await login(hosts)
    for (const host of hosts.all) expect(await toolStatus(host, tokens.access_token)).toBe(200)
  })
})

describe('500 sessions that come back in one moment', () => {
  it('are all served within 10 s of a restart of every process, at the latest when they ask again (REL-R29)', async () => {
    const sessions = await loginOften(hosts, 500)
    await hosts.restart()
    const begin = performance.now()
    const statuses = await atMost(160, sessions, async ({ clientId, tokens }) => {
      const answer = await comeBack(() => refresh(hosts, clientId, tokens.refresh_token))
      await answer.text()
      return answer.status
    })
    const took = Math.round(performance.now() - begin)
    figure('Until 500 sessions that came at once after a restart of 2 processes were refreshed', `${took} ms`)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(took).toBeLessThan(10_000)
  })
})
