import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { freePort } from './free-port.ts'

/** A PostgreSQL of a test's own, on loopback, that can be taken away and given back. Every commit is on the disk. */
export interface PostgresServer {
  readonly url: string
  readonly port: number
  /** Ends all its processes at once; `start` brings it back with its data. */
  kill(): Promise<void>
  /** Starts it; the settings hold until the next start. */
  start(...settings: string[]): Promise<void>
  /** Starts it as a hot standby, which follows nobody; `SELECT pg_promote()` makes a primary of it. */
  startAsStandby(): Promise<void>
  /** Stops its processes without ending them: connections stay open and nothing answers. */
  freeze(): void
  thaw(): void
  /** Sends one command over a connection of its own, as the superuser; the rows of the answer. */
  command(text: string, database?: string): Promise<Record<string, unknown>[]>
  /** Ends it for good and removes its data. */
  close(): Promise<void>
}

/** Makes a cluster of its own and starts it. `settings` are like `fsync=off`. */
export async function startPostgres(...settings: string[]): Promise<PostgresServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-postgres-'))
  const data = join(folder, 'data')
  const as = whoRunsIt()
  if (as) chownSync(folder, as.uid, as.gid)
  chmodSync(folder, 0o700)
  const options = ['--username=drawbridge', '--auth=trust', '--no-sync', '--wal-segsize=1', '--encoding=UTF8', '--locale=C']
  execFileSync(program('initdb'), ['-D', data, ...options], { ...as, cwd: folder, stdio: 'ignore' })
  let child: ChildProcess | undefined

  async function start(...more: string[]): Promise<void> {
    // What the last one left in shared memory goes with its last process.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const all = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', ...settings, ...more]
      child = spawn(program('postgres'), ['-D', data, ...all.flatMap((each) => ['-c', each])], { ...as, cwd: folder, stdio: 'ignore' })
      if (await comesUp(child)) return
    }
    throw new Error('postgres does not answer')
  }

  async function comesUp(started: ChildProcess): Promise<boolean> {
    for (let attempt = 0; attempt < 400 && started.exitCode === null; attempt += 1) {
      if (await command('SELECT 1').then(Boolean, () => false)) return true
      await sleep(25)
    }
    return false
  }

  async function command(text: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = new Client({ host: '127.0.0.1', port, user: 'drawbridge', database, connectionTimeoutMillis: 2_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }

  function signal(name: NodeJS.Signals): void {
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return
    // The first one makes the others, so it goes first; they are in no group of its own.
    process.kill(child.pid, name)
    for (const pid of childrenOf(child.pid)) ignoreGone(() => process.kill(pid, name))
  }

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    const others = childrenOf(child.pid ?? 0)
    signal('SIGKILL')
    await ended
    for (const pid of others) ignoreGone(() => process.kill(pid, 'SIGKILL'))
  }

  try {
    await start()
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true })
    throw cause
  }
  return {
    url: `postgres://drawbridge:of-a-test@127.0.0.1:${port}/postgres`,
    port,
    start,
    async startAsStandby() {
      writeFileSync(join(data, 'standby.signal'), '')
      await start()
    },
    kill,
    command,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async close() {
      signal('SIGCONT')
      await kill()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

// PostgreSQL refuses to run as root. Its Debian package brings a user of this name.
function whoRunsIt(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (option: string): number => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

/** Beside `POSTGRES_SERVER`, or on the PATH. */
function program(name: 'initdb' | 'postgres'): string {
  const server = process.env.POSTGRES_SERVER
  return server === undefined ? name : join(dirname(server), name)
}

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  return rows.flatMap(([child, parent]) => (child !== undefined && parent === pid ? [child] : []))
}

function ignoreGone(work: () => void): void {
  try {
    work()
  } catch {
    // It has ended meanwhile.
  }
}
