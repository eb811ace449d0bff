import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { persist, readTokens, redeem, refresh, register, takeCode, toolStatus } from './client.ts'
import { type Hosts, startHosts } from './hosts.ts'

// Processes start, and wait for each other; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const skews = [5, -5, 31, -31]

let redis: RedisServer
let hosts: Hosts
beforeAll(async () => {
  redis = await startRedis()
  hosts = await startHosts({ count: 4, store: { kind: 'redis', url: redis.url }, skewOf: (index) => skews[index] ?? 0, whenReady: false })
})
afterAll(async () => {
  await hosts?.close()
  await redis?.close()
})

describe('hosts whose clocks are 5 s ahead, 5 s behind, 31 s ahead and 31 s behind that of their Redis (REL-R10)', () => {
  it('are ready while they agree within 5 s, and not when they are 31 s apart, and tell of it', async () => {
    const ready = async () => Promise.all(hosts.all.map(async (host) => (await host.fetch('/ready')).status))
    await expect.poll(ready, { timeout: 10_000 }).toEqual([200, 200, 503, 503])
    const told = hosts.all.map(({ events }) => events.flatMap((event) => (event.type === 'clock.skewed' ? event.seconds : [])))
    // The store's second may have ended on the way to it.
    expect(told).toEqual([[], [], [expect.toSatisfy((is) => is === 31 || is === 30)], [expect.toSatisfy((is) => is === -31 || is === -30)]])
  })

  it('serve one login, of the two that agree within 5 s, in turn', async () => {
    const [early, late] = [hosts.at(0), hosts.at(1)]
    for (const [a, b] of [
      [early, late],
      [late, early],
    ] as const) {
      const tokens = await persist(async () => {
        const clientId = await register(a)
        const code = await takeCode(hosts, clientId, { authorize: b, consent: a, callback: b })
        const first = await readTokens(await redeem(a, clientId, code))
        return readTokens(await refresh(b, clientId, first.refresh_token))
      })
      expect([await toolStatus(a, tokens.access_token), await toolStatus(b, tokens.access_token)]).toEqual([200, 200])
    }
  })
})
