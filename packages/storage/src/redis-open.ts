import type { Environment } from '@drawbridge/core'
import type KeyvRedis from '@keyv/redis'
import {
  type CreateClient,
  isRedisAdapter,
  isRedisClient,
  type RedisClusterTarget,
  type RedisSentinelTarget,
  type RedisTarget,
  readingAddress,
} from './redis-adapter.ts'
import { clientOptions } from './redis-client-options.ts'
import { redisCluster } from './redis-cluster.ts'
import { oneRedis, type RedisServers, redisNode } from './redis-node.ts'
import { redisSentinel } from './redis-sentinel.ts'

/** The servers of a target, and how keys are named on them. */
export interface OpenRedis {
  readonly servers: RedisServers
  prefix(key: string): string
}

/** Opens what the target says; connects to nothing yet. Throws `ConfigurationError` for an address that cannot be read. */
export async function openRedis(target: RedisTarget, environment: Environment): Promise<OpenRedis> {
  // Loaded here and not above, so that who imports the package for another store does not load Redis.
  const { default: Adapter, createClient } = await import('@keyv/redis')
  const open = (options: RedisClusterTarget | RedisSentinelTarget): RedisServers =>
    'rootNodes' in options ? openCluster(options, createClient, environment) : redisSentinel(options, createClient, environment)
  if (isRedisAdapter(target)) return openAdapter(target, environment, open)
  if (isClusterTarget(target) || isSentinelTarget(target)) return { servers: open(target), prefix: (key) => key }
  const adapter = readingAddress(() => new Adapter(withDefaults(target)))
  // It would put a namespace of its own before every key; ours are named already.
  adapter.namespace = undefined
  return openAdapter(adapter, environment, open)
}

// A client for a Cluster that was made elsewhere does not look for who took over from a node that is away: it is asked for its options.
function openAdapter(
  adapter: KeyvRedis<unknown>,
  environment: Environment,
  open: (options: RedisClusterTarget) => RedisServers,
): OpenRedis {
  const client: unknown = adapter.client
  const prefix = (key: string): string => adapter.createKeyPrefix(key, adapter.namespace)
  const options: unknown = typeof client === 'object' && client !== null ? Reflect.get(client, '_options') : undefined
  if (isClusterTarget(options)) return { servers: open(options), prefix }
  if (!isRedisClient(client)) throw new TypeError('This is not a client of Redis that can run scripts.')
  return { servers: oneRedis(redisNode(client, environment)), prefix }
}

function openCluster(target: RedisClusterTarget, createClient: CreateClient, environment: Environment): RedisServers {
  // Made once for nothing, so that an address that cannot be read is told, and not taken for a node that is away.
  readingAddress(() => target.rootNodes.map((root) => createClient(clientOptions(target.defaults, root))))
  return redisCluster(target, createClient, environment)
}

function withDefaults(target: Exclude<RedisTarget, KeyvRedis<unknown>>): Exclude<RedisTarget, KeyvRedis<unknown>> {
  if (typeof target === 'string') return clientOptions({ url: target })
  return 'connect' in target || 'rootNodes' in target || 'sentinelRootNodes' in target ? target : clientOptions(target)
}

function isClusterTarget(value: unknown): value is RedisClusterTarget {
  return typeof value === 'object' && value !== null && Array.isArray(Reflect.get(value, 'rootNodes'))
}

function isSentinelTarget(value: unknown): value is RedisSentinelTarget {
  return typeof value === 'object' && value !== null && Array.isArray(Reflect.get(value, 'sentinelRootNodes'))
}
