import { once } from 'node:events'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { type StandIn, type StandInOptions, standIn } from './stand-in.ts'

/** A stand-in that can be reached. */
export interface ServedStandIn extends StandIn {
  /** Its origin: what goes into `serverUrl`. */
  readonly url: string
  /** Stops it; requests that hang are cut off. */
  close(): Promise<void>
}

/** Serves a stand-in on loopback, on a port that is free. */
export async function serveStandIn(options: StandInOptions): Promise<ServedStandIn> {
  const served = standIn(options)
  // The listener would replace the global Request and Response, which is for a whole process to decide.
  const server = createServer(getRequestListener(served.app.fetch, { overrideGlobalObjects: false }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('the stand-in listens on no port')
  return {
    ...served,
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
