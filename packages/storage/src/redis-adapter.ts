import { ConfigurationError } from '@drawbridge/core'
import type KeyvRedis from '@keyv/redis'

/** Where Redis is: a URL, the options of its client for one node, a Cluster or Sentinel, a client, or Keyv's adapter. */
export type RedisTarget = NonNullable<ConstructorParameters<typeof KeyvRedis>[0]> | KeyvRedis<unknown>

/** The part of `@redis/client` that is used: the same for one node, a Cluster and Sentinel. */
export interface RedisClient {
  readonly isOpen: boolean
  connect(): Promise<unknown>
  get(key: string): Promise<unknown>
  eval(text: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  evalSha(hash: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  on(event: 'error', listener: (error: unknown) => void): unknown
  close(): Promise<void>
  destroy(): void
}

/** Keyv's adapter for an address, with what a server needs. Throws `ConfigurationError` for one that cannot be read. */
export async function openRedisAdapter(target: Exclude<RedisTarget, KeyvRedis<unknown>>): Promise<KeyvRedis<unknown>> {
  // Loaded here and not above, so that who imports the package for another store does not load Redis.
  const { default: Adapter } = await import('@keyv/redis')
  const adapter = newAdapter(Adapter, target)
  // It would put a namespace of its own before every key; ours are named already.
  adapter.namespace = undefined
  return adapter
}

// Without the cause, which holds the URL and the password in it.
function newAdapter(Adapter: typeof KeyvRedis, target: Exclude<RedisTarget, KeyvRedis<unknown>>): KeyvRedis<unknown> {
  try {
    return new Adapter(withDefaults(target))
  } catch {
    throw new ConfigurationError(['the address of Redis cannot be read: redis://user:password@host:6379, each part percent-encoded'])
  }
}

/** Whether `value` is Keyv's adapter for Redis, of whichever copy of its package. */
export function isRedisAdapter(value: unknown): value is KeyvRedis<unknown> {
  return typeof value === 'object' && value !== null && 'createKeyPrefix' in value && 'client' in value && isRedisClient(value.client)
}

/** Whether `client` can run scripts. */
export function isRedisClient(client: unknown): client is RedisClient {
  return (
    typeof client === 'object' &&
    client !== null &&
    ['connect', 'get', 'eval', 'evalSha', 'on', 'close'].every((name) => typeof Reflect.get(client, name) === 'function')
  )
}

// No offline queue: a request that waits for Redis to come back is a request that hangs. Back within a second, and not all at once.
function withDefaults(target: Exclude<RedisTarget, KeyvRedis<unknown>>): Exclude<RedisTarget, KeyvRedis<unknown>> {
  const wait = (retries: number): number => Math.min(25 * 2 ** retries, 500) + Math.floor((retries * 37) % 50)
  const node = { disableOfflineQueue: true, commandsQueueMaxLength: 10_000, socket: { connectTimeout: 2_000, reconnectStrategy: wait } }
  if (typeof target === 'string') return { url: target, ...node }
  if ('connect' in target) return target
  if ('rootNodes' in target)
    return { ...target, defaults: { ...node, ...target.defaults, socket: { ...node.socket, ...target.defaults?.socket } } }
  if ('sentinelRootNodes' in target) return { ...target, nodeClientOptions: { ...node, ...target.nodeClientOptions } }
  return { ...node, ...target, socket: { ...node.socket, ...target.socket } }
}
