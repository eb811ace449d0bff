import { once } from 'node:events'
import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Seconds } from '../protocol/time.ts'
import type { RequestsUnderWay } from './requests-under-way.ts'

/** An answer that has begun by then and is not over is a stream that does not end, like those of MCP. */
const streamsEndAfter: Seconds = 5

/**
 * Takes no new connection, lets the requests under way end, and resolves when every connection is closed: as soon as nothing is under way, after
 * `grace` at the latest. Connections that wait for a request stay until then, because one may be on its way.
 */
export async function closeServer(server: Server, underWay: RequestsUnderWay, grace: Seconds): Promise<void> {
  const closed = once(server, 'close')
  // Not the method of `node:http`, which would end waiting connections first, and with them what comes on them just now.
  NetServer.prototype.close.call(server)
  // Between the two, what has come by now is read.
  await turn()
  await turn()
  await underWayFor(underWay, Math.min(grace, streamsEndAfter))
  for (const answer of underWay.answers()) if (answer.headersSent) answer.destroy()
  await underWayFor(underWay, grace - streamsEndAfter)
  server.closeAllConnections()
  await closed
  // Now that method: it ends the watch for slow requests.
  server.close()
}

async function underWayFor(underWay: RequestsUnderWay, most: Seconds): Promise<void> {
  const late = most > 0 ? AbortSignal.timeout(most * 1000) : AbortSignal.abort()
  while (underWay.count() > 0 && !late.aborted) await sleep(10)
}
