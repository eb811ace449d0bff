import type { Environment } from '@drawbridge/core'
import type { RedisClient } from './redis-adapter.ts'
import { isDemoted } from './redis-errors.ts'
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
  /** Makes a connection, where there is none. */
  open(): void
  /** Runs a command; without a connection it rejects, and one is made for the next. */
  run<Result>(command: (client: RedisClient) => Promise<Result>, signal: AbortSignal): Promise<Result>
  /** Drops the connection, and what waits for it. */
  letGo(): void
  close(): Promise<void>
}

/** Time for the calls under way when the connection is let go, in milliseconds: twice their deadline. */
const closing = 1_000

/** A node by its client. One that has become a replica is let go, so that the next command looks for the one that took over. */
export function redisNode(client: RedisClient, environment: Environment): RedisNode {
  // Without a listener Node ends the process; what failed is told by the calls that it fails.
  client.on('error', () => {})
  const letGo = (): void => {
    if (client.isOpen) void Promise.resolve(client.destroy()).catch(() => {})
  }
  // Never awaited: it ends when the server is there, which may be long after this call.
  const open = (): void => {
    if (!client.isOpen) client.connect().catch(() => {})
  }
  const watch = watchSilence(environment, letGo)
  return {
    get isOpen() {
      return client.isOpen
    },
    get isReady() {
      return client.isReady
    },
    open,
    async run(command, signal) {
      open()
      try {
        return await watch(signal, () => command(client))
      } catch (cause) {
        if (isDemoted(cause)) letGo()
        throw cause
      }
    },
    letGo,
    async close() {
      if (!client.isOpen) return
      // A connection that has gone silent never ends by itself.
      await Promise.race([client.close().catch(() => {}), environment.sleep(closing)])
      letGo()
    },
  }
}

/** One server that is all there is. */
export function oneRedis(node: RedisNode): RedisServers {
  return {
    run: (_key, command, signal) => node.run(command, signal),
    primaries: () => [node],
    close: () => node.close(),
  }
}
