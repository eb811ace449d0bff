import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { startRedisSentinels } from '../support/redis-sentinel.ts'
import { startRedis } from '../support/redis-server.ts'

const servers: { close(): Promise<void> }[] = []

afterAll(async () => void (await Promise.all(servers.map((server) => server.close()))))

const program = `
  import { setTimeout as sleep } from 'node:timers/promises'
  import { redisStore } from '@drawbridge/storage'
  const [target, wait] = process.argv.slice(1)
  const store = redisStore(JSON.parse(target))
  const call = store.get('a').catch(() => {})
  await sleep(Number(wait))
  await store.close()
  await call`

/** Uses a store for so long, in a process of its own, and closes it; rejects when that process does not end by itself. */
async function useAndClose(target: unknown, wait: number): Promise<void> {
  const args = ['--input-type=module', '-e', program, JSON.stringify(target), String(wait)]
  await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, timeout: 8_000 })
}

it.each([
  ['one node', startRedis],
  ['Cluster', startRedisCluster],
  ['Sentinel', startRedisSentinels],
])('closed while it is at connecting, keeps no process alive: %s (REL-R30)', async (_, start) => {
  const server = await start()
  servers.push(server)
  const target = 'url' in server ? server.url : server.target
  await Promise.all([0, 100].map((wait) => expect(useAndClose(target, wait)).resolves.toBeUndefined()))
})

it('closed while its server is frozen, keeps no process alive (REL-R30)', async () => {
  const server = await startRedis()
  servers.push(server)
  server.freeze()
  await expect(useAndClose(server.url, 100)).resolves.toBeUndefined()
})
