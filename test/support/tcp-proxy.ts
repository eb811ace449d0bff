import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to ports on loopback that can be cut. */
export interface TcpProxy {
  readonly port: number
  /** Ends every connection, and takes no other until it is mended. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

/** Passes every connection on to one of the ports, in turn. */
export async function openTcpProxy(ports: () => readonly number[]): Promise<TcpProxy> {
  const open = new Set<Socket>()
  let isCut = false
  let turn = 0
  const server = createServer((near) => {
    const all = ports()
    turn += 1
    const port = all[turn % all.length]
    if (isCut || port === undefined) return void near.destroy()
    const far = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          open.delete(socket)
          other.destroy()
        })
      socket.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  const cut = (): void => {
    isCut = true
    for (const socket of open) socket.destroy()
  }
  return {
    port: address.port,
    cut,
    mend() {
      isCut = false
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
