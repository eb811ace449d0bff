import type { Environment } from '@drawbridge/core'
import type { RedisClient } from './redis-adapter.ts'
import { isDemoted } from './redis-errors.ts'
import { type Line, openLine } from './redis-line.ts'
import { watchSilence } from './redis-silence.ts'

/** The commands of one key. */
export type RedisCommands = Pick<RedisClient, 'get' | 'eval' | 'evalSha'>

/** The servers behind a store: one, those of a Cluster, or the one that Sentinel names. */
export interface RedisServers {
  /** Runs a command where its key is. Rejects as the command does, or with `NotSent` while nobody knows where that is. */
  run(key: string, command: (commands: RedisCommands) => Promise<unknown>, signal: AbortSignal): Promise<unknown>
  /** The primaries. Throws `NotSent` while nobody knows them. */
  primaries(): readonly RedisNode[]
  close(): Promise<void>
}

/** One server. */
export interface RedisNode {
  /** Whether there is a connection, or one is being made. */
  readonly isOpen: boolean
  /** Whether there is a connection. */
  readonly isReady: boolean
  /** Makes a connection, where there is none and none is being made. It ends, and never rejects, when there is one, or can be none. */
  open(): Promise<void>
  /** Runs a command; without a connection it rejects, and one is made for the next. */
  run<Result>(command: (client: RedisClient) => Promise<Result>, signal: AbortSignal): Promise<Result>
  /** Drops the connection, and what waits for it. */
  letGo(): void
  /** Lets the calls under way end, and drops the connection. None is made any more. */
  close(): Promise<void>
}

/** Time for the calls under way when the connection is let go, in milliseconds: twice their deadline. */
const closing = 1_000

/** A node by its client, or one like it. One that has become a replica is let go, so that the next command looks for the one that took over. */
export function redisNode(client: RedisClient, environment: Environment): RedisNode {
  let line = openLine(client)
  let isClosed = false
  const calls = new Set<Promise<unknown>>()
  const letGo = (): void => {
    if (!line.client.isOpen) return
    const old = line
    line = openLine(old.client.duplicate())
    old.end()
  }
  const open = async (): Promise<void> => {
    if (!isClosed && !line.client.isOpen) await line.connect().catch(() => {})
  }
  const watch = watchSilence(environment, letGo)
  return {
    get isOpen() {
      return line.client.isOpen
    },
    get isReady() {
      return line.client.isReady
    },
    open,
    async run(command, signal) {
      // Not awaited: it ends when the server is there, which may be long after this call.
      void open()
      const call = watch(signal, () => command(line.client))
      try {
        return await counted(calls, call)
      } catch (cause) {
        if (isDemoted(cause)) letGo()
        throw cause
      }
    },
    letGo,
    async close() {
      isClosed = true
      await closeLine(line, calls, environment)
    },
  }
}

/** Keeps a call among `calls` until it has ended. */
function counted<Result>(calls: Set<Promise<unknown>>, call: Promise<Result>): Promise<Result> {
  const over = (): void => void calls.delete(call)
  calls.add(call)
  call.then(over, over)
  return call
}

// What has gone silent never ends by itself, and a client that was told to close cannot be ended any more: so that comes last.
async function closeLine({ client, end }: Line, calls: ReadonlySet<Promise<unknown>>, environment: Environment): Promise<void> {
  const patience = environment.sleep(closing)
  await Promise.race([Promise.allSettled(calls), patience])
  if (calls.size === 0 && client.isReady) await Promise.race([client.close().catch(() => {}), patience])
  end()
}

/** One server that is all there is. */
export function oneRedis(node: RedisNode): RedisServers {
  return {
    run: (_key, command, signal) => node.run(command, signal),
    primaries: () => [node],
    close: () => node.close(),
  }
}
