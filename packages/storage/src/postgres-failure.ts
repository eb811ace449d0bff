/** What is known of a statement that failed: it had no effect and may work at once; the server refused it; or nobody knows. */
export type PostgresOutcome = 'not executed' | 'refused' | 'unknown'

/**
 * Errors that prove that nothing was executed, and pass: a lost race of transactions, a deadlock, a lock that was not free, a
 * server that has become a replica, that has no connection to spare, or that is starting.
 */
const passing: readonly string[] = ['40001', '40P01', '55P03', '25006', '53300', '57P03']

/** A connection was ended by the server (57P01 and its like), or broke (class 08): a statement on it may have been committed. */
const ending = /^(57P0[124]|08...)$/

/** What is known of a statement; `sent` says whether it had left this process. */
export function outcomeOf(error: unknown, sent: boolean): PostgresOutcome {
  const state = sqlStateOf(error)
  if (state === undefined || ending.test(state)) return sent ? 'unknown' : 'not executed'
  return passing.includes(state) ? 'not executed' : 'refused'
}

/** The SQLSTATE of an error that the server sent; undefined for one that is not from the server. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Whether the tables, or their schema, are not there yet. */
export function lacksTables(error: unknown): boolean {
  return ['42P01', '3F000'].includes(sqlStateOf(error) ?? '')
}

/** Whether another host made the same tables at the same moment, and has committed. */
export function wereMadeByAnother(error: unknown): boolean {
  return ['23505', '42P06', '42P07', '42710'].includes(sqlStateOf(error) ?? '')
}

/** Whether the connection that the error came by can be used again, and with it the other ones. */
export function leavesConnection(error: unknown): boolean {
  const fatal = error instanceof Error && 'severity' in error && (error.severity === 'FATAL' || error.severity === 'PANIC')
  return sqlStateOf(error) !== undefined && !fatal && !isDemoted(error)
}

/** A server that has become a replica: nothing was executed, and new connections find the one that took over. */
export function isDemoted(error: unknown): boolean {
  return sqlStateOf(error) === '25006'
}
