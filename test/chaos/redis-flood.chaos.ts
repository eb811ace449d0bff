import { createFernetKey, encrypted, fernet, redisStore } from '@drawbridge/storage'
import { afterEach, describe, expect, it } from 'vitest'
import { atMost } from '../support/at-most.ts'
import { connected } from '../support/connected.ts'
import { type House, openHouse } from '../support/house.ts'
import { redisCommand, startRedis } from '../support/redis-server.ts'
import { figure } from './figure.ts'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work()
})

interface OnRedis {
  readonly house: House
  /** How many keys were dropped. */
  evicted(): Promise<number>
}

async function open(...settings: string[]): Promise<OnRedis> {
  const redis = await startRedis(...settings)
  const store = redisStore(redis.url)
  cleanUp.push(
    () => redis.close(),
    () => store.close(),
  )
  await connected(store)
  const clientStorage = encrypted(store, fernet(createFernetKey()))
  const house = openHouse({ at: Math.floor(Date.now() / 1000), clientStorage, limits: { rateLimit: false } })
  await house.auth.ready()
  return { house, evicted: async () => Number(/evicted_keys:(\d+)/.exec(await redisCommand(redis.port, 'INFO', 'stats'))?.[1]) }
}

const body = JSON.stringify({ client_name: 'A flood', redirect_uris: ['http://127.0.0.1:5555/callback'] })
const headers = { 'content-type': 'application/json' }
const askToRegister = (house: House) => house.call('/register', { method: 'POST', headers, body })

describe('a flood of registrations at a Redis with 6 MB', () => {
  const flood = async (house: House): Promise<{ ids: string[]; statuses: Set<number> }> => {
    const ids: string[] = []
    const statuses = new Set<number>()
    for (let round = 0; round < 100 && !statuses.has(503); round += 1) {
      await atMost(50, Array.from({ length: 100 }), async () => {
        const answer = await askToRegister(house)
        statuses.add(answer.status)
        if (answer.status === 201) ids.push((await answer.json()).client_id)
      })
    }
    return { ids, statuses }
  }
  it('ends in 503 with noeviction, and loses none of them, and nobody who was there (REL-R14)', async () => {
    const on = await open('--maxmemory', '6mb', '--appendonly', 'no')
    const { tokens } = await on.house.login()
    const { ids, statuses } = await flood(on.house)
    expect(statuses).toEqual(new Set([201, 503]))
    expect(ids.length).toBeGreaterThan(1000)
    expect(await on.evicted()).toBe(0)
    expect(await on.house.mcpStatus(tokens.access_token)).toBe(200)
    const found = await atMost(50, ids, async (id) => (await on.house.call(on.house.authorizeUrl(id))).status)
    expect(new Set(found)).toEqual(new Set([200]))
    figure('registrations that a Redis of 6 MB takes with noeviction, none of which it drops', ids.length)
  })

  it('makes any other policy drop what was registered, without an error: what the check at the start is for (REL-R14)', async () => {
    const on = await open('--maxmemory', '6mb', '--appendonly', 'no', '--maxmemory-policy', 'volatile-ttl')
    expect(on.house.events).toContainEqual(
      expect.objectContaining({ type: 'store.unsafe', setting: 'maxmemory-policy', verdict: 'refused' }),
    )
    const { statuses } = await flood(on.house)
    expect(statuses).toEqual(new Set([201]))
    expect(await on.evicted()).toBeGreaterThan(0)
  })
})
