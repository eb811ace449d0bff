import { ConfigurationError, StoreUnavailable } from '@drawbridge/core'
import { createFernetKey, encrypted, fernet, keyvStore, type RedisStore, redisStore } from '@drawbridge/storage'
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import { afterEach, describe, expect, it } from 'vitest'
import { connected } from '../support/connected.ts'
import { openHouse } from '../support/house.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { type RedisServer, redisCommand, startRedis } from '../support/redis-server.ts'

const cleanUp: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work()
})

async function start(...settings: string[]): Promise<{ redis: RedisServer; store: RedisStore }> {
  const redis = await startRedis(...settings)
  const store = redisStore(redis.url)
  cleanUp.push(
    () => redis.close(),
    () => store.close(),
  )
  await connected(store)
  return { redis, store }
}

const settingsOf = async (store: Pick<RedisStore, 'examine'>) =>
  (await store.examine()).findings.map(({ setting, verdict }) => `${setting} ${verdict}`)

const policies = ['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl']

describe('the examination of a Redis', () => {
  it('finds nothing wrong with noeviction and an append-only file, and tells the time', async () => {
    const { store } = await start()
    const { now = 0, findings } = await store.examine()
    expect(findings).toEqual([])
    expect(Math.abs(now - Date.now() / 1000)).toBeLessThan(2)
  })

  it.each(policies)('refuses the policy %s (REL-R14)', async (policy) => {
    const { store } = await start('--maxmemory-policy', policy)
    expect((await store.examine()).findings).toEqual([
      {
        setting: 'maxmemory-policy',
        problem: `${policy}: Redis drops registrations and logins when its memory is short. CONFIG SET maxmemory-policy noeviction, or a Redis of its own`,
        verdict: 'refused',
      },
    ])
  })

  it.each([
    ['no persistence at all', ['--appendonly', 'no'], 'forgets everything.'],
    ['snapshots alone', ['--appendonly', 'no', '--save', '3600 1'], 'forgets everything since the last snapshot.'],
  ])('warns of %s', async (_, settings, problem) => {
    const { store } = await start(...settings)
    const { findings } = await store.examine()
    expect(findings).toEqual([
      expect.objectContaining({ setting: 'appendonly', verdict: 'warned', problem: expect.stringContaining(problem) }),
    ])
  })

  it('warns of an append-only file that nobody flushes, and of replicas that need not be there', async () => {
    const { redis, store } = await start('--appendfsync', 'no')
    expect(await settingsOf(store)).toEqual(['appendfsync warned'])
    const replica = await start()
    await redisCommand(replica.redis.port, 'REPLICAOF', '127.0.0.1', String(redis.port))
    await expect.poll(() => redisCommand(redis.port, 'INFO', 'replication'), { timeout: 10_000 }).toContain('connected_slaves:1')
    expect(await settingsOf(store)).toEqual(['appendfsync warned', 'min-replicas-to-write warned'])
    await redisCommand(redis.port, 'CONFIG', 'SET', 'min-replicas-to-write', '1')
    expect(await settingsOf(store)).toEqual(['appendfsync warned'])
    // A managed server that forbids CONFIG tells of it by a field of INFO.
    await redisCommand(redis.port, 'ACL', 'SETUSER', 'default', '-config')
    expect(await settingsOf(store)).toEqual([])
  })

  it('reads INFO where CONFIG is forbidden, and warns where both are', async () => {
    const { redis, store } = await start('--maxmemory-policy', 'allkeys-lru', '--appendonly', 'no')
    await redisCommand(redis.port, 'ACL', 'SETUSER', 'default', '-config')
    expect(await settingsOf(store)).toEqual(['maxmemory-policy refused', 'appendonly warned'])
    await redisCommand(redis.port, 'ACL', 'SETUSER', 'default', '-info', '-time')
    expect(await settingsOf(store)).toEqual(['INFO warned'])
    expect((await store.examine()).now).toBeUndefined()
  })

  it('leaves out what was accepted by its name', async () => {
    const { redis } = await start('--maxmemory-policy', 'allkeys-lru', '--appendonly', 'no')
    const store = redisStore(redis.url, { dangerouslyAcceptSettings: ['maxmemory-policy'] })
    cleanUp.push(() => store.close())
    expect(await settingsOf(store)).toEqual(['appendonly warned'])
  })

  it('is passed on by the seal, and by Keyv', async () => {
    const { redis, store } = await start('--maxmemory-policy', 'allkeys-lru')
    const adapter = new KeyvRedis(redis.url)
    cleanUp.push(() => adapter.disconnect(true))
    const byKeyv = keyvStore(new Keyv({ store: adapter }))
    for (const one of [encrypted(store, fernet(createFernetKey())), byKeyv])
      expect((await one.examine?.())?.findings).toEqual([expect.objectContaining({ setting: 'maxmemory-policy' })])
  })

  it('asks every primary of a Cluster', async () => {
    const cluster = await startRedisCluster()
    const store = redisStore(cluster.target)
    cleanUp.push(
      () => cluster.close(),
      () => store.close(),
    )
    await connected(store)
    expect(await settingsOf(store)).toEqual([])
    await redisCommand(cluster.primaries[2]?.port ?? 0, 'CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru')
    expect(await settingsOf(store)).toEqual(['maxmemory-policy refused'])
  })

  it('rejects while Redis is away', async () => {
    const { redis, store } = await start()
    await redis.kill()
    await expect(store.examine()).rejects.toThrow(StoreUnavailable)
  })
})

describe('a server whose Redis drops what it stores (REL-R14)', () => {
  const key = createFernetKey()

  it('does not start in public; on loopback it does, and says so', async () => {
    const { store } = await start('--maxmemory-policy', 'allkeys-lru')
    const clientStorage = encrypted(store, fernet(key))
    const at = Math.floor(Date.now() / 1000)
    const house = openHouse({ baseUrl: 'https://mcp.example.com', clientStorage, at })
    await expect(house.auth.ready()).rejects.toThrow(ConfigurationError)
    await expect(house.auth.ready()).rejects.toThrow('CONFIG SET maxmemory-policy noeviction')
    const near = openHouse({ clientStorage, at, namespace: 'another' })
    await near.auth.ready()
    expect(near.events.map(({ type }) => type)).toEqual(['store.unsafe'])
  })
})
