import type { IncomingMessage, ServerResponse } from 'node:http'

/** As much is read of a request that needs no more reading, so that its connection can be used again. Bodies that we take have 16 KB. */
const longestRest = 64 * 1024

/** Until then, whoever still sends can see the answer: a connection that is cut over their bytes may take it with it. */
const lingerMs = 500

/** Ends the connection of a request that was answered before it had arrived, when more of it comes than is worth reading (RFC 9112 §9.6). */
export function endLongRest(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { socket } = incoming
  const most = socket.bytesRead + longestRest
  // Before Node's own listener, which would read to the end and tell nobody.
  outgoing.prependOnceListener('finish', () => {
    if (incoming.complete) return
    const endIfLong = (): void => {
      if (socket.bytesRead <= most) return
      incoming.pause()
      if (!socket.writableEnded) setTimeout(() => socket.destroy(), lingerMs)
      socket.end()
    }
    incoming.on('data', endIfLong).resume()
    incoming.read(0)
    endIfLong()
  })
}
