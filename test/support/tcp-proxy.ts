import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A way to ports on loopback that can be cut, and made slow or bad. */
export interface TcpProxy {
  readonly port: number
  /** Ends every connection, and takes no other until it is mended. */
  cut(): void
  /** From now on everything arrives so much later, in milliseconds, in each direction. */
  delay(milliseconds: number): void
  /** From now on such a share of what comes back ends its connection instead: 0.5 is every second answer. */
  reset(share: number): void
  /** As it was at first. */
  mend(): void
  close(): Promise<void>
}

/** What is done to what passes. */
interface Weather {
  cut: boolean
  delay: number
  resets: number
}

/** Passes every connection on to one of the ports, in turn. */
export async function openTcpProxy(ports: () => readonly number[]): Promise<TcpProxy> {
  const open = new Set<Socket>()
  const weather: Weather = { cut: false, delay: 0, resets: 0 }
  let answers = 0
  let turn = 0

  function isReset(): boolean {
    answers += 1
    return Math.floor(answers * weather.resets) > Math.floor((answers - 1) * weather.resets)
  }

  // What is on its way stays in order, whatever the delay becomes meanwhile.
  function carry(from: Socket, to: Socket, isReset: () => boolean): void {
    let waiting = 0
    let way: Promise<unknown> = Promise.resolve()
    const pass = (work: () => void): void => {
      if (weather.delay === 0 && waiting === 0) return void work()
      const due = performance.now() + weather.delay
      waiting += 1
      way = way
        .then(() => sleep(Math.max(0, due - performance.now())))
        .then(() => {
          waiting -= 1
          work()
        })
    }
    from
      .on('data', (data) => (isReset() ? to.resetAndDestroy() : pass(() => void to.write(data))))
      .on('end', () => pass(() => void to.end()))
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    const all = ports()
    turn += 1
    const port = all[turn % all.length]
    if (weather.cut || port === undefined) return void near.destroy()
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    carry(near, far, () => false)
    carry(far, near, isReset)
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
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  const cut = (): void => {
    weather.cut = true
    for (const socket of open) socket.destroy()
  }
  return {
    port: address.port,
    cut,
    delay(milliseconds) {
      weather.delay = milliseconds
    },
    reset(share) {
      weather.resets = share
    },
    mend() {
      Object.assign(weather, { cut: false, delay: 0, resets: 0 })
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
