import { type Environment, type Seconds, StoreUnavailable } from '@drawbridge/core'
import { inTime } from './deadline.ts'
import { isDemoted, leavesConnection, outcomeOf, type PostgresOutcome } from './postgres-failure.ts'
import type { PostgresClient, PostgresPool, PostgresStatement } from './postgres-target.ts'

/** What the server answered. */
export interface PostgresAnswer {
  readonly rows: readonly unknown[]
  readonly changed: number
}

/** A statement, once, on a connection of its own. Rejects with {@link FailedStatement}. */
export type SendOnce = (statement: PostgresStatement, signal: AbortSignal, patience?: Seconds) => Promise<PostgresAnswer>

/** A statement failed, and this is what is known of it. */
export class FailedStatement extends Error {
  override readonly name: string = 'FailedStatement'
  readonly outcome: PostgresOutcome

  constructor(outcome: PostgresOutcome, cause: unknown) {
    super(`PostgreSQL failed: ${outcome}`, { cause })
    this.outcome = outcome
  }
}

/** Callers that may wait for a connection; ten connections serve more than that within a call's deadline. */
const longestQueue = 1_000

const ignore = (): void => {}

/**
 * Takes connections out of the pool, each for one statement. One that does not answer within the deadline of a call is ended,
 * whatever its socket says; and with it, when their turn comes, all that have not been heard of since: a network that vanishes
 * takes all of them, and each would cost a call its deadline.
 */
export function openLines(pool: PostgresPool, environment: Environment): SendOnce {
  let losses = 0
  const heard = new WeakMap<PostgresClient, number>()

  async function take(signal: AbortSignal): Promise<PostgresClient> {
    for (;;) {
      if (pool.waitingCount >= longestQueue) throw new FailedStatement('refused', new Error('too many calls wait for a connection'))
      const client = await connect(pool)
      const known = heard.get(client) ?? losses
      heard.set(client, known)
      client.on('error', ignore)
      if (known === losses && !signal.aborted) return client
      giveBack(client, known !== losses)
      if (signal.aborted) throw new FailedStatement('not executed', signal.reason)
    }
  }

  return async (statement, signal, patience) => {
    const client = await take(signal)
    try {
      // By a clock of its own: a call that had to wait for a connection is late, and the connection is not.
      const { rows, rowCount } = await inTime(environment, () => client.query(statement), patience)
      heard.set(client, losses)
      giveBack(client, false)
      return { rows, changed: rowCount ?? 0 }
    } catch (cause) {
      if (cause instanceof StoreUnavailable || isDemoted(cause)) losses += 1
      giveBack(client, !leavesConnection(cause))
      throw new FailedStatement(outcomeOf(cause, true), cause)
    }
  }
}

async function connect(pool: PostgresPool): Promise<PostgresClient> {
  try {
    return await pool.connect()
  } catch (cause) {
    throw new FailedStatement(outcomeOf(cause, false), cause)
  }
}

// The pool listens again before we stop: an error that nobody listens to ends the process.
function giveBack(client: PostgresClient, end: boolean): void {
  client.release(end)
  client.removeListener('error', ignore)
}
