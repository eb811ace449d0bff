import { type Entry, type Store, systemEnvironment } from '@drawbridge/core'
import { settleWrite } from './read-back.ts'
import type { RedisTarget } from './redis-adapter.ts'
import { connectRedis, type RedisConnection, redisScript } from './redis-connection.ts'
import { redisDirectory } from './redis-directory.ts'
import { examineRedis, type RedisSetting } from './redis-examination.ts'
import { redisExposure } from './redis-exposure.ts'
import type { StoreOptions } from './store-options.ts'
import { newVersion } from './version.ts'

/** A store that holds a connection open. */
export interface RedisStore extends Store {
  examine: NonNullable<Store['examine']>
  /** Lets the calls under way end, and lets go of the connection. */
  close(): Promise<void>
}

/** What a store in Redis can be told. */
export interface RedisStoreOptions extends StoreOptions {
  /**
   * `false` says that nobody else is on the network of this Redis, so that it needs neither TLS nor a password. Default: true;
   * a public server does not start on a Redis that others can get at, and one on loopback tells of it.
   */
  readonly requireSecure?: boolean
  /**
   * Settings of this Redis that are dangerous, and that you know of: neither the start nor an event speaks of them. `maxmemory-policy` among them means that
   * registrations and logins may vanish whenever memory is short. Default: none.
   */
  readonly dangerouslyAcceptSettings?: readonly RedisSetting[]
}

/** Every value is its version, 16 characters, and the text after it: one key, one command to read. */
const versionLength = 16

const writeIfSeen = redisScript(`
if redis.call('GETRANGE', KEYS[1], 0, ${versionLength - 1}) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`)

const deleteIfSeen = redisScript(`
if redis.call('GETRANGE', KEYS[1], 0, ${versionLength - 1}) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

/**
 * A store in Redis, for any number of hosts: one node, Cluster or Sentinel, through `@keyv/redis` and its client. Writes are
 * scripts of one key, so the server itself decides every race. There is no offline queue: while Redis is away, calls reject
 * within 500 ms, and they work again as soon as it is back. It has to be wrapped in `encrypted(...)`.
 */
export function redisStore(
  target: RedisTarget,
  { environment = systemEnvironment(), requireSecure = true, dangerouslyAcceptSettings = [] }: RedisStoreOptions = {},
): RedisStore {
  const redis = connectRedis(target, environment)
  const exposed = requireSecure ? redisExposure(target) : undefined
  return {
    reach: 'shared',
    sealed: false,
    ...(exposed !== undefined && { exposed }),
    directory: redisDirectory(redis, environment),
    examine: () => redis.inTime((signal) => examineRedis(redis, dangerouslyAcceptSettings, signal)),
    get: (key) => redis.inTime((signal) => find(redis, key, signal)),
    async set(key, value, ttl, seen) {
      if (!(ttl > 0)) throw new RangeError('a ttl is positive')
      return redis.inTime(async (signal) => {
        const entry: Entry = { value, version: newVersion(environment) }
        const args = [seen?.version ?? '', `${entry.version}${value}`, String(Math.ceil(ttl * 1000))]
        const write = async (): Promise<boolean> => (await redis.run(writeIfSeen, key, args, signal)) === 1
        return (await settleWrite({ write, read: () => find(redis, key, signal), version: entry.version, seen })) ? entry : undefined
      })
    },
    delete: (key, seen) =>
      redis.inTime((signal) => {
        const write = async (): Promise<boolean> => (await redis.run(deleteIfSeen, key, [seen.version], signal)) === 1
        return settleWrite({ write, read: () => find(redis, key, signal), version: undefined, seen })
      }),
    close: () => redis.close(),
  }
}

async function find(redis: RedisConnection, key: string, signal: AbortSignal): Promise<Entry | undefined> {
  const text = await redis.get(key, signal)
  return text === undefined ? undefined : { version: text.slice(0, versionLength), value: text.slice(versionLength) }
}
