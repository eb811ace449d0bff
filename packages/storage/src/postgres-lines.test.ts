import { StoreUnavailable } from '@drawbridge/core'
import { type FixedEnvironment, fixedEnvironment } from '@drawbridge/core/testing'
import { type PostgresPool, type PostgresStatement, postgresStore } from '@drawbridge/storage/postgres'
import { describe, expect, it } from 'vitest'

type Rows = { rows: unknown[]; rowCount: number | null }
type Answer = (statement: PostgresStatement, connection: number) => Promise<Rows>

const nothing = async (): Promise<Rows> => ({ rows: [], rowCount: 0 })
const never = () => new Promise<Rows>(() => {})

/** What the server says. */
class FromServer extends Error {
  readonly code: string
  readonly severity: string
  constructor(code: string, severity = 'ERROR') {
    super(code)
    this.code = code
    this.severity = severity
  }
}

/** A pool of `max` connections that answer as they are told, and what became of it. */
function poolThat(answer: Answer, { max = 2 } = {}) {
  const idle: number[] = []
  const seen = { made: 0, ended: [] as number[], listeners: 0, statements: [] as PostgresStatement[] }
  const pool: PostgresPool & { waitingCount: number } = {
    options: { connectionTimeoutMillis: 1_000 },
    waitingCount: 0,
    async connect() {
      const connection = idle.pop() ?? ++seen.made
      if (connection > max + seen.ended.length) throw new Error('more connections than there are')
      return clients[connection] ?? client(connection)
    },
    on: () => {},
    end: async () => {},
  }
  const clients: Record<number, Awaited<ReturnType<PostgresPool['connect']>>> = {}
  const client = (connection: number) => {
    const made = {
      query: (statement: PostgresStatement) => {
        seen.statements.push(statement)
        return answer(statement, connection)
      },
      on: () => {
        seen.listeners += 1
      },
      removeListener: () => {
        seen.listeners -= 1
      },
      release: (end?: boolean) => void (end ? seen.ended.push(connection) : idle.push(connection)),
    }
    clients[connection] = made
    return made
  }
  return { pool, seen }
}

/** Moves the clock on when everything that could go on has done so. */
async function past(environment: FixedEnvironment, seconds: number): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  environment.advance(seconds)
}

describe('a connection of postgresStore', () => {
  it('that does not answer in time is ended, and with it the others that were idle meanwhile', async () => {
    const environment = fixedEnvironment()
    let silent = false
    let waiting: (() => void)[] = []
    const { pool, seen } = poolThat(async () => {
      if (silent) return never()
      await new Promise<void>((resolve) => waiting.push(resolve))
      return { rows: [], rowCount: 0 }
    })
    const store = postgresStore(pool, { environment })
    const both = Promise.all([store.get('a'), store.get('b')])
    await past(environment, 0)
    for (const go of waiting.splice(0)) go()
    await both
    silent = true
    const lost = store.get('a').catch((error: unknown) => error)
    await past(environment, 0.5)
    expect(await lost).toBeInstanceOf(StoreUnavailable)
    await past(environment, 0)
    silent = false
    waiting = []
    const found = store.get('a')
    await past(environment, 0)
    for (const go of waiting.splice(0)) go()
    expect(await found).toBeUndefined()
    expect({ ...seen, ended: seen.ended.sort() }).toMatchObject({ made: 3, ended: [1, 2], listeners: 0 })
  })

  it('that came too late is put back, and nothing is sent on it', async () => {
    const environment = fixedEnvironment()
    const { pool, seen } = poolThat(nothing)
    let hand = (): void => {}
    const { connect } = pool
    pool.connect = async () => {
      await new Promise<void>((resolve) => {
        hand = resolve
      })
      return connect()
    }
    const store = postgresStore(pool, { environment })
    const late = store.set('a', 'one', 60, undefined).catch((error: unknown) => error)
    await past(environment, 0.5)
    expect(await late).toBeInstanceOf(StoreUnavailable)
    hand()
    await past(environment, 0)
    expect(seen).toMatchObject({ made: 1, ended: [], listeners: 0, statements: [] })
  })

  it('is not waited for by more than a thousand at once', async () => {
    const { pool, seen } = poolThat(nothing)
    pool.waitingCount = 1_000
    const store = postgresStore(pool, { environment: fixedEnvironment() })
    await expect(store.get('a')).rejects.toThrow(StoreUnavailable)
    expect(seen.made).toBe(0)
    pool.waitingCount = 999
    expect(await store.get('a')).toBeUndefined()
  })
})

