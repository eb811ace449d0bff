import { setTimeout as sleep } from 'node:timers/promises'
import { StoreUnavailable } from '@drawbridge/core'
import { postgresStore } from '@drawbridge/storage/postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authorizePath, comeBack, login, loginOften, persist, refresh, register, toolStatus } from '../hosts/client.ts'
import { type Hosts, startHosts } from '../hosts/hosts.ts'
import { type Exchange, startTraffic, trafficKinds } from '../hosts/traffic.ts'
import { atMost } from '../support/at-most.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { figure } from './figure.ts'

let postgres: PostgresServer
let hosts: Hosts | undefined
beforeEach(async () => {
  postgres = await startPostgres()
})
afterEach(async () => {
  await hosts?.close()
  hosts = undefined
  await postgres?.close()
})

const isGood = ({ status, error }: Exchange): boolean => status < 400 && error === undefined

/** The outages, and what ends them; each takes as long as it is given. */
const outages: Record<string, (lasting: number) => Promise<void>> = {
  async 'killed, and started with its data'(lasting) {
    await postgres.kill()
    await sleep(lasting)
    await postgres.start()
  },
  async 'frozen, and thawed'(lasting) {
    postgres.freeze()
    await sleep(lasting)
    postgres.thaw()
  },
}

describe.each(Object.entries(outages))('while PostgreSQL is %s', (name, happen) => {
  it('the answers are 503 in time and nothing worse, and 2 s later all is as it was (REL-R5, REL-R6, REL-R7)', async () => {
    const house = await startHosts({ count: 2, store: { kind: 'postgres', url: postgres.url } })
    hosts = house
    const sessions = await loginOften(house, 20)
    const clients = await atMost(10, Array.from({ length: 20 }), () => persist(() => register(house)))
    const traffic = startTraffic(house, { verifying: await login(house), refreshing: await login(house), clientId: clients[0] ?? '' })
    await sleep(1_000)
    const began = performance.now()
    await happen(5_000)
    const over = performance.now()
    await sleep(4_000)
    await traffic.stop()

    const { exchanges } = traffic
    const bad = exchanges.filter((exchange) => !isGood(exchange))
    expect(new Set(bad.map(({ status, error, challenge }) => `${status} ${error} ${challenge}`))).toEqual(
      new Set(['503 temporarily_unavailable null']),
    )
    const slowest = exchanges.map(({ took }) => took).sort((a, b) => b - a)
    expect(slowest[Math.floor(exchanges.length / 100)]).toBeLessThan(2_500)
    const last = Math.max(0, ...bad.filter((exchange) => exchange.began > over).map((exchange) => exchange.began + exchange.took - over))
    figure(`PostgreSQL ${name}: milliseconds from its return to the last 503`, Math.round(last))
    for (const kind of trafficKinds) {
      const own = exchanges.filter((exchange) => exchange.kind === kind)
      expect(own.filter((exchange) => exchange.began > began && !isGood(exchange)).length, kind).toBeGreaterThan(0)
      const after = own.filter((exchange) => exchange.began > over + 2_000)
      expect(after.length, kind).toBeGreaterThan(5)
      expect(
        after.filter((exchange) => !isGood(exchange)),
        kind,
      ).toEqual([])
    }
    for (const { clientId, tokens } of sessions) {
      expect(await toolStatus(house, tokens.access_token)).toBe(200)
      expect((await comeBack(() => refresh(house, clientId, tokens.refresh_token))).status).toBe(200)
    }
    for (const clientId of clients) expect((await house.fetch(authorizePath(clientId))).status).toBe(200)
  })
})

it('a PostgreSQL that is killed five times under writers loses nothing that was answered', async () => {
  const stores = [postgresStore(postgres.url), postgresStore(postgres.url)]
  /** What a key has to hold at least: a writer counts, and a write of unknown outcome may have been executed. */
  const answered = new Map<string, number>()
  let going = true
  const write = async (writer: number): Promise<void> => {
    const store = stores[writer % stores.length]
    const key = `writer:${writer}`
    for (let count = 1; going; count += 1) {
      try {
        if (await store?.set(key, `${count}`, 600, await store.get(key))) answered.set(key, count)
        if (await store?.set(`${key}:${count}`, '1', 600, undefined)) answered.set(`${key}:${count}`, 1)
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        await sleep(20)
      }
    }
  }
  const writers = Array.from({ length: 8 }, (_, writer) => write(writer))
  for (let round = 0; round < 5; round += 1) {
    await sleep(300)
    await postgres.kill()
    await postgres.start()
  }
  await sleep(300)
  going = false
  await Promise.all(writers)

  const rows = await postgres.command('SELECT key, value FROM drawbridge.entries')
  const there = new Map(rows.map(({ key, value }) => [key, Number(value)]))
  const lost = [...answered].filter(([key, count]) => (there.get(key) ?? 0) < count).map(([key]) => key)
  await Promise.all(stores.map((store) => store.close()))
  figure(
    'PostgreSQL killed five times under 8 writers: answered writes, and how many of them were lost',
    `${answered.size}, ${lost.length}`,
  )
  expect(answered.size).toBeGreaterThan(100)
  expect(lost).toEqual([])
})
