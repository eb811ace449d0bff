import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { type RedisServer, redisCommand, startRedis } from './redis-server.ts'

/** A primary, its replicas, and three who watch them: a Sentinel deployment of a test's own, on loopback. */
export interface RedisSentinels {
  /** The nodes; the first began as the primary. */
  readonly nodes: readonly [RedisServer, RedisServer, ...RedisServer[]]
  /** The options for `redisStore`. */
  readonly target: { readonly name: string; readonly sentinelRootNodes: { readonly host: string; readonly port: number }[] }
  /** The port of the primary, by the word of the first one who watches. */
  primaryPort(): Promise<number>
  /** Makes the replica the primary, as an operator does before work on the primary. */
  failOver(): Promise<void>
  /** What one of the nodes has under a key. */
  textAt(index: 0 | 1, key: string): Promise<string>
  close(): Promise<void>
}

const name = 'drawbridge'

/** How a Sentinel deployment is made up. */
export interface RedisSentinelsOptions {
  /** After how many milliseconds a primary that is away is replaced. Default: 500. */
  readonly downAfter?: number
  /** Whether there is a second replica. Default: there is one. */
  readonly twoReplicas?: boolean
  /** Settings of every node. */
  readonly settings?: readonly string[]
}

/** Starts them. */
export async function startRedisSentinels(options: RedisSentinelsOptions = {}): Promise<RedisSentinels> {
  const { downAfter = 500, twoReplicas = false, settings = [] } = options
  const quick = ['--repl-diskless-sync-delay', '0', '--repl-timeout', '5', '--appendfsync', 'everysec']
  const start = (): Promise<RedisServer> => startRedis(...quick, ...settings)
  const [primary, replica, second] = await Promise.all([start(), start(), twoReplicas ? start() : undefined])
  const replicas = second ? [replica, second] : [replica]
  for (const { port } of replicas) {
    await redisCommand(port, 'REPLICAOF', '127.0.0.1', String(primary.port))
    await until(async () => (await redisCommand(port, 'INFO', 'replication')).includes('master_link_status:up'))
  }
  const watchers = await Promise.all([0, 1, 2].map(() => startWatcher(primary.port, downAfter)))
  const [first] = watchers
  if (!first) throw new RangeError('nobody watches')
  await until(async () => {
    const known = await redisCommand(first.port, 'SENTINEL', 'MASTER', name)
    return known.includes(`num-slaves\r\n$1\r\n${replicas.length}\r\n`) && known.includes('num-other-sentinels\r\n$1\r\n2\r\n')
  })
  return {
    nodes: [primary, replica, ...(second ? [second] : [])],
    target: { name, sentinelRootNodes: watchers.map(({ port }) => ({ host: '127.0.0.1', port })) },
    primaryPort: async () => Number((await redisCommand(first.port, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)).split('\r\n')[4]),
    failOver: () => until(async () => (await redisCommand(first.port, 'SENTINEL', 'FAILOVER', name)) === '+OK\r\n'),
    textAt: (index, key) => redisCommand((index === 0 ? primary : replica).port, 'GET', key),
    async close() {
      await Promise.all(watchers.map((watcher) => watcher.close()))
      await Promise.all([primary, ...replicas].map((node) => node.close()))
    },
  }
}

async function startWatcher(primary: number, downAfter: number): Promise<{ port: number; close(): Promise<void> }> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-sentinel-'))
  const file = join(folder, 'sentinel.conf')
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${name} 127.0.0.1 ${primary} 2`,
    `sentinel down-after-milliseconds ${name} ${downAfter}`,
    `sentinel failover-timeout ${name} 3000`,
  ]
  writeFileSync(file, settings.join('\n'))
  const child = spawn(process.env.REDIS_SERVER ?? 'redis-server', [file, '--sentinel'], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  await until(async () => (await redisCommand(port, 'PING').catch(() => '')) === '+PONG\r\n')
  return {
    port,
    async close() {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (await isSo()) return
    await sleep(25)
  }
  throw new Error('those who watch Redis do not find together')
}
