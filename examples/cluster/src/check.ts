import { setTimeout as sleep } from 'node:timers/promises'
import { startClient, type Tally } from './client.ts'
import { type Cluster, type Storage, startCluster } from './cluster.ts'
import { explain } from './explain.ts'

// The command `npm run check`: kills every worker in turn, and Redis, while a client works. Exits 1 when it was logged out, or
// when it could not go on.
try {
  await check({ kind: 'redis' }, 4)
  await check({ kind: 'sqlite' }, 2)
  console.log('\nNobody was logged out.')
} catch (error) {
  console.error('\nThe check failed:', explain(error))
  process.exitCode = 1
}

async function check(storage: Storage, count: number): Promise<void> {
  console.log(`\n${count} workers on one ${storage.kind === 'redis' ? 'Redis' : 'SQLite file'}`)
  const cluster = await startCluster(storage, count, (line) => console.log(`  ${line}`))
  try {
    await disturb(cluster)
  } finally {
    await cluster.close()
  }
}

async function disturb({ mcpUrl, workers, redis }: Cluster): Promise<void> {
  const client = await startClient(mcpUrl, 20)
  const first = workers.living.map(({ pid }) => pid)
  await expectWork(client.tally, first)
  for (const pid of first) {
    process.kill(pid, 'SIGKILL')
    await sleep(100)
    await workers.complete()
    await expectWork(client.tally, [])
  }
  const second = workers.living.map(({ pid }) => pid)
  if (second.some((pid) => first.includes(pid))) throw new Error('a worker was not killed')
  await expectWork(client.tally, second)
  if (redis) {
    const [before, pid] = [client.tally.waits, redis.pid]
    process.kill(pid, 'SIGKILL')
    while (redis.pid === pid) await sleep(25)
    await redis.ready()
    if (client.tally.waits === before) throw new Error('nobody noticed that Redis was gone')
    await sleep(2_000)
    const after = client.tally.waits
    await expectWork(client.tally, second)
    if (client.tally.waits > after) throw new Error('Redis is back, and not everything works')
  }
  await client.stop()
  const { refreshes, waits, logouts, calls } = client.tally
  const answered = [...calls.values()].reduce((sum, each) => sum + each, 0)
  console.log(`  ${answered} calls answered by ${calls.size} workers, ${refreshes} refreshes, ${waits} asked again, ${logouts} logged out`)
  if (logouts > 0) throw new Error('the client was logged out')
  if (refreshes < 3) throw new Error('the client hardly refreshed')
}

/** Waits until the client was served ten times more, and by each of `pids` at least once more. */
async function expectWork({ calls }: Tally, pids: readonly number[]): Promise<void> {
  const count = () => [...calls.values()].reduce((sum, each) => sum + each, 0)
  const [before, were] = [count(), new Map(calls)]
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (count() >= before + 10 && pids.every((pid) => (calls.get(pid) ?? 0) > (were.get(pid) ?? 0))) return
    await sleep(50)
  }
  throw new Error('the client does not get on')
}