describe('a write of postgresStore', () => {
  const isWrite = ({ text }: PostgresStatement) => !text.startsWith('SELECT')

  it.each(['40001', '40P01', '55P03', '25006', '53300', '57P03'])('that was not executed (%s) is sent again', async (code) => {
    let failures = 2
    const { pool, seen } = poolThat(async () => {
      if (failures-- > 0) throw new FromServer(code)
      return { rows: [], rowCount: 1 }
    })
    const store = postgresStore(pool, { environment: fixedEnvironment() })
    expect(await store.set('a', 'one', 60, undefined)).toMatchObject({ value: 'one' })
    expect(seen.statements.map(isWrite)).toEqual([true, true, true])
  })

  it.each([
    ['on a connection that broke', new Error('Connection terminated unexpectedly')],
    ['on a connection that the server ended', new FromServer('57P01', 'FATAL')],
  ])('whose outcome is unknown, %s, is read back, and is a win when its version is there', async (_, cause) => {
    let version: unknown
    const { pool, seen } = poolThat(async (statement) => {
      if (!isWrite(statement)) return { rows: [{ value: 'one', version }], rowCount: 1 }
      version = statement.values?.[2]
      throw cause
    })
    const store = postgresStore(pool, { environment: fixedEnvironment() })
    expect(await store.set('a', 'one', 60, undefined)).toEqual({ value: 'one', version })
    expect(seen.statements.map(isWrite)).toEqual([true, false])
    expect(seen.ended).toEqual([1])
  })

  it('whose outcome is unknown is lost when another version is there, and is not sent again', async () => {
    const { pool, seen } = poolThat(async (statement) => {
      if (!isWrite(statement)) return { rows: [{ value: 'two', version: 'of another' }], rowCount: 1 }
      throw new Error('Connection terminated unexpectedly')
    })
    const store = postgresStore(pool, { environment: fixedEnvironment() })
    expect(await store.set('a', 'one', 60, { value: 'zero', version: 'seen' })).toBeUndefined()
    expect(seen.statements.filter(isWrite)).toHaveLength(1)
  })

  it.each(['53100', '53200', '42501', '28P01', '57014', 'XX000'])(
    'that the server refused (%s) is neither won nor lost, and not sent again',
    async (code) => {
      const { pool, seen } = poolThat(async () => {
        throw new FromServer(code)
      })
      const store = postgresStore(pool, { environment: fixedEnvironment() })
      await expect(store.set('a', 'one', 60, undefined)).rejects.toThrow(StoreUnavailable)
      await expect(store.delete('a', { value: 'one', version: 'seen' })).rejects.toThrow(StoreUnavailable)
      await expect(store.get('a')).rejects.toThrow(StoreUnavailable)
      expect(seen.statements.map(isWrite)).toEqual([true, true, false])
    },
  )

  it('that is never executed fails with what the server said, and not with the deadline', async () => {
    const { pool } = poolThat(async () => {
      throw new FromServer('25006')
    })
    const store = postgresStore(pool, { environment: fixedEnvironment() })
    const error = await store.set('a', 'one', 60, undefined).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(StoreUnavailable)
    expect(error).toMatchObject({ name: 'StoreUnavailable', cause: { code: '25006' } })
  })
})
