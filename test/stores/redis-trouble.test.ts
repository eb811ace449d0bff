import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { createFernetKey, encrypted, fernet, redisStore } from '@drawbridge/storage'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connected } from '../support/connected.ts'
import { type House, openHouse } from '../support/house.ts'
import { type RedisServer, redisCommand, startRedis } from '../support/redis-server.ts'

vi.setConfig({ testTimeout: 30_000 })

const cleanUp: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work()
})

interface OnRedis {
  readonly redis: RedisServer
  readonly house: House
  /** Where Redis keeps its files. */
  readonly folder: string
  command(...words: string[]): Promise<string>
}

/** A server on a Redis of its own, whose clock stands at the present moment. */
async function open(...settings: string[]): Promise<OnRedis> {
  const redis = await startRedis(...settings)
  const command = (...words: string[]) => redisCommand(redis.port, ...words)
  await command('ACL', 'SETUSER', 'drawbridge', 'on', '>first', '~*', '&*', '+@all')
  const store = redisStore(redis.url.replace('//', '//drawbridge:first@'))
  cleanUp.push(
    () => redis.close(),
    () => store.close(),
  )
  await connected(store)
  const clientStorage = encrypted(store, fernet(createFernetKey()))
  const house = openHouse({ at: Math.floor(Date.now() / 1000), clientStorage, limits: { rateLimit: false } })
  await house.auth.ready()
  return { redis, house, command, folder: (await command('CONFIG', 'GET', 'dir')).split('\r\n')[4] ?? '' }
}

const body = JSON.stringify({ client_name: 'A flood', redirect_uris: ['http://127.0.0.1:5555/callback'] })
const headers = { 'content-type': 'application/json' }
const askToRegister = (house: House) => house.call('/register', { method: 'POST', headers, body })
const statusOf = async (house: House) => (await askToRegister(house)).status

/** Troubles of a Redis that is there, and what ends each of them. */
const troubles: Record<string, { readonly begin: (on: OnRedis) => Promise<unknown>; readonly end: (on: OnRedis) => Promise<unknown> }> = {
  'has no memory left, since its limit was lowered': {
    begin: ({ command }) => command('CONFIG', 'SET', 'maxmemory', '1'),
    end: ({ command }) => command('CONFIG', 'SET', 'maxmemory', '0'),
  },
  'could not write its snapshot, as on a full disk (MISCONF)': {
    async begin({ command, folder }) {
      // In the place of the file is something else.
      mkdirSync(join(folder, 'dump.rdb'))
      await command('CONFIG', 'SET', 'save', '3600 1')
      await command('BGSAVE')
      await expect.poll(() => command('INFO', 'persistence'), { timeout: 10_000 }).toContain('rdb_last_bgsave_status:err')
    },
    async end({ command, folder }) {
      rmdirSync(join(folder, 'dump.rdb'))
      await command('BGSAVE')
      await expect.poll(() => command('INFO', 'persistence'), { timeout: 10_000 }).toContain('rdb_last_bgsave_status:ok')
    },
  },
  'has another password now': {
    async begin({ command }) {
      await command('ACL', 'SETUSER', 'drawbridge', 'resetpass', '>second')
      await command('CLIENT', 'KILL', 'USER', 'drawbridge')
    },
    end: ({ command }) => command('ACL', 'SETUSER', 'drawbridge', 'resetpass', '>first'),
  },
  'forbids us what we need': {
    begin: ({ command }) => command('ACL', 'SETUSER', 'drawbridge', '-@scripting'),
    end: ({ command }) => command('ACL', 'SETUSER', 'drawbridge', '+@scripting'),
  },
  'has fewer replicas than it must have (NOREPLICAS)': {
    begin: ({ command }) => command('CONFIG', 'SET', 'min-replicas-to-write', '1'),
    end: ({ command }) => command('CONFIG', 'SET', 'min-replicas-to-write', '0'),
  },
  'has become a replica (READONLY)': {
    begin: ({ command }) => command('REPLICAOF', '127.0.0.1', '1'),
    end: ({ command }) => command('REPLICAOF', 'NO', 'ONE'),
  },
}

describe.each(Object.entries(troubles))('a Redis that %s', (_, { begin, end }) => {
  it('makes writes 503 and an event, loses nothing, and all is well when it ends (REL-R34)', async () => {
    const on = await open()
    const { house } = on
    const { clientId, tokens } = await house.login()
    house.events.length = 0
    await begin(on)
    const answer = await askToRegister(house)
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0, (await answer.json()).error]).toEqual([
      503,
      true,
      'temporarily_unavailable',
    ])
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(503)
    expect(house.events).toContainEqual(expect.objectContaining({ type: 'store.unavailable', endpoint: 'register' }))
    expect(house.events.map(({ type }) => type)).not.toContain('store.lost')
    await end(on)
    await expect.poll(() => statusOf(house), { timeout: 5_000 }).toBe(201)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
  })
})

describe('a Redis that loads its data (LOADING)', () => {
  it('makes everything 503 until it has (REL-R34)', async () => {
    const { redis, house, command } = await open(
      '--appendonly',
      'no',
      '--key-load-delay',
      '40000',
      '--loading-process-events-interval-bytes',
      '1024',
    )
    const { tokens } = await house.login()
    for (let index = 0; index < 40; index += 1) await askToRegister(house)
    await command('SAVE')
    await redis.kill()
    const starting = redis.start()
    await expect.poll(() => command('GET', 'anything').catch(() => ''), { timeout: 5_000, interval: 10 }).toContain('-LOADING')
    expect([await house.mcpStatus(tokens.access_token), await statusOf(house)]).toEqual([503, 503])
    await starting
    await command('ACL', 'SETUSER', 'drawbridge', 'on', '>first', '~*', '&*', '+@all')
    await expect.poll(() => house.mcpStatus(tokens.access_token), { timeout: 5_000 }).toBe(200)
  })
})
