import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** What listens at the public URL. */
export interface Balancer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Gives each request to the next worker, whoever it is from: nothing has to be sticky. A worker that takes no connection has
 * seen nothing of the request, so the next one gets it; one that dies over a request may have done its work, so the caller is
 * told, and decides.
 */
export async function startBalancer(ports: () => readonly number[], port = 0): Promise<Balancer> {
  let turn = 0
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming)
    for (let tries = ports().length; tries > 0; tries -= 1) {
      const all = ports()
      turn += 1
      const next = all[turn % all.length]
      if (next !== undefined && (await forward(next, incoming, body, outgoing))) return
    }
    outgoing.writeHead(502, { 'retry-after': '1' }).end('no worker')
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('the balancer listens on no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Hands a request on, as it came; false when the worker took no connection. */
function forward(port: number, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): Promise<boolean> {
  const { method, url, socket } = incoming
  const headers = { ...incoming.headers, 'x-forwarded-for': socket.remoteAddress ?? '' }
  return new Promise((resolve) => {
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
      answer.on('error', () => outgoing.destroy())
      resolve(true)
    })
    onward.on('error', (error) => {
      const unseen = 'code' in error && error.code === 'ECONNREFUSED'
      if (!unseen && !outgoing.headersSent) outgoing.writeHead(502, { 'retry-after': '1' }).end('the worker is gone')
      resolve(!unseen)
    })
    outgoing.on('close', () => onward.destroy())
    onward.end(body)
  })
}
