import { type Store, systemEnvironment } from '@drawbridge/core'
import { openSqlite } from './sqlite-database.ts'
import { sqliteDirectory } from './sqlite-directory.ts'
import type { StoreOptions } from './store-options.ts'
import { newVersion } from './version.ts'

/** A store that holds a file open. */
export interface SqliteStore extends Store {
  /** Lets go of the file; every later call rejects with `StoreUnavailable`. */
  close(): void
}

const select = 'SELECT value, version FROM entries WHERE key = ? AND ends_at > ?'
const create = `INSERT INTO entries (key, value, version, ends_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, ends_at = excluded.ends_at WHERE entries.ends_at <= ?`
const update = 'UPDATE entries SET value = ?, version = ?, ends_at = ? WHERE key = ? AND version = ? AND ends_at > ?'
const remove = 'DELETE FROM entries WHERE key = ? AND version = ? AND ends_at > ?'
const sweepEntries = 'DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE ends_at <= ? LIMIT 32)'
const sweepMembers = 'DELETE FROM members WHERE (list, member) IN (SELECT list, member FROM members WHERE ends_at <= ? LIMIT 32)'

/** Writes between two sweeps, each of which takes more out than came in. */
const sweepEvery = 16

/**
 * A store in one file, for the processes of one machine; what is in it survives a restart. Every write is one conditional
 * statement, flushed to the disk before it is answered. Throws `ConfigurationError` when the file cannot be used.
 */
export function sqliteStore(path: string, { environment = systemEnvironment() }: StoreOptions = {}): SqliteStore {
  const database = openSqlite(path, environment)
  let writes = 0

  // Beside the write that it follows; should it fail, the next one comes soon.
  function sweepNowAndThen(): void {
    writes += 1
    if (writes % sweepEvery !== 0) return
    const now = environment.now()
    environment.defer(
      Promise.all([database.change(sweepEntries, now), database.change(sweepMembers, now)]).then(
        () => {},
        () => {},
      ),
    )
  }

  return {
    reach: 'machine',
    sealed: false,
    directory: sqliteDirectory(database, environment),
    async get(key) {
      const row = await database.row(select, key, environment.now())
      return row && { value: String(row.value), version: String(row.version) }
    },
    async set(key, value, ttl, seen) {
      if (!(ttl > 0)) throw new RangeError('a ttl is positive')
      const [now, version] = [environment.now(), newVersion(environment)]
      const changed = seen
        ? await database.change(update, value, version, now + ttl, key, seen.version, now)
        : await database.change(create, key, value, version, now + ttl, now)
      sweepNowAndThen()
      return changed === 1 ? { value, version } : undefined
    },
    async delete(key, seen) {
      return (await database.change(remove, key, seen.version, environment.now())) === 1
    },
    close: () => database.close(),
  }
}
