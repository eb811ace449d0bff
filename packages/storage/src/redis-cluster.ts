import { type Environment, StoreUnavailable } from '@drawbridge/core'
import { inTime } from './deadline.ts'
import type { CreateClient, RedisClusterTarget } from './redis-adapter.ts'
import { clientOptions, ofEveryNode, socketOf } from './redis-client-options.ts'
import { isNotExecuted, isReply, NotSent } from './redis-errors.ts'
import { openLine } from './redis-line.ts'
import { type RedisCommands, type RedisNode, type RedisServers, redisNode } from './redis-node.ts'
import { askingFirst, redirectionOf } from './redis-redirection.ts'
import { parseShards, type Shard } from './redis-shards.ts'
import { slotOf } from './redis-slot.ts'
import { spaced } from './spaced.ts'

/** Between two looks at who has which slots, in milliseconds: a node that is away for long is not to cost the others much. */
const spacing = 250

/** Nodes that one command is sent on to. More than that is a Cluster that is being rearranged faster than we can follow. */
const hops = 5

/**
 * The nodes of a Cluster. Each has a connection of its own, which is made again by itself; while one is in trouble the others
 * serve, and they are asked again and again who has its slots now. `MOVED` and `ASK` are followed.
 */
export function redisCluster(target: RedisClusterTarget, createClient: CreateClient, environment: Environment): RedisServers {
  const owners = new Map<number, string>()
  const nodes = openNodes((address) =>
    redisNode(
      createClient(clientOptions(ofEveryNode(target.rootNodes[0]), target.defaults, socketOf(address, target.nodeAddressMap))),
      environment,
    ),
  )

  async function find(): Promise<void> {
    const ask = (node: RedisNode): Promise<unknown> => inTime(environment, (signal) => node.run((client) => client.clusterSlots(), signal))
    const asked = nodes.ready().map(ask)
    const shards = await firstShards(asked).catch(() => firstShards(askRoots(target, createClient, environment)))
    owners.clear()
    for (const { from, to, address } of shards) for (let slot = from; slot <= to; slot += 1) owners.set(slot, address)
    nodes.keepOnly(new Set(owners.values()))
  }

  // Beside the call that met the trouble.
  const look = spaced(environment, spacing, find)

  return {
    run: (key, command, signal) => follow({ owners, nodes, look }, slotOf(key), command, signal),
    primaries() {
      if (owners.size === 0) look()
      if (owners.size === 0) throw new NotSent('nobody knows yet which nodes the Cluster has')
      return [...new Set(owners.values())].map(nodes.at)
    },
    close: () => nodes.close(),
  }
}

/** The nodes that there are connections to, by their address. */
interface Nodes {
  /** The node at an address; a new one is connected to. */
  at(address: string): RedisNode
  ready(): RedisNode[]
  /** Connects to these, and lets go of all others. */
  keepOnly(addresses: ReadonlySet<string>): void
  close(): Promise<void>
}

function openNodes(open: (address: string) => RedisNode): Nodes {
  const nodes = new Map<string, RedisNode>()
  let isClosed = false

  function at(address: string): RedisNode {
    const known = nodes.get(address)
    if (known) return known
    const node = open(address)
    nodes.set(address, node)
    // Whoever still waits finds nobody there.
    if (isClosed) void node.close()
    return node
  }

  return {
    at,
    ready: () => [...nodes.values()].filter((node) => node.isReady),
    keepOnly(addresses) {
      for (const address of addresses) void at(address).open()
      for (const [address, node] of nodes) {
        if (addresses.has(address)) continue
        node.letGo()
        nodes.delete(address)
      }
    },
    async close() {
      isClosed = true
      await Promise.all([...nodes.values()].map((node) => node.close()))
    },
  }
}

/** What is known of a Cluster, and how to know more. */
interface Known {
  /** The address of the primary of each slot. */
  readonly owners: Map<number, string>
  readonly nodes: Nodes
  look(): void
}

async function follow(
  { owners, nodes, look }: Known,
  slot: number,
  command: (commands: RedisCommands) => Promise<unknown>,
  signal: AbortSignal,
): Promise<unknown> {
  let address = owners.get(slot)
  let asking = false
  for (let hop = 0; address !== undefined && hop < hops; hop += 1) {
    try {
      return await nodes.at(address).run((client) => command(asking ? askingFirst(client) : client), signal)
    } catch (cause) {
      const elsewhere = redirectionOf(cause, address)
      if (elsewhere ? elsewhere.lasting : !isReply(cause) || isNotExecuted(cause)) look()
      if (!elsewhere || signal.aborted) throw cause
      if (elsewhere.lasting) owners.set(slot, elsewhere.address)
      address = elsewhere.address
      asking = !elsewhere.lasting
    }
  }
  look()
  throw new NotSent('nobody knows yet which node of the Cluster has this slot')
}

/** The shards by the first answer that has any: a node that was taken out of its Cluster knows of none. */
function firstShards(answers: readonly Promise<unknown>[]): Promise<readonly Shard[]> {
  return Promise.any(
    answers.map(async (answer) => {
      const shards = parseShards(await answer)
      if (shards.length === 0) throw new StoreUnavailable('this node knows of no Cluster')
      return shards
    }),
  )
}

function askRoots(target: RedisClusterTarget, createClient: CreateClient, environment: Environment): Promise<unknown>[] {
  return target.rootNodes.map(async (root) => {
    const { client, connect, end } = openLine(createClient(clientOptions(target.defaults, root, { socket: { reconnectStrategy: false } })))
    try {
      return await inTime(environment, async () => {
        await connect()
        return client.clusterSlots()
      })
    } finally {
      end()
    }
  })
}
