import { createHash } from 'node:crypto'
import { type Environment, StoreUnavailable } from '@drawbridge/core'
import { inTime } from './deadline.ts'
import { isRedisAdapter, isRedisClient, openRedisAdapter, type RedisClient, type RedisTarget } from './redis-adapter.ts'
import { type WatchSilence, watchSilence } from './redis-silence.ts'

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

/** Errors of a command that never left this process. Every other failure leaves it unknown whether the server executed it. */
const unsent: readonly string[] = ['ClientOfflineError', 'ClientClosedError']

/** Time for the calls under way when the connection is let go, in milliseconds: twice their deadline. */
const closing = 1_000

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
    connected ??= openClient(target, environment)
    return connected
  }
  return {
    async inTime(work) {
      const { watch } = await connection()
      return inTime(environment, (signal) => watch(signal, () => work(signal)))
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
      if (!client.isOpen) return
      // A connection that has gone silent never ends by itself.
      await Promise.race([client.close(), environment.sleep(closing)])
      if (client.isOpen) client.destroy()
    },
  }
}

/** A client, how it names keys, and who watches that it answers. */
interface Connected {
  readonly client: RedisClient
  readonly watch: WatchSilence
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
      // A node that has become a replica: nothing was executed, and a new connection finds the one that took over.
      const demoted = cause instanceof Error && cause.message.startsWith('READONLY')
      if (demoted && client.isOpen) client.destroy()
      const resend = repeatable || demoted || (cause instanceof Error && unsent.includes(cause.constructor.name))
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

async function openClient(target: RedisTarget, environment: Environment): Promise<Connected> {
  const adapter = isRedisAdapter(target) ? target : await openRedisAdapter(target)
  const client: unknown = adapter.client
  if (!isRedisClient(client)) throw new TypeError('This is not a client of Redis that can run scripts.')
  // Without a listener Node ends the process; what failed is told by the calls that it fails.
  client.on('error', () => {})
  const watch = watchSilence(environment, () => client.isOpen && client.destroy())
  return { client, watch, prefix: (key) => adapter.createKeyPrefix(key, adapter.namespace) }
}
