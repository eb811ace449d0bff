import { ConfigurationError } from '@drawbridge/core'
import type KeyvRedis from '@keyv/redis'
import type { createClient } from '@keyv/redis'

/** Where Redis is: a URL, the options of its client for one node, a Cluster or Sentinel, a client, or Keyv's adapter. */
export type RedisTarget = NonNullable<ConstructorParameters<typeof KeyvRedis>[0]> | KeyvRedis<unknown>

/** The options for a Cluster. */
export type RedisClusterTarget = Extract<RedisTarget, { rootNodes: unknown; connect?: never }>

/** The options for Sentinel. */
export type RedisSentinelTarget = Extract<RedisTarget, { sentinelRootNodes: unknown; connect?: never }>

/** Makes the client of one node. */
export type CreateClient = (options: NonNullable<Parameters<typeof createClient>[0]>) => RedisClient

/** The part of `@redis/client` that is used. */
export interface RedisClient {
  readonly isOpen: boolean
  readonly isReady: boolean
  connect(): Promise<unknown>
  get(key: string): Promise<unknown>
  eval(text: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  evalSha(hash: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  time(): Promise<unknown>
  info(): Promise<unknown>
  configGet(setting: string): Promise<unknown>
  role(): Promise<unknown>
  sendCommand(words: string[]): Promise<unknown>
  subscribe(channel: string, hear: (message: string) => void): Promise<unknown>
  clusterSlots(): Promise<unknown>
  on(event: 'error' | 'connect' | 'reconnecting', listener: (error: unknown) => void): unknown
  close(): Promise<void>
  destroy(): unknown
  /** Another one with the same options, which is connected to nothing yet. */
  duplicate(): RedisClient
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
    ['connect', 'get', 'eval', 'evalSha', 'on', 'close', 'duplicate'].every((name) => typeof Reflect.get(client, name) === 'function')
  )
}

/** Runs `make`, which reads an address. Throws `ConfigurationError` without the cause, which holds the URL and the password in it. */
export function readingAddress<Made>(make: () => Made): Made {
  try {
    return make()
  } catch {
    throw new ConfigurationError(['the address of Redis cannot be read: redis://user:password@host:6379, each part percent-encoded'])
  }
}
