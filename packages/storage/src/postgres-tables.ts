import { wereMadeByAnother } from './postgres-failure.ts'
import { FailedStatement, type PostgresAnswer } from './postgres-lines.ts'
import type { PostgresStatement } from './postgres-target.ts'

/** The tables by their names, quoted, and the schema they are in. */
export interface PostgresTables {
  readonly schema: string
  readonly entries: string
  readonly members: string
}

/** The longest name that PostgreSQL does not cut, in bytes. */
const longestName = 63

/** The tables in `schema`, whatever it is called; its problems are added to `problems`. */
export function tablesIn(schema: string, problems: string[]): PostgresTables {
  if (schema === '' || schema.includes('\0') || Buffer.byteLength(schema) > longestName)
    problems.push(`the schema for PostgreSQL has no name of 1 to ${longestName} bytes`)
  const quoted = `"${schema.replaceAll('"', '""')}"`
  return { schema: quoted, entries: `${quoted}.entries`, members: `${quoted}.members` }
}

/**
 * Creates what is not there; the schema only where there is none, since a role that may use one need not be allowed to create
 * any. All of it or nothing: several statements in one text are one transaction. `IF NOT EXISTS` fails all the same when two
 * hosts are at it; then the other one has committed, and all is there. Names sort by their bytes, as in every index, so that no
 * upgrade of a library reorders them.
 */
export async function createTables(
  { schema, entries, members }: PostgresTables,
  send: (statement: PostgresStatement) => Promise<PostgresAnswer>,
): Promise<void> {
  const found = await send({ text: 'SELECT FROM pg_namespace WHERE oid = to_regnamespace($1)', values: [schema] })
  const text = `
    SET LOCAL statement_timeout = '10s';
    ${found.rows.length === 0 ? `CREATE SCHEMA IF NOT EXISTS ${schema};` : ''}
    CREATE TABLE IF NOT EXISTS ${entries} (
      key text COLLATE "C" PRIMARY KEY, value text NOT NULL, version text COLLATE "C" NOT NULL, ends_at timestamptz NOT NULL);
    CREATE INDEX IF NOT EXISTS entries_by_end ON ${entries} (ends_at);
    CREATE TABLE IF NOT EXISTS ${members} (
      list text COLLATE "C", member text COLLATE "C", ends_at timestamptz NOT NULL, PRIMARY KEY (list, member));
    CREATE INDEX IF NOT EXISTS members_by_end ON ${members} (ends_at);`
  try {
    await send({ text })
  } catch (failure) {
    if (!(failure instanceof FailedStatement && wereMadeByAnother(failure.cause))) throw failure
  }
}
