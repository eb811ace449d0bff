import { redisStore } from '@drawbridge/storage'
import { outageContract } from '@drawbridge/storage/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connected } from '../support/connected.ts'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { type RedisSentinels, startRedisSentinels } from '../support/redis-sentinel.ts'
import { redisCommand } from '../support/redis-server.ts'

describe.each(['killed', 'frozen'] as const)('redisStore while every node of a Cluster is %s', (how) => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({ nodeTimeout: 500 })
  })
  afterAll(() => cluster?.close())

  for (const clause of outageContract) {
    it(clause.name, async () => {
      const store = redisStore(cluster.target)
      await connected(store)
      await clause.run({
        store,
        breakDown: async () => void (await Promise.all(cluster.primaries.map((node) => (how === 'killed' ? node.kill() : node.freeze())))),
        async repair() {
          await Promise.all(cluster.primaries.map((node) => (how === 'killed' ? node.start() : node.thaw())))
          // The nodes have to find together first, which is theirs.
          const together = async (port: number) =>
            expect.poll(() => redisCommand(port, 'CLUSTER', 'INFO'), { timeout: 20_000 }).toContain('cluster_state:ok')
          await Promise.all(cluster.primaries.map(({ port }) => together(port)))
          await connected(store)
        },
      })
      await store.close()
    })
  }
})

describe.each(['killed', 'frozen'] as const)('redisStore by Sentinel while the primary is %s, and nobody fails over', (how) => {
  let sentinels: RedisSentinels
  beforeAll(async () => {
    sentinels = await startRedisSentinels({ downAfter: 60_000 })
  })
  afterAll(() => sentinels?.close())

  for (const clause of outageContract) {
    it(clause.name, async () => {
      const store = redisStore(sentinels.target)
      await connected(store)
      await clause.run({
        store,
        breakDown: async () => (how === 'killed' ? sentinels.nodes[0].kill() : sentinels.nodes[0].freeze()),
        async repair() {
          if (how === 'killed') await sentinels.nodes[0].start()
          else sentinels.nodes[0].thaw()
          await connected(store)
        },
      })
      await store.close()
    })
  }
})
