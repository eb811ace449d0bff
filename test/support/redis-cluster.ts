import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { type RedisServer, redisCommand, startRedis } from './redis-server.ts'

/** A Cluster of a test's own, on loopback. */
export interface RedisCluster {
  /** The primaries, each with its third of the slots. */
  readonly primaries: readonly RedisServer[]
  /** One of each primary, where replicas were asked for; what follows whom is by place. */
  readonly replicas: readonly RedisServer[]
  /** The options for `redisStore`. */
  readonly target: { readonly rootNodes: { readonly url: string }[] }
  /** The primary that has the slot of `key`, as the one before it in the row sees it. */
  ownerOf(key: string): Promise<RedisServer>
  close(): Promise<void>
}

/** Slots of a Cluster. */
const slots = 16_384

/** How a Cluster is made up. */
export interface RedisClusterOptions {
  /** Whether each primary has a replica. Default: none has. */
  readonly replicas?: boolean
  /** After how many milliseconds without a word a node counts as away. Default: 2000, which a busy machine keeps. */
  readonly nodeTimeout?: number
}

/** Starts three primaries, and their replicas where they are to have some. */
export async function startRedisCluster({ replicas = false, nodeTimeout = 2_000 }: RedisClusterOptions = {}): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: replicas ? 6 : 3 }, () => startNode(nodeTimeout)))
  const servers = nodes.map(({ server }) => server)
  const primaries = servers.slice(0, 3)
  const followers = servers.slice(3)
  const [first] = servers
  if (!first) throw new RangeError('no node')
  await Promise.all(
    primaries.map(({ port }, index) => {
      const [from, to] = [Math.floor((slots * index) / 3), Math.floor((slots * (index + 1)) / 3) - 1]
      return redisCommand(port, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to))
    }),
  )
  for (const [index, { server, bus }] of nodes.entries()) {
    await redisCommand(server.port, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
    if (index > 0) await redisCommand(first.port, 'CLUSTER', 'MEET', '127.0.0.1', String(server.port), String(bus))
  }
  for (const { port } of servers) await until(async () => (await clusterInfo(port)).includes(`cluster_known_nodes:${servers.length}`))
  for (const [index, { port }] of followers.entries()) {
    const { port: primary = 0 } = primaries[index] ?? {}
    await until(async () => (await redisCommand(port, 'CLUSTER', 'REPLICATE', await nodeId(primary))) === '+OK\r\n')
    await until(async () => (await redisCommand(port, 'INFO', 'replication')).includes('master_link_status:up'))
  }
  for (const { port } of servers) await until(async () => (await clusterInfo(port)).includes('cluster_state:ok'))
  return {
    primaries,
    replicas: followers,
    target: { rootNodes: primaries.map(({ url }) => ({ url })) },
    async ownerOf(key) {
      const slot = await slotOf(first.port, key)
      const owner = primaries[Math.floor((slot * 3) / slots)]
      if (!owner) throw new RangeError('no such slot')
      return owner
    },
    close: async () => void (await Promise.all(servers.map((server) => server.close()))),
  }
}

/** Moves the slot of a key to another node, as resharding does it; what happens `halfway`, while its keys are on both, is the caller's. */
export async function moveSlot(key: string, from: RedisServer, to: RedisServer, halfway: () => Promise<void>): Promise<void> {
  const slot = String(await slotOf(from.port, key))
  const [source, destination] = [await nodeId(from.port), await nodeId(to.port)]
  await redisCommand(to.port, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', source)
  await redisCommand(from.port, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', destination)
  await halfway()
  const moved = await redisCommand(from.port, 'CLUSTER', 'GETKEYSINSLOT', slot, '100')
  const keys = moved.split('\r\n').filter((line) => line !== '' && !/^[*$]\d+$/.test(line))
  for (const one of keys) await redisCommand(from.port, 'MIGRATE', '127.0.0.1', String(to.port), one, '0', '1000')
  for (const { port } of [to, from]) await redisCommand(port, 'CLUSTER', 'SETSLOT', slot, 'NODE', destination)
}

/** A node, and the port on which it talks to the others. */
async function startNode(nodeTimeout: number): Promise<{ server: RedisServer; bus: number }> {
  const bus = await freePort()
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeout), '--cluster-require-full-coverage', 'no']
  const quick = ['--repl-diskless-sync-delay', '0', '--cluster-replica-validity-factor', '0', '--appendfsync', 'everysec']
  return { server: await startRedis('--cluster-port', String(bus), ...settings, ...quick), bus }
}

async function nodeId(port: number): Promise<string> {
  return (await redisCommand(port, 'CLUSTER', 'MYID')).split('\r\n')[1] ?? ''
}

async function slotOf(port: number, key: string): Promise<number> {
  return Number((await redisCommand(port, 'CLUSTER', 'KEYSLOT', key)).slice(1))
}

const clusterInfo = (port: number): Promise<string> => redisCommand(port, 'CLUSTER', 'INFO')

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (await isSo()) return
    await sleep(25)
  }
  throw new Error('the nodes of the Cluster do not find together')
}
