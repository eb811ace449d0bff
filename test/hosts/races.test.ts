import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { atMost } from '../support/at-most.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { callTool, comeBack, login, loginOften, readTokens, refresh } from './client.ts'
import { type Hosts, startHosts } from './hosts.ts'
import { goodRounds, raceCodes, raceRefreshes } from './races.ts'

// Processes start, and wait for each other; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let redis: RedisServer
let hosts: Hosts
beforeAll(async () => {
  // Nothing here outlives this Redis, so it need not wait for the disk.
  redis = await startRedis('--appendonly', 'no')
  hosts = await startHosts({ count: 4, store: { kind: 'redis', url: redis.url }, mode: 'github-app' })
})
afterAll(async () => {
  await hosts?.close()
  await redis?.close()
})

describe('four processes that get the same code at once', () => {
  it('redeem each of 40 exactly once (R104, REL-R1)', async () => {
    const { winners, losers } = await raceCodes(hosts, 40)
    expect(winners).toEqual(Array.from({ length: 40 }, () => 1))
    expect(losers).toEqual(new Set(['400 invalid_grant']))
  })

  it('redeem codes more than once on a store that looks and then writes: it is a race that can be lost', async () => {
    const careless = await startHosts({ count: 4, store: { kind: 'looks-then-writes', url: redis.url } })
    const { winners } = await raceCodes(careless, 20)
    await careless.close()
    expect(winners.filter((count) => count > 1).length).toBeGreaterThan(1)
  })
})

describe('four processes that have one grant to look after', () => {
  it('answer one refresh token, 20 times, with one successor, and ask the upstream once where it is due (REL-R2)', async () => {
    const { rounds, waits } = await raceRefreshes(hosts, await login(hosts), 20)
    expect(rounds).toEqual(goodRounds(20))
    // None, unless the machine has other things to do.
    expect(waits).toBeLessThan(10)
  })

  it('ask the upstream once for each of ten grants, in 1,000 calls that find its token due (REL-R21)', async () => {
    const sessions = await loginOften(hosts, 10)
    await hosts.advance(28_800 - 400)
    const tokens = await atMost(5, sessions, async (session) =>
      readTokens(await comeBack(() => refresh(hosts, session.clientId, session.tokens.refresh_token))),
    )
    const refreshed = () => hosts.all.flatMap(({ events }) => events).filter(({ type }) => type === 'upstream.refreshed').length
    const before = { calls: hosts.github.calls('token'), refreshed: refreshed() }
    await hosts.advance(200)
    const calls = tokens.flatMap((each) => Array.from({ length: 100 }, () => each.access_token))
    const statuses = await atMost(40, calls, async (accessToken) => {
      const answer = await comeBack(() => callTool(hosts, accessToken))
      await answer.text()
      return answer.status
    })
    expect(new Set(statuses)).toEqual(new Set([200]))
    await expect.poll(() => refreshed() - before.refreshed, { timeout: 5_000 }).toBe(10)
    expect(hosts.github.calls('token') - before.calls).toBe(10)
  })
})
