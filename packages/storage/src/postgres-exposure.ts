import { isPostgresPool, type PostgresTarget } from './postgres-target.ts'

/** How PostgreSQL is reached. */
interface Address {
  readonly host: string
  readonly secure: boolean
  readonly password: boolean
}

/**
 * How others on its network can get at this PostgreSQL: what is missing, and what mends it, without any secret; undefined where
 * nothing is missing, on loopback, and on a socket of the machine (threat T96).
 */
export function postgresExposure(target: PostgresTarget): string | undefined {
  const { host, secure, password } = addressOf(target)
  if (/^(localhost|127(\.\d{1,3}){3}|\[?::1\]?|\/.*)$/i.test(host)) return undefined
  const missing = [...(secure ? [] : ['TLS']), ...(password ? [] : ['a password'])]
  if (missing.length === 0) return undefined
  const mended = `postgres://user:password@${host}/database?sslmode=verify-full, or postgresStore(target, { requireSecure: false }) where nobody else is on its network`
  return `PostgreSQL at ${host} is reached without ${missing.join(' and without ')}: ${mended}`
}

// What the URL says goes before the options, its parameters before the rest of it, the last of a name before the others, and what
// neither says is in the environment: as in the driver itself.
function addressOf(target: PostgresTarget): Address {
  const options: object = typeof target === 'string' ? { connectionString: target } : isPostgresPool(target) ? target.options : target
  const [text, ssl] = [read(options, 'connectionString'), read(options, 'ssl')]
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  const said = (name: string): string | undefined => url?.searchParams.getAll(name).at(-1)
  const { PGHOST, PGPASSWORD, PGSSLMODE = 'disable' } = process.env
  const host = said('host') || decodeURIComponent(url?.hostname ?? '') || read(options, 'host') || PGHOST
  const certificate = said('sslcert') || read(ssl, 'cert') || read(ssl, 'pfx')
  return {
    host: typeof host === 'string' && host !== '' ? host : 'localhost',
    secure: saysTls(said) ?? (ssl === undefined ? tlsModes.includes(PGSSLMODE) : Boolean(ssl)),
    password: Boolean(said('password') || url?.password || read(options, 'password') || PGPASSWORD || certificate),
  }
}

/** The values of `PGSSLMODE` with which the driver speaks TLS. */
const tlsModes: readonly string[] = ['prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']

/** Whether a URL asks for TLS; undefined when it does not say. */
function saysTls(said: (name: string) => string | undefined): boolean | undefined {
  const mode = said('sslmode')
  if (mode) return mode !== 'disable'
  if (said('sslcert') || said('sslkey') || said('sslrootcert')) return true
  const ssl = said('ssl')
  return ssl === undefined ? undefined : ssl !== '' && ssl !== '0'
}

function read(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
