import { readFileSync } from 'node:fs'
import { StoreUnavailable } from '@drawbridge/core'
import { type RedisStore, redisStore } from '@drawbridge/storage'
import { directoryContract, storeContract } from '@drawbridge/storage/contract'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { connected } from '../support/connected.ts'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { type RedisSentinels, startRedisSentinels } from '../support/redis-sentinel.ts'
import { type RedisServer, redisCommand, startRedis } from '../support/redis-server.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

/** The line of the guide, word by word. */
const guide = readFileSync(new URL('../../docs/guides/redis-and-postgresql.md', import.meta.url), 'utf8')
const line = /^(ACL SETUSER drawbridge .*)$/m.exec(guide)?.[1]?.split(' ') ?? []
/** The same, for the names that the contracts use. */
const ours = line.map((word) => word.replace('~drawbridge-*', '~contract:*'))
const credentials = { username: 'drawbridge', password: 'a-long-password' }

let redis: RedisServer
let cluster: RedisCluster
let sentinels: RedisSentinels
beforeAll(async () => {
  ;[redis, cluster, sentinels] = await Promise.all([startRedis(), startRedisCluster(), startRedisSentinels({ downAfter: 60_000 })])
  for (const { port } of [redis, ...cluster.primaries, ...sentinels.nodes]) expect(await redisCommand(port, ...ours)).toBe('+OK\r\n')
})
afterAll(async () => {
  await Promise.all([redis?.close(), cluster?.close(), sentinels?.close()])
})

const signedIn = (url: string): string => url.replace('//', `//${credentials.username}:${credentials.password}@`)

const stores: Record<string, () => RedisStore> = {
  'one node': () => redisStore(signedIn(redis.url)),
  'a Cluster': () => redisStore({ ...cluster.target, defaults: credentials }),
  'a Cluster, by the URLs of its roots': () =>
    redisStore({ rootNodes: cluster.target.rootNodes.map(({ url }) => ({ url: signedIn(url) })) }),
  Sentinel: () => redisStore({ ...sentinels.target, nodeClientOptions: credentials }),
}

/** Whether a clause lets time pass. */
const waits = (run: (...args: never[]) => unknown): boolean => String(run).includes('advance')

describe.each(Object.entries(stores))('a user of Redis that may do what the guide says, on %s,', (_, open) => {
  it('is enough for everything that a store does, and for its examination', async () => {
    const store = open()
    await connected({ ...store, get: (key) => store.get(`contract:${key}`) })
    const advance = async () => {}
    for (const { run } of storeContract) if (!waits(run)) await run({ store, advance })
    const { directory } = store
    if (!directory) throw new Error('no directory')
    for (const { run } of directoryContract) if (!waits(run)) await run({ directory, advance })
    const { now, findings } = await store.examine()
    expect([typeof now, findings.map(({ setting }) => setting).filter((setting) => setting === 'INFO')]).toEqual(['number', []])
    await store.close()
  })

  it('may touch no other name', async () => {
    const store = open()
    await expect(store.get('another:record:one')).rejects.toThrow(StoreUnavailable)
    await expect(store.set('another:record:one', 'x', 60, undefined)).rejects.toThrow(StoreUnavailable)
    await store.close()
  })
})

it('says what is used, what is asked, and what is for Sentinel and a Cluster, and nothing else', () => {
  const used = [
    '+get',
    '+set',
    '+getrange',
    '+del',
    '+eval',
    '+evalsha',
    '+zadd',
    '+zrange',
    '+zcount',
    '+zrem',
    '+zremrangebyscore',
    '+pexpireat',
  ]
  const asked = ['+time', '+info', '+config|get']
  const found = ['+role', '+cluster|slots', '+asking']
  expect(line.filter((word) => word.startsWith('+')).sort()).toEqual([...used, ...asked, ...found].sort())
})
