import { once } from 'node:events'
import { createServer } from 'node:http'
import { redirectUri } from './served-drawbridge.ts'

/** A client whose id is a URL, and the document about it there. */
export interface ServedDocument {
  readonly clientId: string
  close(): Promise<void>
}

/** Serves the document of a client that listens where the suite does. */
export async function serveDocument(): Promise<ServedDocument> {
  const server = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    answer.end(
      JSON.stringify({ client_id: clientId, client_name: 'The suite', redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('nobody listens')
  const clientId = `http://127.0.0.1:${address.port}/client.json`
  return {
    clientId,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
