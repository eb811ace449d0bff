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

/** A node by its client, or one like it. One that has become a replica is let go, so that the next command looks for the one that took over. */
export function redisNode(client: RedisClient, environment: Environment): RedisNode {
  let line = openLine(client)
  const letGo = (): void => {
    if (!line.client.isOpen) return
    const old = line
    line = openLine(old.client.duplicate())
    old.end()
  }
  // Never awaited: it ends when the server is there, which may be long after this call.
  const open = (): void => {
    if (!line.client.isOpen) line.connect()
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
      open()
      try {
        return await watch(signal, () => command(line.client))
      } catch (cause) {
        if (isDemoted(cause)) letGo()
        throw cause
      }
    },
    letGo,
    async close() {
      if (!line.client.isOpen) return
      // A connection that has gone silent never ends by itself.
      await Promise.race([line.client.close().catch(() => {}), environment.sleep(closing)])
      letGo()
    },
  }
}

/** A client until it is let go. It is never connected again: it might still be at connecting, and go on with that beside the new connection. */
interface Line {
  readonly client: RedisClient
  connect(): void
  end(): void
}

/**
 * A client with two connections gives the answers of both to whoever asked first, which is an answer to another question; and one
 * that is ended while it reaches for its server keeps the connection that it gets. So the first is not made, and the second waited for.
 */
function openLine(client: RedisClient): Line {
  let isReaching = client.isOpen && !client.isReady
  let isOver = false
  const destroy = (): void => {
    if (client.isOpen) client.destroy()
  }
  const reached = (): void => {
    isReaching = false
    if (isOver) destroy()
  }
  // Without a listener Node ends the process; what failed is told by the calls that it fails.
  client.on('error', reached)
  client.on('connect', reached)
  client.on('reconnecting', () => {
    isReaching = true
  })
  return {
    client,
    connect() {
      isReaching = true
      client.connect().catch(() => {})
    },
    end() {
      isOver = true
      if (!isReaching) destroy()
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
