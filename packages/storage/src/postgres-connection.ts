import { createHash } from 'node:crypto'
import { type Environment, type Seconds, StoreUnavailable } from '@drawbridge/core'
import { inTime } from './deadline.ts'
import { lacksTables } from './postgres-failure.ts'
import { FailedStatement, openLines, type PostgresAnswer, type SendOnce } from './postgres-lines.ts'
import { createTables, type PostgresTables } from './postgres-tables.ts'
import { isPostgresPool, openPostgresPool, type PostgresPool, type PostgresStatement, type PostgresTarget } from './postgres-target.ts'
import { NothingExecuted } from './read-back.ts'

/** A statement that each connection parses once. */
export interface PreparedStatement {
  readonly name: string
  readonly text: string
}

/** Named by its text, so that stores in two schemas can share a pool. */
export function prepared(text: string): PreparedStatement {
  return { name: `drawbridge_${createHash('sha1').update(text).digest('base64url')}`, text }
}

/** PostgreSQL, as far as a store needs it. Every method rejects with `StoreUnavailable`; `signal` is the deadline of the call. */
export interface PostgresConnection {
  /** Runs `work` within the deadline of a call, which begins once the driver is loaded: that takes its time, once, and is no fault of PostgreSQL. */
  inTime<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result>
  /** The rows of a query, which does no harm twice. */
  rows(signal: AbortSignal, statement: PreparedStatement, ...values: (string | number)[]): Promise<readonly unknown[]>
  /** How many rows were changed. */
  change(signal: AbortSignal, statement: PreparedStatement, ...values: (string | number)[]): Promise<number>
  close(): Promise<void>
}

/** While the connection is made again; short, because the whole call has 500 ms. */
const pause = 25

/** So that the caller hears what it was before its deadline says that it was late. */
const tries = 8

/** Time for the calls under way when the pool is closed, in milliseconds: twice their deadline. */
const closing = 1_000

/** Tables are made once, and another host may be making them at this moment. */
const creating: Seconds = 10

/**
 * Makes its pool when it is first used, and its tables when a statement finds none: so a role that may not create anything
 * works where they exist. A call that waits for either is bounded by its signal.
 */
export function connectPostgres(target: PostgresTarget, tables: PostgresTables, environment: Environment): PostgresConnection {
  let opened: Promise<Opened> | undefined
  const open = (): Promise<Opened> => {
    opened ??= openPool(target, tables, environment)
    return opened
  }
  const send = async (sending: Sending): Promise<PostgresAnswer> => sendUntilDeadline(await open(), environment, sending)
  return {
    async inTime(work) {
      await open()
      return inTime(environment, work)
    },
    rows: async (signal, statement, ...values) => (await send({ statement: { ...statement, values }, signal, repeatable: true })).rows,
    change: async (signal, statement, ...values) =>
      (await send({ statement: { ...statement, values }, signal, repeatable: false })).changed,
    async close() {
      // A pool of the operator's own may serve others.
      if (opened === undefined || isPostgresPool(target)) return
      const made = await opened.catch(() => undefined)
      if (made) await Promise.race([made.pool.end().catch(() => {}), environment.sleep(closing)])
    },
  }
}

async function sendUntilDeadline(
  { once, create }: Opened,
  environment: Environment,
  { statement, signal, repeatable }: Sending,
): Promise<PostgresAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(statement, signal)
    } catch (failure) {
      if (!(failure instanceof FailedStatement)) throw failure
      const { outcome, cause } = failure
      const wanting = lacksTables(cause)
      const resend = wanting || outcome === 'not executed' || (outcome === 'unknown' && repeatable)
      const failed = outcome === 'unknown' ? StoreUnavailable : NothingExecuted
      if (!resend || attempt === tries || signal.aborted) throw new failed('PostgreSQL failed', { cause })
      if (wanting) await create()
      else await environment.sleep(pause)
      if (signal.aborted) throw new failed('PostgreSQL failed until the deadline', { cause })
    }
  }
}

interface Opened {
  readonly pool: PostgresPool
  readonly once: SendOnce
  /** Creates the tables, or waits for who is at it. Rejects with `StoreUnavailable`. */
  create(): Promise<void>
}

interface Sending {
  readonly statement: PostgresStatement
  readonly signal: AbortSignal
  /** Whether it does no harm twice. */
  readonly repeatable: boolean
}

async function openPool(target: PostgresTarget, tables: PostgresTables, environment: Environment): Promise<Opened> {
  const pool = await openPostgresPool(target)
  // Without a listener Node ends the process; what failed is told by the calls that it fails.
  pool.on('error', () => {})
  const once = openLines(pool, environment)
  let created: Promise<void> | undefined
  return {
    pool,
    once,
    // Goes on past the deadline of the call that asked for it: the next one finds them.
    create() {
      created ??= createTables(tables, (statement) => once(statement, environment.deadline(creating), creating))
        .catch(unavailable)
        .finally(() => {
          created = undefined
        })
      return created
    },
  }
}

function unavailable(failure: unknown): never {
  throw new StoreUnavailable('the tables cannot be made', { cause: failure instanceof FailedStatement ? failure.cause : failure })
}
