import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { fates, killed } from './kill-table.ts'
import { type FateTable, fatesOf, openWorld, pointsIn, pointsOf, type World } from './killing.ts'

// Processes start, and wait for each other; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let redis: RedisServer
let world: World
beforeAll(async () => {
  redis = await startRedis('--appendonly', 'no')
  world = await openWorld(redis)
})
afterAll(async () => {
  await world?.close()
  await redis?.close()
})

it('hosts wait where it is known what a kill does, and nowhere else (REL-R13)', async () => {
  expect(await pointsOf(world, { operations: killed, table: fates })).toEqual(pointsIn(fates))
})

it('whoever asked a process that was killed has the answer from another one, or logs in once (REL-R13, I2, I3)', async () => {
  const table: FateTable = {
    callback: { login: ['after set grant'], served: ['after set transaction, 2'] },
    redemption: { login: ['after set grant'], served: ['before set grant'] },
    refresh: { served: ['after set grant'] },
    'revocation by refresh token': { served: ['after delete grant'] },
  }
  expect(await fatesOf(world, { operations: killed, table, after: 31 })).toEqual(table)
})
