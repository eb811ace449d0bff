import type { RedisClient } from './redis-adapter.ts'

/** A client until it is let go. It is never connected again: it might still be at connecting, and go on with that beside the new connection. */
export interface Line {
  readonly client: RedisClient
  /** Rejects when there will be no connection. */
  connect(): Promise<unknown>
  /** Ends its connection, and the one that it is reaching for. */
  end(): void
}

/**
 * A client with two connections gives the answers of both to whoever asked first, which is an answer to another question; and one
 * that is ended while it reaches for its server keeps the connection that it gets. So the first is not made, and the second waited for.
 */
export function openLine(client: RedisClient): Line {
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
      return client.connect()
    },
    end() {
      isOver = true
      if (!isReaching) destroy()
    },
  }
}
