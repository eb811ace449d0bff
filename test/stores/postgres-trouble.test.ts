import { setTimeout as sleep } from 'node:timers/promises'
import { StoreUnavailable, systemEnvironment } from '@drawbridge/core'
import { type PostgresStore, postgresStore } from '@drawbridge/storage/postgres'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { patientEnvironment } from '../support/patient-environment.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'

// A server of its own takes some seconds on a busy machine.
const startingMs = 60_000

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres('max_connections=40')
}, startingMs)
afterAll(() => server?.close())

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work()
})

let schemas = 0
const newSchema = (): string => `of test ${++schemas}`

function storeAt(url: string, options: Parameters<typeof postgresStore>[1] = {}): PostgresStore {
  const store = postgresStore(url, { environment: patientEnvironment(), ...options })
  cleanUp.push(() => store.close())
  return store
}

/** Does it again while it is unavailable, as a client does that is told to come back; a busy machine may take longer than one call has. */
async function persist<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || attempt === 40) throw error
      await sleep(50)
    }
  }
}

/** A connection of the superuser's, which holds what it locks until it ends. */
async function operator(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url })
  client.on('error', () => {})
  await client.connect()
  cleanUp.push(() => client.end())
  return client
}

/** Why it is unavailable. On a busy machine that may be the deadline, in place of what the server said. */
function causeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'it is available',
    (error: Error) => error.cause,
  )
}

/** Says who the synchronous standbys are, and waits until the server knows. */
async function standbys(change: string): Promise<void> {
  await server.command(`ALTER SYSTEM ${change}`)
  await server.command('SELECT pg_reload_conf()')
  const shown = async () => (await server.command('SHOW synchronous_standby_names'))[0]
  const expected = change.startsWith('RESET') ? '' : 'nobody'
  await expect.poll(shown, { timeout: 5_000 }).toEqual({ synchronous_standby_names: expected })
}

async function untilSomebodyWaits(): Promise<void> {
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'drawbridge' AND wait_event_type = 'Lock'`
  await expect.poll(async () => (await server.command(waiting)).length, { interval: 10, timeout: 5_000 }).toBeGreaterThan(0)
}

describe('the tables of postgresStore', () => {
  it('are made by eight hosts that start at the same moment, and none of them fails', async () => {
    const pools = Array.from({ length: 8 }, () => new pg.Pool({ connectionString: server.url, connectionTimeoutMillis: 2_000, max: 1 }))
    cleanUp.push(() => Promise.all(pools.map((pool) => pool.end())))
    // Connected already, so that they come to the tables together.
    await Promise.all(pools.map((pool) => pool.query('SELECT 1')))
    for (let round = 0; round < 5; round += 1) {
      const schema = newSchema()
      const stores = pools.map((pool) => postgresStore(pool, { schema, environment: patientEnvironment() }))
      expect(await Promise.all(stores.map((store) => store.get('one')))).toEqual(Array.from({ length: 8 }, () => undefined))
    }
  })

  it('serve a role that may create nothing, once they are there', async () => {
    const schema = newSchema()
    await server.command('CREATE ROLE reader LOGIN')
    const poor = storeAt(server.url.replace('drawbridge:', 'reader:'), { schema })
    await expect(poor.get('one')).rejects.toThrow(StoreUnavailable)
    await persist(() => storeAt(server.url, { schema }).get('one'))
    await server.command(`GRANT USAGE ON SCHEMA "${schema}" TO reader`)
    await server.command(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${schema}" TO reader`)
    expect(await persist(() => poor.set('one', 'one', 60, undefined))).toMatchObject({ value: 'one' })
    await poor.directory?.add('list', 'member', 60)
    expect(await poor.directory?.list('list', undefined, 10)).toEqual({ members: ['member'] })
  })

  it('are made in a schema that is there by a role that may create no other', async () => {
    const schema = newSchema()
    await server.command('CREATE ROLE maker LOGIN')
    await server.command(`CREATE SCHEMA "${schema}" AUTHORIZATION maker`)
    const store = storeAt(server.url.replace('drawbridge:', 'maker:'), { schema })
    expect(await persist(() => store.set('one', 'one', 60, undefined))).toMatchObject({ value: 'one' })
  })

  it('that went away under the store are made again, empty', async () => {
    const schema = newSchema()
    const store = storeAt(server.url, { schema })
    await persist(() => store.set('one', 'one', 60, undefined))
    await server.command(`DROP SCHEMA "${schema}" CASCADE`)
    expect(await persist(() => store.get('one'))).toBeUndefined()
  })

  it('keep nothing without an end (I8, REL-R24), and lose what has ended beside later writes', async () => {
    const environment = patientEnvironment()
    const schema = newSchema()
    const store = storeAt(server.url, { schema, environment })
    const rows = async () => {
      const counts = `SELECT (SELECT count(*)::int FROM "${schema}".entries) AS entries, (SELECT count(*)::int FROM "${schema}".members) AS members`
      return (await server.command(counts))[0]
    }
    for (let index = 0; index < 40; index += 1) await persist(() => store.set(`brief:${index}`, 'one', 0.01, undefined))
    for (let index = 0; index < 40; index += 1) await persist(async () => store.directory?.add('list', `brief:${index}`, 0.01))
    const lasting = `SELECT count(*)::int AS count FROM "${schema}".entries WHERE ends_at > now() + interval '2 s'`
    expect(await server.command(lasting)).toEqual([{ count: 0 }])
    await sleep(50)
    for (let index = 0; index < 48; index += 1) await persist(() => store.set(`long:${index % 2}`, 'one', 60, undefined))
    await environment.drain()
    expect(await rows()).toEqual({ entries: 2, members: 0 })
  })
})

