import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A Redis of our own, started again with its data whenever it ends. */
export interface Redis {
  readonly url: string
  /** Of the process that runs now. */
  readonly pid: number
  /** Resolves when it answers. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** Long enough to see what it is like without. */
const pauseMs = 2_000

/** Starts `redis-server` from REDIS_SERVER or PATH, on a port that is free, with everything it acknowledges on the disk. */
export async function startRedis(say: (line: string) => void): Promise<Redis> {
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'drawbridge-cluster-'))]
  const settings = `--port ${port} --bind 127.0.0.1 --dir ${folder} --appendonly yes --appendfsync always --maxmemory-policy noeviction`
  // In a process group of its own, so that Ctrl+C reaches only us, and we end things in their order.
  const start = () => spawn(process.env.REDIS_SERVER ?? 'redis-server', settings.split(' '), { stdio: 'ignore', detached: true })
  let child: ChildProcess = start()
  let closing = false

  const kept = (async () => {
    while (!closing) {
      // Rejects when there is no such program.
      const [code, signal] = await once(child, 'exit')
      if (closing) return
      say(`Redis (${child.pid}) is gone, by ${signal ?? `exit code ${code}`}; it starts again, with its data`)
      await sleep(pauseMs)
      if (closing) return
      child = start()
      say(`Redis listens         kill -9 ${child.pid}`)
    }
  })()

  const ready = async (): Promise<void> => {
    while (!closing && !(await answers(port))) await sleep(25)
  }
  await Promise.race([kept, ready()]).catch((cause: unknown) => {
    closing = true
    rmSync(folder, { recursive: true })
    throw cause
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child.pid ?? 0
    },
    ready,
    async close() {
      closing = true
      child.kill('SIGKILL')
      await kept
      rmSync(folder, { recursive: true })
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.on('error', () => resolve(false))
    socket.on('data', (data) => {
      socket.destroy()
      resolve(String(data).startsWith('+PONG'))
    })
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new TypeError('this machine has no free port')
  return address.port
}
