import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * What happens to a command on its way: it never arrives; it is executed, and nobody is told; it is executed a little later, when
 * nobody waits any more; it is slow. Or the server is away from there on, until the trap is taken away: before it, or after it.
 */
export type Trap = 'never arrives' | 'is never answered' | 'arrives late' | 'is slow' | 'is too late for it' | 'is the last one'

/** A way to a server on loopback on which one command at a time has an accident, and its connection with it. */
export interface TrapProxy {
  readonly port: number
  /** Lets the n-th packet from here on, counted from 1, have an accident. */
  set(trap: Trap, nth: number): void
  /** Takes the trap away; whether it was sprung. */
  clear(): boolean
  close(): Promise<void>
}

/** How late a late command arrives: after the client has connected again and looked. */
const lateMs = 15

/** Opens the way; `sprung` is called at each accident. */
export async function openTrapProxy(port: number, sprung: () => void = () => {}): Promise<TrapProxy> {
  const open = new Set<Socket>()
  let trap: Trap | undefined
  let left = 0
  let isSprung = false
  let isAway = false
  const endAll = (): void => {
    for (const socket of open) socket.destroy()
  }
  const server = createServer((near) => {
    if (isAway) return void near.destroy()
    const far = connect(port, '127.0.0.1')
    let isMute = false
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          open.delete(socket)
          if (!isMute) other.destroy()
        })
    }
    const end = async (afterMs: number): Promise<void> => {
      await sleep(afterMs)
      far.destroy()
    }
    near.on('data', async (data) => {
      left -= 1
      const accident = left === 0 ? trap : undefined
      if (!accident) return void (far.writable && far.write(data))
      isSprung = true
      sprung()
      if (accident === 'is too late for it' || accident === 'is the last one') isAway = true
      if (accident === 'is too late for it') return endAll()
      isMute = accident !== 'is slow'
      if (accident === 'arrives late' || accident === 'never arrives') near.destroy()
      if (accident === 'never arrives') return void far.destroy()
      if (accident === 'arrives late' || accident === 'is slow') await sleep(lateMs)
      if (far.writable) far.write(data)
      if (accident === 'arrives late') await end(lateMs)
    })
    far.on('data', (data) => {
      // The server has executed it: this would be the answer.
      if (!isMute) return void (near.writable && near.write(data))
      if (isAway) return endAll()
      near.destroy()
      far.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    port: address.port,
    set(next, nth) {
      trap = next
      left = nth
      isSprung = false
    },
    clear() {
      left = 0
      isAway = false
      return isSprung
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      endAll()
      await closed
    },
  }
}
