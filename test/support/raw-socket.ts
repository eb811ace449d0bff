import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection that sends bytes as they are, and notes what came back. */
export interface RawSocket {
  readonly socket: Socket
  /** Everything that came so far. */
  text(): string
  /** The statuses of the answers so far. */
  statuses(): string[]
  /** The code of the error that the connection met, `ECONNRESET` for instance. */
  error(): string | undefined
  send(bytes: string | Uint8Array): void
  /** Resolves when the connection is closed, with the milliseconds since it was opened. */
  readonly closed: Promise<number>
}

/** Connects to a port on loopback. What goes wrong later is noted, and nobody's exception. */
export async function openRawSocket(port: number): Promise<RawSocket> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let error: string | undefined
  const opened = performance.now()
  socket.setEncoding('latin1')
  socket.on('data', (data: string) => {
    text += data
  })
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    error = cause.code
  })
  const closed = new Promise<number>((resolve) => {
    socket.once('close', () => resolve(performance.now() - opened))
  })
  await once(socket, 'connect')
  return {
    socket,
    text: () => text,
    statuses: () => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = '']) => status),
    error: () => error,
    send: (bytes) => void socket.write(bytes),
    closed,
  }
}

/** A request without a body, as bytes. */
export function rawGet(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
}
