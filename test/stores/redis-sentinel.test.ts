import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '@drawbridge/core'
import { createFernetKey, encrypted, fernet, redisStore } from '@drawbridge/storage'
import { directoryContract, type StoreHarness, storeContract } from '@drawbridge/storage/contract'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { connected } from '../support/connected.ts'
import { type RedisSentinels, startRedisSentinels } from '../support/redis-sentinel.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

let sentinels: RedisSentinels
beforeAll(async () => {
  // Nobody fails over unless told to: an outage is to stay one.
  sentinels = await startRedisSentinels({ downAfter: 60_000 })
})
afterAll(() => sentinels?.close())

const advance = (by: number) => sleep(by * 1000)
const key = createFernetKey()

const stores: Record<string, () => Store> = {
  redisStore: () => redisStore(sentinels.target),
  'encrypted redisStore': () => encrypted(redisStore(sentinels.target), fernet(key)),
}

for (const [name, make] of Object.entries(stores)) {
  describe.concurrent(`${name} by Sentinel`, () => {
    let harness: StoreHarness
    beforeAll(async () => {
      harness = { store: make(), advance }
      await connected(harness.store)
    })
    for (const clause of storeContract) it(clause.name, () => clause.run(harness))
    for (const clause of directoryContract) {
      it(`its directory ${clause.name}`, async () => {
        const { directory } = harness.store
        if (!directory) throw new Error('no directory')
        await clause.run({ directory, advance })
      })
    }
  })
}

describe('redisStore by Sentinel', () => {
  it('goes to the new primary as soon as there is one, though the old one would still take what it loses (REL-R31)', async () => {
    const store = redisStore(sentinels.target)
    await connected(store)
    await sentinels.failOver()
    // Read at the one that was promoted: the other one is told only seconds later that it is a replica, and drops all of its own.
    let writes = 0
    const arrives = async (): Promise<boolean> => {
      const name = `failover:record:${writes}`
      writes += 1
      await store.set(name, 'new', 3600, undefined).catch(() => {})
      return (await sentinels.textAt(1, name)).includes('new')
    }
    await expect.poll(() => sentinels.primaryPort(), { timeout: 10_000 }).toBe(sentinels.nodes[1].port)
    await expect.poll(arrives, { timeout: 6_000 }).toBe(true)
    await store.close()
  })
})
