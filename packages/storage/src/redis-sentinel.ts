import type { Environment } from '@drawbridge/core'
import { inTime } from './deadline.ts'
import type { CreateClient, RedisSentinelTarget } from './redis-adapter.ts'
import { clientOptions, socketOf } from './redis-client-options.ts'
import { NotSent } from './redis-errors.ts'
import { type Line, openLine } from './redis-line.ts'
import { type RedisNode, type RedisServers, redisNode } from './redis-node.ts'
import { spaced } from './spaced.ts'

/** Between two times that those who watch are asked, in milliseconds: a failover takes longer, and nobody is to be flooded with questions. */
const spacing = 100

/**
 * The primary that Sentinel names. A connection to it that breaks, goes silent or says that it is a replica is given up, and Sentinel is asked again. So it is
 * when Sentinel says that the primary is another one now: the old one would take writes for some more seconds, and lose them.
 */
export function redisSentinel(target: RedisSentinelTarget, createClient: CreateClient, environment: Environment): RedisServers {
  const needs: Needs = { target, createClient, environment }
  let primary: RedisNode | undefined
  let watching: readonly Line[] | undefined
  let isClosed = false
  let news = 0

  // Beside the call that found nobody. What was asked before the last news is of no use: it may be the primary that was replaced.
  const findAgain = spaced(environment, spacing, async () => {
    const asOf = news
    const found = await findPrimary(needs)
    if (asOf === news) primary = found
    else await found?.close()
  })
  function look(): void {
    watching ??= watchSentinels(needs, () => {
      news += 1
      primary?.letGo()
      look()
    })
    findAgain()
  }

  function known(): RedisNode {
    if (primary?.isReady) return primary
    if (!isClosed) look()
    throw new NotSent('there is no connection to a primary that Sentinel names')
  }

  return {
    run: async (_key, command, signal) => known().run(command, signal),
    primaries: () => [known()],
    async close() {
      isClosed = true
      news += 1
      for (const { end } of watching ?? []) end()
      await primary?.close()
    },
  }
}

/** The first of those that Sentinel names which says so itself. */
async function findPrimary(needs: Needs): Promise<RedisNode | undefined> {
  for (const address of await namedPrimaries(needs)) {
    const node = await connectPrimary(address, needs)
    if (node) return node
  }
  return undefined
}

// Who watches may be behind: what was a primary is asked itself (Redis, guidelines for clients of Sentinel).
async function connectPrimary(address: string, { target, createClient, environment }: Needs): Promise<RedisNode | undefined> {
  const client = createClient(clientOptions(target.nodeClientOptions, socketOf(address, target.nodeAddressMap, false)))
  const node = redisNode(client, environment)
  const answering = inTime(environment, async () => {
    await node.open()
    return client.role()
  })
  const role: unknown = await answering.catch(() => undefined)
  if (typeof role === 'object' && role !== null && Reflect.get(role, 'role') === 'master') return node
  node.letGo()
  return undefined
}

interface Needs {
  readonly target: RedisSentinelTarget
  readonly createClient: CreateClient
  readonly environment: Environment
}

/** The addresses that those who watch name for the primary, the one of the latest failover first. */
async function namedPrimaries(needs: Needs): Promise<string[]> {
  const answers = await Promise.all(sentinelsOf(needs.target).map((sentinel) => askSentinel(sentinel, needs).catch(() => undefined)))
  const named = answers.filter((answer) => answer !== undefined).sort((one, other) => other.epoch - one.epoch)
  return [...new Set(named.map(({ address }) => address))]
}

async function askSentinel(sentinel: string, { target, createClient, environment }: Needs): Promise<{ address: string; epoch: number }> {
  const { client, connect, end } = openLine(createClient(clientOptions(target.sentinelClientOptions, socketOf(sentinel, undefined, false))))
  try {
    return await inTime(environment, async () => {
      await connect()
      const answer = await client.sendCommand(['SENTINEL', 'MASTER', target.name])
      const words = Array.isArray(answer) ? answer.map(String) : []
      const field = (name: string): string | undefined => words[words.findIndex((word, at) => at % 2 === 0 && word === name) + 1]
      return { address: `${field('ip')}:${field('port')}`, epoch: Number(field('config-epoch')) }
    })
  } finally {
    end()
  }
}

/** Hears from all who watch, for as long as they are there, that the primary is another one now. */
function watchSentinels({ target, createClient }: Needs, changed: () => void): readonly Line[] {
  return sentinelsOf(target).map((sentinel) => {
    const line = openLine(createClient(clientOptions(target.sentinelClientOptions, socketOf(sentinel, undefined))))
    const hear = (message: string): void => {
      if (message.startsWith(`${target.name} `)) changed()
    }
    void line
      .connect()
      .then(() => line.client.subscribe('+switch-master', hear))
      .catch(() => {})
    return line
  })
}

const sentinelsOf = (target: RedisSentinelTarget): string[] => target.sentinelRootNodes.map(({ host, port }) => `${host}:${port}`)