describe('a moment in postgresStore', () => {
  it('is by the clock of the server, so that a host whose clock is years off is as good as any (REL-R10)', async () => {
    const schema = newSchema()
    const system = patientEnvironment()
    const ahead = storeAt(server.url, { schema, environment: { ...system, now: () => system.now() + 1e8 } })
    const behind = storeAt(server.url, { schema, environment: { ...system, now: () => system.now() - 1e8 } })
    await persist(() => behind.set('one', 'one', 60, undefined))
    await persist(() => ahead.set('brief', 'one', 0.2, undefined))
    expect((await persist(() => ahead.get('one')))?.value).toBe('one')
    await sleep(250)
    expect(await persist(() => behind.get('brief'))).toBeUndefined()
    expect(Math.abs(((await persist(() => ahead.examine())).now ?? 0) - system.now())).toBeLessThan(5)
  })
})

describe('postgresStore', () => {
  it('lets one of four change what all have seen where transactions are serializable, and the others lose', async () => {
    const schema = newSchema()
    const strict = storeAt(`${server.url}?options=-c%20default_transaction_isolation%3Dserializable`, { schema })
    let seen = await persist(() => strict.set('one', '0', 60, undefined))
    for (let round = 1; round <= 20; round += 1) {
      const racing = [1, 2, 3, 4].map((racer) => strict.set('one', `${racer}`, 60, seen))
      const won = (await Promise.all(racing)).filter(Boolean)
      expect(won).toHaveLength(1)
      seen = won[0]
    }
  })

  it('rejects a write that has to wait for a lock, and leaves nobody waiting at the server', async () => {
    const schema = newSchema()
    const store = storeAt(server.url, { schema })
    const seen = await persist(() => store.set('one', 'one', 60, undefined))
    const other = await operator()
    await other.query(`BEGIN; SELECT FROM "${schema}".entries WHERE key = 'one' FOR UPDATE`)
    await expect(store.set('one', 'two', 60, seen)).rejects.toThrow(StoreUnavailable)
    const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'drawbridge' AND wait_event_type = 'Lock'`
    await expect.poll(async () => (await server.command(waiting))[0]?.count, { timeout: 5_000 }).toBe(0)
    await other.query('ROLLBACK')
    expect((await persist(() => store.get('one')))?.version).toBe(seen?.version)
  })

  it('settles a write whose connection was ended under it by what is there', async () => {
    const schema = newSchema()
    const store = storeAt(server.url, { schema })
    const seen = await persist(() => store.set('one', 'one', 60, undefined))
    const other = await operator()
    await persist(async () => {
      await other.query(`BEGIN; SELECT FROM "${schema}".entries WHERE key = 'one' FOR UPDATE`)
      const changing = store.set('one', 'two', 60, seen)
      changing.catch(() => {})
      await untilSomebodyWaits()
      await other.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)
      await other.query('ROLLBACK')
      expect(await changing).toMatchObject({ value: 'two' })
    })
  })

  it('goes on when all its idle connections were ended, and the process does not', async () => {
    const store = storeAt(server.url, { schema: newSchema() })
    await persist(() => store.set('one', 'one', 60, undefined))
    await Promise.all(Array.from({ length: 10 }, () => persist(() => store.get('one'))))
    await server.command(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'drawbridge'`)
    expect((await persist(() => store.get('one')))?.value).toBe('one')
  })

  it('waits for a connection while the server has none to spare, and gets it (53300)', async () => {
    const schema = newSchema()
    await server.command('CREATE ROLE few LOGIN SUPERUSER CONNECTION LIMIT 1')
    await server.command('ALTER ROLE few NOSUPERUSER')
    await persist(() => storeAt(server.url, { schema }).get('one'))
    await server.command(`GRANT USAGE ON SCHEMA "${schema}" TO few`)
    await server.command(`GRANT SELECT ON ALL TABLES IN SCHEMA "${schema}" TO few`)
    const url = server.url.replace('drawbridge:', 'few:')
    const [one, other] = [storeAt(url, { schema }), storeAt(url, { schema })]
    await persist(() => one.get('one'))
    await expect.poll(() => causeOf(other.get('one'))).toMatchObject({ code: '53300' })
    await one.close()
    expect(await persist(() => other.get('one'))).toBeUndefined()
  })

  it(
    'rejects writes while the server takes none, and writes when it does, without a restart (REL-R31, REL-R34)',
    async () => {
      const own = await startPostgres()
      cleanUp.push(() => own.close())
      const store = storeAt(own.url)
      const seen = await persist(() => store.set('one', 'one', 60, undefined))
      await own.kill()
      await own.startAsStandby()
      expect((await persist(() => store.get('one')))?.version).toBe(seen?.version)
      await expect.poll(() => causeOf(store.set('one', 'two', 60, seen)), { timeout: 5_000 }).toMatchObject({ code: '25006' })
      expect(await persist(() => store.examine())).toMatchObject({ findings: [{ setting: 'pg_is_in_recovery', verdict: 'refused' }] })
      await own.command('SELECT pg_promote()')
      expect((await persist(() => store.set('one', 'two', 60, seen)))?.value).toBe('two')
    },
    startingMs,
  )

  it('rejects a write that no synchronous standby has confirmed, and finds it when one has', async () => {
    const schema = newSchema()
    const store = storeAt(server.url, { schema, environment: systemEnvironment() })
    const seen = await persist(() => store.set('one', 'one', 60, undefined))
    await standbys(`SET synchronous_standby_names = 'nobody'`)
    cleanUp.push(() => standbys('RESET synchronous_standby_names'))
    await expect(store.set('one', 'two', 60, seen)).rejects.toThrow(StoreUnavailable)
    expect((await persist(() => store.get('one')))?.value).toBe('one')
    await standbys('RESET synchronous_standby_names')
    await expect.poll(async () => (await persist(() => store.get('one')))?.value, { timeout: 5_000 }).toBe('two')
  })
})

