import { setTimeout as sleep } from 'node:timers/promises'
import { type Store, StoreUnavailable } from '@drawbridge/core'
import { createFernetKey, encrypted, fernet, keyvStore, type RedisStore, redisStore } from '@drawbridge/storage'
import { directoryContract, type StoreHarness, storeContract } from '@drawbridge/storage/contract'
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { connected } from '../support/connected.ts'
import { moveSlot, type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { redisCommand } from '../support/redis-server.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster?.close())

const advance = (by: number) => sleep(by * 1000)
const key = createFernetKey()

const stores: Record<string, () => Store> = {
  redisStore: () => redisStore(cluster.target),
  'encrypted redisStore': () => encrypted(redisStore(cluster.target), fernet(key)),
  'keyvStore over KeyvRedis': () => keyvStore(new Keyv({ store: new KeyvRedis(cluster.target) })),
}

for (const [name, make] of Object.entries(stores)) {
  describe.concurrent(`${name} on a Cluster`, () => {
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

describe('redisStore on a Cluster', () => {
  let store: RedisStore
  beforeAll(async () => {
    store = redisStore(cluster.target)
    await connected(store)
  })
  afterAll(() => store?.close())

  /** A name whose slot is on the first node, and another one on the second. */
  async function nameOn(index: number): Promise<string> {
    for (let at = 0; ; at += 1)
      if ((await cluster.ownerOf(`moved:record:${index}-${at}`)) === cluster.primaries[index]) return `moved:record:${index}-${at}`
  }
  const nodeAt = (index: number) => cluster.primaries[index] ?? cluster.primaries[0]

  it('follows a slot that moves to another node while it is read and written, and loses nothing (REL-R31)', async () => {
    const name = await nameOn(0)
    const [from, to] = [nodeAt(0), nodeAt(1)]
    if (!from || !to) throw new RangeError('no node')
    let seen = await store.set(name, '0', 3600, undefined)
    await moveSlot(name, from, to, async () => {
      // What is still there is served there; what is new in the slot is asked for at the other one (`ASK`), by scripts it has never seen.
      await redisCommand(to.port, 'SCRIPT', 'FLUSH')
      seen = await store.set(name, '1', 3600, seen)
      const fresh = `fresh:record:{${name}}`
      const created = await store.set(fresh, 'new', 3600, undefined)
      expect((await store.get(fresh))?.version).toBe(created?.version)
      expect(await store.set(fresh, 'again', 3600, undefined)).toBeUndefined()
    })
    expect((await store.get(name))?.value).toBe('1')
    expect((await store.set(name, '2', 3600, seen))?.value).toBe('2')
    expect((await store.get(`fresh:record:{${name}}`))?.value).toBe('new')
  })

  it('rejects what is on a node that is away, and serves what is on the others', async () => {
    const [away, there] = [await nameOn(1), await nameOn(2)]
    await store.set(away, 'kept', 3600, undefined)
    nodeAt(1)?.freeze()
    for (let round = 0; round < 6; round += 1) {
      await expect(store.get(away)).rejects.toThrow(StoreUnavailable)
      expect(await store.set(`${there}:{${there}}:${round}`, 'here', 3600, undefined)).toBeDefined()
    }
    nodeAt(1)?.thaw()
    await expect
      .poll(
        () =>
          store.get(away).then(
            (entry) => entry?.value,
            () => undefined,
          ),
        { timeout: 5_000 },
      )
      .toBe('kept')
  })
})
