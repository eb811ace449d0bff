import { ConfigurationError } from '@drawbridge/core'
import { createFernetKey, encrypted, fernet } from '@drawbridge/storage'
import { postgresStore } from '@drawbridge/storage/postgres'
import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { postgresExposure } from './postgres-exposure.ts'

afterEach(() => vi.unstubAllEnvs())

const mended = (host: string) =>
  `postgres://user:password@${host}/database?sslmode=verify-full, or postgresStore(target, { requireSecure: false }) where nobody else is on its network`

describe('a PostgreSQL that others can get at (T96)', () => {
  it.each([
    ['postgres://db:5432/auth', 'db', 'TLS and without a password'],
    ['postgresql://10.0.0.7', '10.0.0.7', 'TLS and without a password'],
    ['postgres://u:p-secret@db.example/auth', 'db.example', 'TLS'],
    ['postgres://u:p-secret@db.example/auth?sslmode=disable', 'db.example', 'TLS'],
    ['postgres://u:p-secret@db.example/auth?ssl=0', 'db.example', 'TLS'],
    ['postgres://user@db.example/auth?sslmode=verify-full', 'db.example', 'a password'],
    ['postgres://user@db.example/auth?ssl=true', 'db.example', 'a password'],
    ['postgres://localhost/auth?host=db.example', 'db.example', 'TLS and without a password'],
    ['postgres://localhost/auth?host=localhost&host=db.example', 'db.example', 'TLS and without a password'],
    ['postgres://127.0.0.1.evil.example/auth', '127.0.0.1.evil.example', 'TLS and without a password'],
    ['postgres://[2001:db8::7]:5432/auth', '[2001:db8::7]', 'TLS and without a password'],
  ])('is told by its URL: %s', (url, host, missing) => {
    expect(postgresExposure(url)).toBe(`PostgreSQL at ${host} is reached without ${missing}: ${mended(host)}`)
  })

  it.each([
    ['options', { host: 'db', password: 'p-secret' }],
    ['options with a URL', { connectionString: 'postgres://u:p-secret@db/auth?sslmode=disable', ssl: true }],
    ['options with a URL that says nothing is TLS', { connectionString: 'postgres://u:p-secret@db/auth?ssl=', ssl: true }],
    ['a pool', new pg.Pool({ host: 'db', password: 'p-secret', connectionTimeoutMillis: 1_000 })],
    ['a pool by its URL', new pg.Pool({ connectionString: 'postgres://u:p-secret@db/auth', connectionTimeoutMillis: 1_000 })],
  ])('is told by %s, and no secret is', (_, target) => {
    const told = postgresExposure(target)
    expect(told).toBe(`PostgreSQL at db is reached without TLS: ${mended('db')}`)
    expect(told).not.toContain('p-secret')
  })

  it.each([
    ['options without a host', {}],
    ['a URL without a host', 'postgres:///auth'],
    ['a pool without a host', new pg.Pool({ connectionTimeoutMillis: 1_000 })],
  ])('is told by %s, where the driver has it from the environment', (_, target) => {
    vi.stubEnv('PGHOST', 'db.example')
    expect(postgresExposure(target)).toBe(`PostgreSQL at db.example is reached without TLS and without a password: ${mended('db.example')}`)
    vi.stubEnv('PGPASSWORD', 'p-secret')
    expect(postgresExposure(target)).toBe(`PostgreSQL at db.example is reached without TLS: ${mended('db.example')}`)
    vi.stubEnv('PGSSLMODE', 'verify-full')
    expect(postgresExposure(target)).toBeUndefined()
  })

  it('is passed on by the seal', () => {
    const told = postgresExposure('postgres://db')
    expect(postgresStore('postgres://db').exposed).toBe(told)
    expect(encrypted(postgresStore('postgres://db'), fernet(createFernetKey())).exposed).toBe(told)
  })

  it('is not one where the operator says that nobody else is there', () => {
    expect(postgresStore('postgres://db', { requireSecure: false })).not.toHaveProperty('exposed')
  })
})

it.each([
  ['TLS and a password', 'postgres://user:password@db.example/auth?sslmode=verify-full'],
  ['TLS and a certificate of ours', 'postgres://user@db.example/auth?sslmode=verify-full&sslcert=/etc/client.crt'],
  ['loopback', 'postgres://localhost/auth'],
  ['loopback by number', 'postgres://127.0.0.1:5432/auth'],
  ['loopback of IPv6', 'postgres://[::1]:5432/auth'],
  ['a socket of the machine', 'postgres:///auth?host=/run/postgresql'],
  ['a socket of the machine, in its name', 'postgres://%2Frun%2Fpostgresql/auth'],
  ['a socket of the machine, in options', { host: '/run/postgresql', database: 'auth' }],
  ['TLS and a password in options', { host: 'db.example', password: async () => 'p', ssl: true }],
  ['TLS and a certificate of ours in options', { host: 'db.example', ssl: { cert: 'PEM', key: 'PEM' } }],
])('a PostgreSQL behind %s is not exposed (T96)', (_, target) => {
  expect(postgresExposure(target)).toBeUndefined()
})

describe('postgresStore refuses', () => {
  const address = 'the address of PostgreSQL cannot be read: postgres://user:password@host:5432/database, each part percent-encoded'
  const pool = `the pool for PostgreSQL waits without end: set its connectionTimeoutMillis, to 2000 at most`
  const schema = 'the schema for PostgreSQL has no name of 1 to 63 bytes'
  it.each([
    ['an address that is none', () => postgresStore('postgres://u:se/cret@db'), [address]],
    ['an address that is not encoded', () => postgresStore('postgres://u:se%zzcret@db'), [address]],
    ['an address of something else', () => postgresStore({ connectionString: 'mysql://u:secret@db' }), [address]],
    ['a pool that waits for ever', () => postgresStore(new pg.Pool()), [pool]],
    ['a pool that waits too long', () => postgresStore(new pg.Pool({ connectionTimeoutMillis: 2_001 })), [pool]],
    ['a schema without a name, and all else with it', () => postgresStore(new pg.Pool(), { schema: '' }), [pool, schema]],
    ['a schema whose name would be cut', () => postgresStore('postgres://localhost', { schema: 'ä'.repeat(32) }), [schema]],
  ])('%s, and tells no secret (T98)', (_, make, problems) => {
    try {
      make()
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigurationError)
      expect((error as ConfigurationError).problems).toEqual(problems)
      expect(String(error)).not.toContain('cret')
    }
  })
})
