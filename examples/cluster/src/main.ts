import { setTimeout as sleep } from 'node:timers/promises'
import { startClient, type Tally } from './client.ts'
import { type Storage, startCluster } from './cluster.ts'
import { explain } from './explain.ts'

// The command `npm run cluster`: several workers behind a balancer, and a client that keeps working while you kill them.
const isSqlite = process.argv.includes('--sqlite')
const { REDIS_URL, PORT } = process.env
const storage: Storage = isSqlite ? { kind: 'sqlite' } : REDIS_URL ? { kind: 'redis', url: REDIS_URL } : { kind: 'redis' }
const say = (line: string) => console.log(line)

try {
  await run()
} catch (error) {
  console.error(explain(error))
  process.exit(1)
}

async function run(): Promise<void> {
  const cluster = await startCluster(storage, isSqlite ? 2 : 4, say, PORT ? Number(PORT) : undefined)
  if (cluster.redis) say(`Redis listens         kill -9 ${cluster.redis.pid}`)
  const client = await startClient(cluster.mcpUrl, 200)
  say(`\nMCP at ${cluster.mcpUrl}, over ${where()}. A client is logged in and calls a tool five times a second.
Kill what you like, with the commands above, in another terminal; Ctrl+C here ends everything.\n`)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  while (!stop.signal.aborted) {
    await sleep(2_000, undefined, { signal: stop.signal }).catch(() => {})
    say(line(client.tally))
  }
  await client.stop()
  await cluster.close()
}

function where(): string {
  if (storage.kind === 'sqlite') return 'one SQLite file'
  return 'url' in storage ? 'the Redis of REDIS_URL' : 'one Redis'
}

function line({ calls, refreshes, waits, logouts }: Tally): string {
  const byWorker = [...calls].map(([pid, count]) => `${pid}: ${count}`).join(', ')
  return `calls by worker  ${byWorker}  |  refreshed ${refreshes}  |  asked again ${waits}  |  logged out ${logouts}`
}
