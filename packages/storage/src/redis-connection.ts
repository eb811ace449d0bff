import { createHash } from 'node:crypto'
import { type Environment, StoreUnavailable } from '@drawbridge/core'
import type KeyvRedis from '@keyv/redis'
import { inTime } from './deadline.ts'

/** Where Redis is: a URL, the options of its client for one node, a Cluster or Sentinel, a client, or Keyv's adapter. */
export type RedisTarget = NonNullable<ConstructorParameters<typeof KeyvRedis>[0]> | KeyvRedis<unknown>

/** A script, and the hash by which a server that has seen it knows it again. */
export interface RedisScript {
  readonly text: string
  readonly hash: string
}

/** Redis, as far as a store needs it. Every method rejects with `StoreUnavailable`; `signal` is the deadline of the call. */
export interface RedisConnection {
  /** Runs `work` within the deadline of a call, which begins once the client is loaded: that takes its time, once, and is no fault of Redis. */
  inTime<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result>
  get(key: string, signal: AbortSignal): Promise<string | undefined>
  run(script: RedisScript, key: string, args: readonly string[], signal: AbortSignal): Promise<unknown>
  close(): Promise<void>
}

/** The part of `@redis/client` that is used: the same for one node, a Cluster and Sentinel. */
interface RedisClient {
  readonly isOpen: boolean
  connect(): Promise<unknown>
  get(key: string): Promise<unknown>
  eval(text: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  evalSha(hash: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  on(event: 'error', listener: (error: unknown) => void): unknown
  close(): Promise<void>
  destroy(): void
}

/** Errors of a command that never left this process. Every other failure leaves it unknown whether the server executed it. */
const unsent: readonly string[] = ['ClientOfflineError', 'ClientClosedError']

/** While the connection is made again; short, because the whole call has 500 ms. */
const pause = 25

/** A script and its hash. */
export function redisScript(text: string): RedisScript {
  return { text, hash: createHash('sha1').update(text).digest('hex') }
}

/** Connects when it is first used, and again whenever the connection is lost; a call that waits for it is bounded by its signal. */
export function connectRedis(target: RedisTarget, environment: Environment): RedisConnection {
  let connected: Promise<Connected> | undefined
  const connection = (): Promise<Connected> => {
    connected ??= openClient(target)
    return connected
  }
  return {
    async inTime(work) {
      await connection()
      return inTime(environment, work)
    },
    async get(key, signal) {
      const { client, prefix } = await connection()
      const value = await send(client, environment, { signal, repeatable: true, command: () => client.get(prefix(key)) })
      return typeof value === 'string' ? value : undefined
    },
    async run(script, key, args, signal) {
      const { client, prefix } = await connection()
      const call = { keys: [prefix(key)], arguments: [...args] }
      return send(client, environment, { signal, repeatable: false, command: () => evaluate(client, script, call) })
    },
    async close() {
      const { client } = await connection()
      if (client.isOpen) await client.close()
    },
  }
}

/** A client, and how it names keys. */
interface Connected {
  readonly client: RedisClient
  prefix(key: string): string
}

interface Sending {
  readonly signal: AbortSignal
  /** Whether it does no harm twice. */
  readonly repeatable: boolean
  command(): Promise<unknown>
}

async function send(client: RedisClient, environment: Environment, { signal, repeatable, command }: Sending): Promise<unknown> {
  for (;;) {
    // Never awaited: it ends when the server is there, which may be long after this call.
    if (!client.isOpen) client.connect().catch(() => {})
    try {
      return await command()
    } catch (cause) {
      const resend = repeatable || (cause instanceof Error && unsent.includes(cause.constructor.name))
      if (!resend || signal.aborted) throw new StoreUnavailable('Redis failed', { cause })
      await environment.sleep(pause)
      if (signal.aborted) throw new StoreUnavailable('Redis failed until the deadline', { cause })
    }
  }
}

// A server that was restarted, or a node that joined, has not seen the script; then it was certainly not executed.
async function evaluate(client: RedisClient, { text, hash }: RedisScript, call: { keys: string[]; arguments: string[] }): Promise<unknown> {
  try {
    return await client.evalSha(hash, call)
  } catch (cause) {
    if (cause instanceof Error && cause.message.startsWith('NOSCRIPT')) return client.eval(text, call)
    throw cause
  }
}

async function openClient(target: RedisTarget): Promise<Connected> {
  const adapter = isRedisAdapter(target) ? target : await openAdapter(target)
  const client: unknown = adapter.client
  if (!isRedisClient(client)) throw new TypeError('This is not a client of Redis that can run scripts.')
  // Without a listener Node ends the process; what failed is told by the calls that it fails.
  client.on('error', () => {})
  return { client, prefix: (key) => adapter.createKeyPrefix(key, adapter.namespace) }
}

async function openAdapter(target: Exclude<RedisTarget, KeyvRedis<unknown>>): Promise<KeyvRedis<unknown>> {
  // Loaded here and not above, so that who imports the package for another store does not load Redis.
  const { default: Adapter } = await import('@keyv/redis')
  const adapter = new Adapter(withDefaults(target))
  // It would put a namespace of its own before every key; ours are named already.
  adapter.namespace = undefined
  return adapter
}

/** Whether `value` is Keyv's adapter for Redis, of whichever copy of its package. */
export function isRedisAdapter(value: unknown): value is KeyvRedis<unknown> {
  return typeof value === 'object' && value !== null && 'createKeyPrefix' in value && 'client' in value && isRedisClient(value.client)
}

function isRedisClient(client: unknown): client is RedisClient {
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
