import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** A worker that listens. */
export interface Worker {
  readonly pid: number
  readonly port: number
}

/** So many workers, whatever happens to them. */
export interface Workers {
  /** Those that listen now. */
  readonly living: readonly Worker[]
  /** Resolves when all of them listen. */
  complete(): Promise<void>
  close(): Promise<void>
}

/** What the workers need, and who is told of them. */
export interface WorkersOptions {
  readonly count: number
  readonly env: Readonly<Record<string, string>>
  readonly say: (line: string) => void
}

const program = fileURLToPath(new URL('worker.js', import.meta.url))

/** Longer than a program that cannot start needs to fail, so that one does not fail in a frenzy. */
const pauseMs = 500

/** Starts workers, and another one for each that ends. */
export function startWorkers({ count, env, say }: WorkersOptions): Workers {
  const living = new Map<ChildProcess, Worker>()
  const children = new Set<ChildProcess>()
  let closing = false

  async function keepOne(place: number): Promise<void> {
    while (!closing) {
      // In a process group of its own, so that Ctrl+C reaches only us, and we end things in their order.
      const child = fork(program, { env: { ...env, PATH: process.env.PATH }, detached: true })
      children.add(child)
      child.once('message', (port: number) => {
        living.set(child, { pid: child.pid ?? 0, port })
        say(`worker ${place} listens      kill -9 ${child.pid}`)
      })
      const [code, signal] = await once(child, 'exit')
      living.delete(child)
      children.delete(child)
      if (closing) return
      say(`worker ${place} (${child.pid}) is gone, by ${signal ?? `exit code ${code}`}; another one starts`)
      await sleep(pauseMs)
    }
  }
  const places = Array.from({ length: count }, (_, place) => keepOne(place + 1))

  return {
    get living() {
      return [...living.values()]
    },
    async complete() {
      while (living.size < count) await sleep(25)
    },
    async close() {
      closing = true
      for (const child of children) child.kill('SIGTERM')
      await Promise.all(places)
    },
  }
}
