import { setTimeout as sleep } from 'node:timers/promises'
import { type Store, StoreUnavailable, systemEnvironment } from '@drawbridge/core'
import { createFernetKey, encrypted, fernet, keyvStore, redisStore } from '@drawbridge/storage'
import { directoryContract, outageContract, type StoreHarness, storeContract } from '@drawbridge/storage/contract'
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connected } from '../support/connected.ts'
import { type RedisServer, redisCommand, startRedis } from '../support/redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.close())

const advance = (by: number) => sleep(by * 1000)

const key = createFernetKey()

const stores: Record<string, (url: string) => Store> = {
  redisStore: (url) => redisStore(process.env.REDIS_URL ?? url),
  'redisStore over an adapter': (url) => redisStore(new KeyvRedis(url)),
  'keyvStore over KeyvRedis': (url) => keyvStore(new Keyv({ store: new KeyvRedis(url) })),
  'encrypted redisStore': (url) => encrypted(redisStore({ url }), fernet(key)),
}

for (const [name, make] of Object.entries(stores)) {
  describe.concurrent(name, () => {
    let harness: StoreHarness
    beforeAll(async () => {
      harness = { store: make(server.url), advance }
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

describe.each(['killed', 'frozen'] as const)('redisStore while Redis is %s', (how) => {
  let own: RedisServer
  beforeAll(async () => {
    own = await startRedis()
  })
  afterAll(() => own.close())
  for (const clause of outageContract) {
    it(clause.name, async () => {
      const store = redisStore(own.url)
      await connected(store)
      await clause.run({
        store,
        breakDown: async () => (how === 'killed' ? own.kill() : own.freeze()),
        async repair() {
          if (how === 'killed') await own.start()
          else own.thaw()
          // Back within 2 s (REL-R6), without a restart of ours.
          await connected(store)
        },
      })
    })
  }
})

describe('redisStore', () => {
  it('keeps a list until the last of its members ends, in whole seconds, whatever it was told (REL-R24)', async () => {
    const store = redisStore(server.url)
    await store.directory?.add('d:list:fraction', 'a', 1.5)
    expect(await redisCommand(server.port, 'PTTL', 'd:list:fraction')).toMatch(/^:(1\d{3}|2000)\r\n$/)
    expect((await store.directory?.list('d:list:fraction', undefined, 10))?.members).toEqual(['a'])
    await store.close()
  })

  it('goes on when Redis has forgotten its scripts (REL-R31)', async () => {
    const store = redisStore(server.url)
    await store.set('contract:record:scripts', 'one', 60, undefined)
    await redisCommand(server.port, 'SCRIPT', 'FLUSH')
    expect(await store.set('contract:record:other', 'two', 60, undefined)).toBeDefined()
    await store.close()
  })

  it.each([
    ['read-only', ['REPLICAOF', '127.0.0.1', '1']],
    ['full', ['CONFIG', 'SET', 'maxmemory', '1']],
    ['in want of a password', ['CONFIG', 'SET', 'requirepass', 'secret']],
    ['without the replicas it must have', ['CONFIG', 'SET', 'min-replicas-to-write', '1']],
  ])('rejects writes to a server that is %s, and never wins or loses them (REL-R34)', async (_, command) => {
    const strict = await startRedis()
    await redisCommand(strict.port, ...command)
    const store = redisStore(strict.url)
    await expect(store.set('contract:record:one', 'one', 60, undefined)).rejects.toThrow(StoreUnavailable)
    await strict.close()
  })

  it('gives every entry and every list an end (I8, REL-R24)', async () => {
    const store = redisStore(server.url)
    await store.set('ends:record:one', 'one', 60, undefined)
    await store.directory?.add('ends:list:one', 'member', 60)
    for (const key of ['ends:record:one', 'ends:list:one']) {
      const ttl = Number((await redisCommand(server.port, 'TTL', key)).slice(1))
      expect(ttl).toBeGreaterThan(0)
      expect(ttl).toBeLessThanOrEqual(61)
    }
    await store.close()
  })

  it('reaches every host, unsealed', () => {
    for (const { reach, sealed } of [redisStore(server.url), keyvStore(new Keyv({ store: new KeyvRedis(server.url) }))]) {
      expect({ reach, sealed }).toEqual({ reach: 'shared', sealed: false })
    }
  })

  it('settles a write whose answer was lost by what is there', async () => {
    const environment = systemEnvironment()
    const store = redisStore(server.url, { environment })
    await connected(store)
    const seen = await store.set('lost:record:one', 'one', 60, undefined)
    await redisCommand(server.port, 'CLIENT', 'KILL', 'TYPE', 'normal')
    const changed = await store.set('lost:record:one', 'two', 60, seen)
    expect(changed?.value).toBe('two')
    expect((await store.get('lost:record:one'))?.version).toBe(changed?.version)
    await store.close()
  })
})