describe('postgresStore examines its server, and', () => {
  const findings = async (schema = newSchema()) => {
    const { findings: found } = await persist(() => storeAt(server.url, { schema }).examine())
    return found.map(({ setting, problem, verdict }) => `${verdict}: ${setting} ${problem.split(':')[0]}`)
  }

  it('finds nothing wrong with one as it comes, and its clock', async () => {
    const { now, findings: found } = await persist(() => storeAt(server.url).examine())
    expect(found).toEqual([])
    expect(Math.abs((now ?? 0) - systemEnvironment().now())).toBeLessThan(5)
  })

  it('warns of commits that wait for no disk, for this role', async () => {
    await server.command('ALTER ROLE drawbridge SET synchronous_commit = off')
    cleanUp.push(() => server.command('ALTER ROLE drawbridge RESET synchronous_commit'))
    expect(await findings()).toEqual(['warned: synchronous_commit off'])
  })

  it('warns of synchronous standbys that nobody waits for', async () => {
    await server.command('ALTER ROLE drawbridge SET synchronous_commit = local')
    cleanUp.push(() => server.command('ALTER ROLE drawbridge RESET synchronous_commit'))
    await standbys(`SET synchronous_standby_names = 'nobody'`)
    cleanUp.push(() => standbys('RESET synchronous_standby_names'))
    expect(await findings()).toEqual(['warned: synchronous_commit local'])
  })

  it('warns of a table that a crash empties', async () => {
    const schema = newSchema()
    await persist(() => storeAt(server.url, { schema }).get('one'))
    await server.command(`ALTER TABLE "${schema}".entries SET UNLOGGED`)
    expect(await findings(schema)).toEqual(['warned: UNLOGGED a table is unlogged'])
  })

  it(
    'refuses one that writes without the disk, unless that is accepted',
    async () => {
      const own = await startPostgres('fsync=off')
      cleanUp.push(() => own.close())
      const { findings: found } = await persist(() => storeAt(own.url).examine())
      expect(found).toMatchObject([{ setting: 'fsync', verdict: 'refused' }])
      const accepting = storeAt(own.url, { dangerouslyAcceptSettings: ['fsync'] })
      expect((await persist(() => accepting.examine())).findings).toEqual([])
    },
    startingMs,
  )
})
