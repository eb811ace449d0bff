import { ConfigurationError } from '@drawbridge/core'

/** Where PostgreSQL is: a URL, options for the driver `pg`, or a pool of the operator's own. */
export type PostgresTarget = string | PostgresOptions | PostgresPool

/** What the driver is told. For anything else, make the pool yourself. What is left out it takes from `PGHOST` and the like. */
export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`, each part percent-encoded; what it says goes before the rest. */
  readonly connectionString?: string
  /** A name, an address, or the folder of a socket. */
  readonly host?: string
  readonly port?: number
  readonly user?: string
  readonly password?: string | (() => string | Promise<string>)
  readonly database?: string
  /** TLS: true, or options of `node:tls`. */
  readonly ssl?: boolean | object
  /** Connections of this process at most. Default: 10. */
  readonly max?: number
}

/** `Pool` of the package `pg`, as far as a store needs it. Its `connectionTimeoutMillis` has to be set, to 2000 at most. */
export interface PostgresPool {
  readonly options: { readonly connectionTimeoutMillis?: number | undefined }
  /** Callers that wait for a connection. */
  readonly waitingCount: number
  connect(): Promise<PostgresClient>
  on(event: 'error', listener: (error: Error) => void): unknown
  end(): Promise<void>
}

/** A connection that was taken out of a pool. */
export interface PostgresClient {
  query(statement: PostgresStatement): Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }>
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  /** Puts it back; with true it is ended instead. */
  release(end?: boolean): void
}

/** A statement, prepared under its name where it has one. */
export interface PostgresStatement {
  readonly name?: string
  readonly text: string
  readonly values?: (string | number)[]
}

/** Making a connection may take this long, in milliseconds: with a server that was away for good, it is back within 2 s. */
const connecting = 1_000

/** A pool of the operator's own may take longer. */
const longestConnecting = 2_000

/** The server gives up a statement after this long, in milliseconds: 50 before the caller does, so that its answer arrives. */
const statementTimeout = 450

/** Whether `target` is a pool, of whichever copy of its package. */
export function isPostgresPool(target: unknown): target is PostgresPool {
  return typeof target === 'object' && target !== null && 'connect' in target && 'waitingCount' in target
}

/** What is wrong with where PostgreSQL is said to be; no problem repeats the URL, which holds a password. */
export function problemsOfTarget(target: PostgresTarget): string[] {
  if (isPostgresPool(target)) {
    const { connectionTimeoutMillis: longest = 0 } = target.options
    if (longest > 0 && longest <= longestConnecting) return []
    return [`the pool for PostgreSQL waits without end: set its connectionTimeoutMillis, to ${longestConnecting} at most`]
  }
  const url = typeof target === 'string' ? target : target.connectionString
  if (url === undefined || isPostgresUrl(url)) return []
  return ['the address of PostgreSQL cannot be read: postgres://user:password@host:5432/database, each part percent-encoded']
}

/** Whether the driver can read `text` as a URL. */
function isPostgresUrl(text: string): boolean {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return false
  const { username, password, pathname, hostname } = new URL(text)
  return [username, password, pathname, hostname].every((part) => /^([^%]|%[0-9a-f]{2})*$/i.test(part))
}

/** The pool itself, or one made by the driver. Throws `ConfigurationError` where the driver is not installed. */
export async function openPostgresPool(target: PostgresTarget): Promise<PostgresPool> {
  if (isPostgresPool(target)) return target
  const address = typeof target === 'string' ? { connectionString: target } : target
  const Pool = await importDriver()
  return new Pool({
    fallback_application_name: 'drawbridge',
    keepAlive: true,
    // A pool that is idle keeps no process alive; one that was closed while its server was frozen does not either.
    allowExitOnIdle: true,
    ...address,
    connectionTimeoutMillis: connecting,
    statement_timeout: statementTimeout,
  })
}

// Loaded here and not above, so that who imports this for its types, or brings a pool, does not need it.
async function importDriver(): Promise<typeof import('pg').Pool> {
  try {
    return (await import('pg')).default.Pool
  } catch (cause) {
    throw new ConfigurationError(['postgresStore needs the package pg, version 8.11 or newer: npm install pg'], { cause })
  }
}
