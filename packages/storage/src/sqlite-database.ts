import { closeSync, mkdirSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { ConfigurationError, type Environment, StoreUnavailable } from '@drawbridge/core'

/** A SQLite database, opened once, with its statements kept. Every method rejects with `StoreUnavailable` when the engine fails. */
export interface SqliteDatabase {
  /** The first row, or undefined. */
  row(sql: string, ...values: SQLInputValue[]): Promise<Record<string, unknown> | undefined>
  rows(sql: string, ...values: SQLInputValue[]): Promise<Record<string, unknown>[]>
  /** How many rows were changed. */
  change(sql: string, ...values: SQLInputValue[]): Promise<number>
  /** Closes the file; once is enough. */
  close(): void
}

const schema = `
  CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, version TEXT NOT NULL, ends_at INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS entries_by_end ON entries (ends_at);
  CREATE TABLE IF NOT EXISTS members (list TEXT NOT NULL, member TEXT NOT NULL, ends_at INTEGER NOT NULL, PRIMARY KEY (list, member)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS members_by_end ON members (ends_at);
`

/** The file's format; a later one is refused rather than misread. */
const format = 1

/** The engine waits this long for another process, in this thread; then we wait without blocking anybody. */
const busyTimeout = 5

/**
 * Tries until the store's deadline of 500 ms, with pauses of 2 to 12 ms between them. Longer ones would lose every race against
 * a process that writes without a pause; equal ones would keep two processes in step.
 */
const tries = 42

/** At the start we may block, since nobody is served yet: for 5 s, after which it is no start of another process that holds the file. */
const [openings, pauseBetweenOpenings] = [100, 50]

/** Another process is writing (SQLITE_BUSY and SQLITE_LOCKED, in the low byte of the code). */
const busyCodes: readonly number[] = [5, 6]

/** Opens the file, readable by its owner alone, and its folder. Throws `ConfigurationError` when it cannot be used. */
export function openSqlite(path: string, environment: Environment): SqliteDatabase {
  const database = openDatabase(path)
  const statements = new Map<string, StatementSync>()
  let open = true
  const prepare = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }

  async function run<Result>(work: () => Result): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return work()
      } catch (cause) {
        // What the engine did not throw is a mistake of ours, and no outage: an argument of the wrong kind, for one.
        if (open && !isOfTheEngine(cause)) throw cause
        if (attempt === tries || !isBusy(cause)) throw new StoreUnavailable('SQLite failed', { cause })
        const [random = 0] = environment.randomBytes(1)
        await environment.sleep(2 + (random * 10) / 255)
      }
    }
  }

  return {
    row: (sql, ...values) => run(() => prepare(sql).get(...values)),
    rows: (sql, ...values) => run(() => prepare(sql).all(...values)),
    change: (sql, ...values) => run(() => Number(prepare(sql).run(...values).changes)),
    close() {
      if (open) database.close()
      open = false
    },
  }
}

function openDatabase(path: string): DatabaseSync {
  try {
    if (path !== ':memory:') {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      closeSync(openSync(path, 'a', 0o600))
    }
    // Loaded here and not above, so that who imports the package for another store does not load the engine.
    const { DatabaseSync: Database }: typeof import('node:sqlite') = createRequire(import.meta.url)('node:sqlite')
    return prepareFile(new Database(path))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown'
    throw new ConfigurationError([`the SQLite file ${path} cannot be used: ${why}`], { cause })
  }
}

function prepareFile(database: DatabaseSync): DatabaseSync {
  for (let attempt = 1; ; attempt += 1) {
    try {
      database.exec(`PRAGMA busy_timeout = ${busyTimeout}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`)
      const found = database.prepare('PRAGMA user_version').get()?.user_version
      if (typeof found === 'number' && found > format) throw new TypeError(`a later release wrote it (format ${found})`)
      database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${format}; COMMIT;`)
      return database
    } catch (cause) {
      // Where several processes start on a new file, its change to WAL fails at once in all but one, whatever the busy timeout.
      if (isBusy(cause) && attempt < openings) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseBetweenOpenings)
      else {
        database.close()
        throw cause
      }
    }
  }
}

function isOfTheEngine(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && busyCodes.includes(error.errcode & 0xff)
}
