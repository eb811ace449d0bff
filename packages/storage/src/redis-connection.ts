import { createHash } from 'node:crypto'
import { type Environment, StoreUnavailable } from '@drawbridge/core'
import { inTime } from './deadline.ts'
import type { RedisClient, RedisTarget } from './redis-adapter.ts'
import { isNotExecuted } from './redis-errors.ts'
import type { RedisCommands } from './redis-node.ts'
import { type OpenRedis, openRedis } from './redis-open.ts'

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
  /** What each primary answers to the same question. */
  ask<Answer>(question: (client: RedisClient) => Promise<Answer>, signal: AbortSignal): Promise<readonly Answer[]>
  close(): Promise<void>
}

/** While the connection is made again; short, because the whole call has 500 ms. */
const pause = 25

/** A script and its hash. */
export function redisScript(text: string): RedisScript {
  return { text, hash: createHash('sha1').update(text).digest('hex') }
}

/** Connects when it is first used, and again whenever the connection is lost; a call that waits for it is bounded by its signal. */
export function connectRedis(target: RedisTarget, environment: Environment): RedisConnection {
  let opened: Promise<OpenRedis> | undefined
  const open = (): Promise<OpenRedis> => {
    opened ??= openRedis(target, environment)
    return opened
  }
  return {
    async inTime(work) {
      await open()
      return inTime(environment, work)
    },
    async get(key, signal) {
      const { servers, prefix } = await open()
      const name = prefix(key)
      const value = await send(environment, { signal, repeatable: true, run: () => servers.run(name, (redis) => redis.get(name), signal) })
      return typeof value === 'string' ? value : undefined
    },
    async run(script, key, args, signal) {
      const { servers, prefix } = await open()
      const call = { keys: [prefix(key)], arguments: [...args] }
      const run = (): Promise<unknown> => servers.run(prefix(key), (redis) => evaluate(redis, script, call), signal)
      return send(environment, { signal, repeatable: false, run })
    },
    async ask(question, signal) {
      const { servers } = await open()
      const run = async () => Promise.all(servers.primaries().map((node) => node.run(question, signal)))
      return send(environment, { signal, repeatable: true, run })
    },
    close: async () => (await open()).servers.close(),
  }
}

interface Sending<Result> {
  readonly signal: AbortSignal
  /** Whether it does no harm twice. */
  readonly repeatable: boolean
  run(): Promise<Result>
}

async function send<Result>(environment: Environment, { signal, repeatable, run }: Sending<Result>): Promise<Result> {
  for (;;) {
    try {
      return await run()
    } catch (cause) {
      const resend = repeatable || isNotExecuted(cause)
      if (!resend || signal.aborted) throw new StoreUnavailable('Redis failed', { cause })
      await environment.sleep(pause)
      if (signal.aborted) throw new StoreUnavailable('Redis failed until the deadline', { cause })
    }
  }
}

// A server that was restarted, or a node that joined, has not seen the script; then it was certainly not executed.
async function evaluate(
  redis: RedisCommands,
  { text, hash }: RedisScript,
  call: { keys: string[]; arguments: string[] },
): Promise<unknown> {
  try {
    return await redis.evalSha(hash, call)
  } catch (cause) {
    if (cause instanceof Error && cause.message.startsWith('NOSCRIPT')) return redis.eval(text, call)
    throw cause
  }
}
