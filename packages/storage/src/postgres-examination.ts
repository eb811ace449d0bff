import type { Examination, Finding } from '@drawbridge/core'
import { type PostgresConnection, prepared } from './postgres-connection.ts'
import type { PostgresTables } from './postgres-tables.ts'

/** What can be found wrong with a PostgreSQL, by the name of the setting. */
export type PostgresSetting = 'fsync' | 'synchronous_commit' | 'pg_is_in_recovery' | 'UNLOGGED'

/** The settings as they hold for our own connections: a role or a database can have its own. */
const settings = prepared(`SELECT extract(epoch FROM clock_timestamp())::float8 AS now, pg_is_in_recovery() AS standby,
  current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
  current_setting('synchronous_standby_names') AS standbys,
  (SELECT count(*)::int FROM pg_class WHERE oid IN (to_regclass($1), to_regclass($2)) AND relpersistence <> 'p') AS unlogged`)

/** Asks PostgreSQL for its clock, and for the settings with which it can lose what was stored. */
export async function examinePostgres(
  postgres: PostgresConnection,
  { entries, members }: PostgresTables,
  accepted: readonly PostgresSetting[],
  signal: AbortSignal,
): Promise<Examination> {
  const [row] = await postgres.rows(signal, settings, entries, members)
  const said = (name: string): unknown => (typeof row === 'object' && row !== null ? Reflect.get(row, name) : undefined)
  return { now: Math.floor(Number(said('now'))), findings: findingsOf(said).filter(({ setting }) => !accepted.includes(setting)) }
}

function findingsOf(said: (name: string) => unknown): (Finding & { setting: PostgresSetting })[] {
  const findings: (Finding & { setting: PostgresSetting })[] = []
  if (said('standby') === true) {
    const problem = 'this server is a hot standby, which takes no writes: give the address of the primary'
    findings.push({ setting: 'pg_is_in_recovery', problem, verdict: 'refused' })
  }
  if (said('fsync') === 'off') {
    const problem = 'off: a crash of the machine can lose or damage everything, and nothing tells of it. Set it to on'
    findings.push({ setting: 'fsync', problem, verdict: 'refused' })
  }
  if (said('commit') === 'off') {
    const problem = 'off: a crash loses the writes of about the last second, answered ones included. Set it to on'
    findings.push({ setting: 'synchronous_commit', problem, verdict: 'warned' })
  }
  if (said('commit') === 'local' && said('standbys') !== '') {
    const problem = 'local: the synchronous standbys are not waited for, so a failover can lose writes that were answered. Set it to on'
    findings.push({ setting: 'synchronous_commit', problem, verdict: 'warned' })
  }
  if (Number(said('unlogged')) > 0) {
    const problem = 'a table is unlogged: a crash empties it. ALTER TABLE ... SET LOGGED mends it'
    findings.push({ setting: 'UNLOGGED', problem, verdict: 'warned' })
  }
  return findings
}
