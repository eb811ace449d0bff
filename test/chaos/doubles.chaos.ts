import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { comeBack, login, persist, redeem, refresh, register, takeCodes } from '../hosts/client.ts'
import { type Hosts, startHosts } from '../hosts/hosts.ts'
import type { HostStore } from '../hosts/messages.ts'
import { atMost } from '../support/at-most.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { figure } from './figure.ts'

// What the races of test/hosts hold against production, run on hosts that are built wrongly: each has to be found. The others of
// this kind are in test/hosts/races.test.ts (get, then delete), test/chaos/faults.chaos.ts (swallowed errors),
// test/hosts/kill.test.ts, and, as shrunk sequences of steps, in test/model/model.test.ts (no grace).

let redis: RedisServer
let hosts: Hosts | undefined
beforeAll(async () => {
  redis = await startRedis('--appendonly', 'no')
})
afterEach(async () => {
  await hosts?.close()
  hosts = undefined
})
afterAll(() => redis?.close())

async function start(kind: 'redis' | 'frees-leases' | 'hides-lost-races'): Promise<Hosts> {
  const store: HostStore = { kind, url: redis.url }
  hosts = await startHosts({ count: 4, store, mode: 'github-app' })
  return hosts
}

/** Lets all hosts refresh one session at once, each time when its upstream token is due; how often the upstream was asked, each time. */
async function upstreamCalls(house: Hosts, rounds: number): Promise<number[]> {
  const { clientId, tokens } = await login(house)
  let token = tokens.refresh_token
  const calls: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    await house.advance(28_800 - 60)
    const before = house.github.calls('token')
    const answers = await Promise.all(house.all.map((host) => comeBack(() => refresh(host, clientId, token))))
    const bodies = await Promise.all(answers.map((answer) => answer.json()))
    calls.push(house.github.calls('token') - before)
    token = bodies.find((body) => body.refresh_token !== undefined)?.refresh_token ?? token
  }
  return calls
}

/** Gives each code to all hosts at once; how many of them redeemed it. */
async function redemptions(house: Hosts, count: number): Promise<number[]> {
  const clientId = await persist(() => register(house))
  return atMost(6, await takeCodes(house, clientId, count), async (code) => {
    const answers = await Promise.all(house.all.map((host) => redeem(host, clientId, code)))
    await Promise.all(answers.map((answer) => answer.text()))
    return answers.filter(({ status }) => status === 200).length
  })
}

describe('four hosts', () => {
  it('ask the upstream once, and more than once without a lease (REL-R21)', async () => {
    const good = await upstreamCalls(await start('redis'), 10)
    expect(good).toEqual(good.map(() => 1))
    await hosts?.close()
    const bad = await upstreamCalls(await start('frees-leases'), 3)
    expect(Math.max(...bad)).toBeGreaterThan(1)
    figure('upstream refreshes of four hosts that have no lease, at most', Math.max(...bad))
  })

  it('redeem a code once, and more than once where a lost race is an answer (REL-R1)', async () => {
    const good = await redemptions(await start('redis'), 30)
    expect(good).toEqual(good.map(() => 1))
    await hosts?.close()
    const bad = await redemptions(await start('hides-lost-races'), 30)
    const twice = bad.filter((winners) => winners > 1).length
    expect(twice).toBeGreaterThan(5)
    figure('codes that are redeemed more than once, of 30, where a lost race is an answer', twice)
  })
})
