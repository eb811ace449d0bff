import { createFernetKey } from '@drawbridge/storage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as table from '../hosts/kill-table.ts'
import { type Fates, type FateTable, fatesOf, openWorld, pointsIn, pointsOf, type World } from '../hosts/killing.ts'
import { callback, redemption, refresh } from '../hosts/operations.ts'
import { dumpRedis } from '../support/redis-dump.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { figure } from './figure.ts'

/** The upstream's tokens live for 8 hours, and are due in the last 5 minutes. */
const later = 28_800 - 240

/** A claim of the callback is over after 37 s. */
const after = 38

/** One for all who share the Redis, so that whoever looks into it can open everything. */
const storageKey = createFernetKey()

let redis: RedisServer
let strict: World
let lenient: World
beforeAll(async () => {
  redis = await startRedis('--appendonly', 'no')
  strict = await openWorld(redis, { usedRefreshTokens: 'end-all', storageKey })
  lenient = await openWorld(redis, { usedRefreshTokens: 'answered', namespace: 'lenient', storageKey })
})
afterAll(async () => {
  await strict?.close()
  await lenient?.close()
  await redis?.close()
})

/** How many points there are in a row of a table, with one of these fates. */
function count(byFate: Readonly<Record<string, readonly string[] | undefined>> = {}, isOne = (_fate: string) => true): number {
  return Object.entries(byFate).flatMap(([fate, points = []]) => (isOne(fate) ? points : [])).length
}

const isLogin = (fate: string): boolean => fate.startsWith('login')
const isFault = (fate: string): boolean => !isLogin(fate) && fate !== 'served' && fate !== 'waits'

const rows: [name: string, byFate: Fates[string]][] = []

function note(fates: Fates, upstream = ''): void {
  rows.push(...Object.entries(fates).map(([name, byFate]): (typeof rows)[number] => [`${name}${upstream}`, byFate]))
}

function sorted(fates: FateTable): unknown {
  return Object.fromEntries(
    Object.entries(fates).map(([name, byFate]) => [
      name,
      Object.fromEntries(Object.entries(byFate).map(([fate, points]) => [fate, points.toSorted()])),
    ]),
  )
}

describe('a process that is killed at any point at which it waits (REL-R13, I2, I3, I6)', () => {
  it('costs a login only where a code of ours or of the upstream was with it', async () => {
    expect(await pointsOf(strict, { operations: table.killed, table: table.fates })).toEqual(pointsIn(table.fates))
    const operations = { ...table.killed, ...table.killedWaiting }
    const expected = { ...table.fates, ...table.fatesOfWaiting }
    const fates = await fatesOf(strict, { operations, table: expected, after })
    note(fates)
    expect(fates).toEqual(sorted(expected))
  })

  it('costs a login where a strict upstream has answered a refresh and the answer is not in the store', async () => {
    const killing = { operations: table.killedWhenDue, table: table.fatesOfStrict, later }
    expect(await pointsOf(strict, killing)).toEqual(pointsIn(table.fatesOfStrict))
    const operations = { ...table.killedWhenDue, ...table.killedWaitingWhenDue }
    const expected = { ...table.fatesOfStrict, ...table.fatesOfWaitingWhenDue }
    const fates = await fatesOf(strict, { operations, table: expected, later })
    note(fates, ', strict')
    expect(fates).toEqual(sorted(expected))
  })

  it('costs nobody a login with an upstream that takes a refresh token again', async () => {
    const fates = await fatesOf(lenient, { operations: table.killedWhenDue, table: table.fatesOfLenient, later })
    note(fates, ', lenient')
    expect(fates).toEqual(sorted(table.fatesOfLenient))
  })

  it('leaves nothing that stays for ever', async () => {
    const keys = await dumpRedis(redis.port)
    expect(keys.length).toBeGreaterThan(100)
    expect(keys.filter(({ ttl }) => ttl <= 0)).toEqual([])
    const pending = (await strict.grants()).filter(({ code }) => !code.spent)
    expect(Math.max(...pending.map(({ ttl }) => ttl))).toBeLessThanOrEqual(600_000)
    // By the store's own clock.
    const leases = async () => (await dumpRedis(redis.port)).filter(({ key }) => key.includes(':lease:')).length
    await expect.poll(leases, { timeout: 20_000, interval: 500 }).toBe(0)
  })

  it('asks a strict upstream twice with one refresh token only where that costs a login', () => {
    const used = strict.hosts.github.received.flatMap(({ body }) => new URLSearchParams(body).getAll('refresh_token'))
    const again = used.length - new Set(used).size
    const logins = rows.filter(([name]) => name.endsWith(', strict')).map(([, byFate]) => count(byFate, isLogin))
    expect(again).toBe(logins.reduce((sum, one) => sum + one, 0))
  })

  it('is told in figures', () => {
    const sum = (isOne?: (fate: string) => boolean) => rows.reduce((total, [, byFate]) => total + count(byFate, isOne), 0)
    figure('kill points tried', sum())
    figure('states stuck or forked after a kill', sum(isFault))
    const waits = [...strict.waits, ...lenient.waits]
    figure('longest wait for the lease of a process that was killed, in s', (Math.max(...waits.map(({ ms }) => ms)) / 1000).toFixed(1))
    figure(
      'answers of 503 to those who waited for it',
      waits.reduce((total, { told }) => total + told, 0),
    )
    for (const [name, byFate] of rows)
      figure(`points at which a kill costs a login: ${name}`, `${count(byFate, isLogin)} of ${count(byFate)}`)
    expect(sum(isFault)).toBe(0)
  })
})

describe('it is seen', () => {
  const world = async (kind: 'writes-behind' | 'publishes-first' | 'keeps-leases'): Promise<World> =>
    openWorld(redis, { namespace: kind, storageKey, storeOf: (index) => ({ kind: index === 0 ? 'redis' : kind, url: redis.url }) })

  it('when a host says that a code is spent before it is: then it is good twice', async () => {
    const broken = await world('writes-behind')
    const fates = await fatesOf(broken, {
      operations: { redemption: redemption() },
      table: { redemption: { served: ['after add clients'] } },
    })
    await broken.close()
    expect(fates).toEqual({ redemption: { 'forked: more is good than may be': ['after add clients'] } })
  })

  it('when a code goes out before its grant is there', async () => {
    const broken = await world('publishes-first')
    const fates = await fatesOf(broken, { operations: { callback }, table: { callback: { served: ['before the answer'] } } })
    await broken.close()
    expect(fates).toEqual({ callback: { 'login later': ['before the answer'] } })
  })

  it('when a lease does not end with whoever held it: then nobody refreshes any more', async () => {
    const broken = await world('keeps-leases')
    const killing = { operations: { refresh: refresh() }, table: { refresh: { waits: ['after set lease'] } }, later }
    const fates = await fatesOf(broken, killing)
    await broken.close()
    expect(Object.keys(fates.refresh ?? {})).toEqual([expect.stringMatching(/^stuck: 503 /)])
  })
})
