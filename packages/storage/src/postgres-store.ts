import { ConfigurationError, type Entry, type Environment, type Store, systemEnvironment } from '@drawbridge/core'
import { connectPostgres, type PostgresConnection, type PreparedStatement, prepared } from './postgres-connection.ts'
import { postgresDirectory } from './postgres-directory.ts'
import { examinePostgres, type PostgresSetting } from './postgres-examination.ts'
import { postgresExposure } from './postgres-exposure.ts'
import { type PostgresTables, tablesIn } from './postgres-tables.ts'
import { type PostgresTarget, problemsOfTarget } from './postgres-target.ts'
import { settleWrite } from './read-back.ts'
import type { StoreOptions } from './store-options.ts'
import { newVersion } from './version.ts'

/** A store that holds connections open. */
export interface PostgresStore extends Store {
  examine: NonNullable<Store['examine']>
  /** Lets the calls under way end, and lets go of the connections; a pool that was given stays open. */
  close(): Promise<void>
}

/** What a store in PostgreSQL can be told. */
export interface PostgresStoreOptions extends StoreOptions {
  /** The schema that its tables `entries` and `members` are in. Default: `drawbridge`. Any name will do; it is quoted. */
  readonly schema?: string
  /**
   * `false` says that nobody else is on the network of this PostgreSQL, so that it needs neither TLS nor a password. Default:
   * true; a public server does not start on one that others can get at, and one on loopback tells of it.
   */
  readonly requireSecure?: boolean
  /**
   * Settings of this PostgreSQL that you know to be wrong, and accept: neither the start nor an event speaks of them any more.
   * Without `fsync` a crash loses records, or damages them.
   */
  readonly dangerouslyAcceptSettings?: readonly PostgresSetting[]
}

/** Writes between two sweeps, each of which takes more out than came in. */
const sweepEvery = 16

/**
 * A store in PostgreSQL, for any number of hosts, through the driver `pg`, which has to be installed. Each write is one
 * conditional statement, committed by itself, so the server decides every race; moments are by the server's clock, and those of
 * hosts do not matter. While PostgreSQL is away, calls reject within 500 ms, and they work again as soon as it is back. It has
 * to be wrapped in `encrypted(...)`. Throws `ConfigurationError` for an address or a name that cannot be used.
 */
export function postgresStore(
  target: PostgresTarget,
  {
    environment = systemEnvironment(),
    schema = 'drawbridge',
    requireSecure = true,
    dangerouslyAcceptSettings = [],
  }: PostgresStoreOptions = {},
): PostgresStore {
  const problems = problemsOfTarget(target)
  const tables = tablesIn(schema, problems)
  if (problems.length > 0) throw new ConfigurationError(problems)
  const postgres = connectPostgres(target, tables, environment)
  const exposed = requireSecure ? postgresExposure(target) : undefined
  return {
    reach: 'shared',
    sealed: false,
    ...(exposed !== undefined && { exposed }),
    ...entriesIn(postgres, tables, environment),
    directory: postgresDirectory(postgres, tables),
    examine: () => postgres.inTime((signal) => examinePostgres(postgres, tables, dangerouslyAcceptSettings, signal)),
    close: () => postgres.close(),
  }
}

function entriesIn(postgres: PostgresConnection, tables: PostgresTables, environment: Environment): Pick<Store, 'get' | 'set' | 'delete'> {
  const { find, create, update, remove } = statementsOn(tables)
  const sweepNowAndThen = sweeper(postgres, tables, environment)

  async function read(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    const [row] = await postgres.rows(signal, find, key)
    return row === undefined ? undefined : entryIn(row)
  }

  return {
    get: (key) => postgres.inTime((signal) => read(key, signal)),
    async set(key, value, ttl, seen) {
      if (!(ttl > 0)) throw new RangeError('a ttl is positive')
      const entry: Entry = { value, version: newVersion(environment) }
      const fields = [key, asText(value), entry.version, ttl] as const
      const won = await postgres.inTime((signal) => {
        const write = async (): Promise<boolean> =>
          (seen ? await postgres.change(signal, update, ...fields, seen.version) : await postgres.change(signal, create, ...fields)) === 1
        return settleWrite({ write, read: () => read(key, signal), version: entry.version, seen })
      })
      sweepNowAndThen()
      return won ? entry : undefined
    },
    delete: (key, seen) =>
      postgres.inTime((signal) => {
        const write = async (): Promise<boolean> => (await postgres.change(signal, remove, key, seen.version)) === 1
        return settleWrite({ write, read: () => read(key, signal), version: undefined, seen })
      }),
  }
}

// `now()` is when the statement began: a write that had to wait for another is judged as of then.
function statementsOn({ entries }: PostgresTables): Record<'find' | 'create' | 'update' | 'remove', PreparedStatement> {
  return {
    find: prepared(`SELECT value, version FROM ${entries} WHERE key = $1 AND ends_at > now()`),
    create: prepared(`INSERT INTO ${entries} AS held (key, value, version, ends_at) VALUES ($1, $2, $3, now() + make_interval(secs => $4))
      ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, ends_at = excluded.ends_at
      WHERE held.ends_at <= now()`),
    update: prepared(`UPDATE ${entries} SET value = $2, version = $3, ends_at = now() + make_interval(secs => $4)
      WHERE key = $1 AND version = $5 AND ends_at > now()`),
    remove: prepared(`DELETE FROM ${entries} WHERE key = $1 AND version = $2 AND ends_at > now()`),
  }
}

/** Takes out what has ended, beside every so many writes, and passes over what another host is taking out; should it fail, the next one comes soon. */
function sweeper(postgres: PostgresConnection, { entries, members }: PostgresTables, environment: Environment): () => void {
  const locked = 'WHERE ends_at <= now() ORDER BY ends_at LIMIT 32 FOR UPDATE SKIP LOCKED'
  const sweepEntries = prepared(`DELETE FROM ${entries} WHERE key = ANY (ARRAY(SELECT key FROM ${entries} ${locked}))`)
  const sweepMembers = prepared(`DELETE FROM ${members} WHERE (list, member) IN (SELECT list, member FROM ${members} ${locked})`)
  let writes = 0
  return () => {
    writes += 1
    if (writes % sweepEvery !== 0) return
    const work = postgres.inTime(async (signal) => {
      await postgres.change(signal, sweepEntries)
      await postgres.change(signal, sweepMembers)
    })
    environment.defer(work.catch(() => {}))
  }
}

/** PostgreSQL has no text with a NUL in it: it is kept as a backslash and a zero, and a backslash as two. */
function asText(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\0', '\\0')
}

function entryIn(row: unknown): Entry {
  if (typeof row !== 'object' || row === null || !('value' in row) || !('version' in row)) throw new TypeError('not a row of ours')
  const value = String(row.value).replace(/\\([\\0])/g, (_, of) => (of === '0' ? '\0' : '\\'))
  return { value, version: String(row.version) }
}
