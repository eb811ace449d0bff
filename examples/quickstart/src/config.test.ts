import { ConfigurationError } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { parseSettings, type Variables } from './config.ts'

const signing = 'A_signing_key_of_more_than_32_bytes'
const storage = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='
const keys = { JWT_SIGNING_KEY: signing, STORAGE_ENCRYPTION_KEY: storage }
const app = { GITHUB_CLIENT_ID: 'Iv1.1', GITHUB_CLIENT_SECRET: 'hush' }
const remote = { ...keys, ...app, BASE_URL: 'https://mcp.example.com' }

function problems(env: Variables): readonly string[] {
  try {
    parseSettings(env)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

describe('parseSettings', () => {
  it('needs nothing on loopback', () => {
    expect(parseSettings({})).toEqual({
      port: 8000,
      host: '127.0.0.1',
      baseUrl: 'http://localhost:8000',
      issuerUrl: 'http://localhost:8000',
      mcpPath: '/mcp',
      jwtSigningKeys: [],
      storageEncryptionKeys: [],
      storage: { kind: 'sqlite', path: '.data/drawbridge.db' },
      hosts: 'one',
      rateLimits: true,
      missingKeys: ['JWT_SIGNING_KEY', 'STORAGE_ENCRYPTION_KEY'],
    })
  })

  it('reads every variable', () => {
    expect(
      parseSettings({
        ...keys,
        ...app,
        PORT: '9000',
        HOST: '0.0.0.0',
        BASE_URL: 'https://mcp.example.com/api',
        ISSUER_URL: 'https://mcp.example.com',
        MCP_PATH: '/tools',
        GITHUB_SERVER_URL: 'https://github.example.com',
        STORAGE_URL: 'memory:',
        HOSTS: 'one',
        RATE_LIMITS: 'off',
      }),
    ).toEqual({
      port: 9000,
      host: '0.0.0.0',
      baseUrl: 'https://mcp.example.com/api',
      issuerUrl: 'https://mcp.example.com',
      mcpPath: '/tools',
      github: { clientId: 'Iv1.1', clientSecret: 'hush', serverUrl: 'https://github.example.com' },
      jwtSigningKeys: [signing],
      storageEncryptionKeys: [storage],
      storage: { kind: 'memory' },
      hosts: 'one',
      rateLimits: false,
      missingKeys: [],
    })
  })

  it('freezes what it parsed', () => expect(Object.isFrozen(parseSettings({}))).toBe(true))

  it('follows the port with the base URL', () => {
    expect(parseSettings({ PORT: '8001' }).baseUrl).toBe('http://localhost:8001')
    expect(parseSettings({ PORT: '80' }).baseUrl).toBe('http://localhost')
  })

  it('takes an empty value for none', () => {
    const names = ['PORT', 'HOST', 'BASE_URL', 'ISSUER_URL', 'MCP_PATH', 'GITHUB_CLIENT_ID', 'GITHUB_CLIENT_SECRET', 'GITHUB_SERVER_URL']
    const others = ['JWT_SIGNING_KEY', 'STORAGE_ENCRYPTION_KEY', 'STORAGE_URL', 'HOSTS', 'RATE_LIMITS']
    expect(parseSettings(Object.fromEntries([...names, ...others].map((name) => [name, ''])))).toEqual(parseSettings({}))
  })

  it('removes one slash at the end of a URL, and only one', () => {
    const { baseUrl, issuerUrl, github } = parseSettings({
      ...remote,
      BASE_URL: 'https://mcp.example.com/api/',
      ISSUER_URL: 'https://mcp.example.com//',
      GITHUB_SERVER_URL: 'https://github.example.com/',
    })
    expect([baseUrl, issuerUrl, github?.serverUrl]).toEqual([
      'https://mcp.example.com/api',
      'https://mcp.example.com/',
      'https://github.example.com',
    ])
  })

  it('lists every problem at once', () => {
    expect(
      problems({
        PORT: '80a',
        BASE_URL: 'http://mcp.example.com',
        ISSUER_URL: 'mcp.example.com',
        MCP_PATH: 'mcp',
        GITHUB_CLIENT_ID: 'Iv1.1',
        GITHUB_SERVER_URL: 'http://github.example.com',
        JWT_SIGNING_KEY: 'short',
        STORAGE_URL: 'mysql://db/auth',
        HOSTS: 'two',
        RATE_LIMITS: 'maybe',
      }),
    ).toEqual([
      'PORT "80a" is not a port: a whole number from 1 to 65535',
      'BASE_URL http://mcp.example.com is not https (http is accepted on loopback only)',
      'HOSTS "two" is neither one nor many',
      'STORAGE_URL is none of sqlite:<path of a file>, redis://<host>:<port>, postgres://<host>:<port>/<database> and memory:',
      'GITHUB_SERVER_URL http://github.example.com is not https (http is accepted on loopback only)',
      'GITHUB_CLIENT_SECRET is missing: GITHUB_CLIENT_ID is set, and one is of no use without the other',
      'JWT_SIGNING_KEY has a secret of 5 bytes, and 32 are the least: "npm run keygen" prints one',
      'ISSUER_URL "mcp.example.com" is not a URL such as https://mcp.example.com',
      'MCP_PATH "mcp" is not a path such as /mcp',
      'RATE_LIMITS "maybe" is neither on nor off',
      'STORAGE_ENCRYPTION_KEY is missing: "npm run keygen" prints both (they are made at the first start only on a loopback BASE_URL, with HOSTS=one and a store of this machine)',
    ])
  })

  it.each(['0', '65536', '1.5', '-1', '8000 ', 'http'])('refuses the port %j', (PORT) => {
    expect(problems({ PORT })).toEqual([`PORT ${JSON.stringify(PORT)} is not a port: a whole number from 1 to 65535`])
  })

  it('reports a bad base URL once, though the issuer follows it', () => {
    expect(problems({ ...remote, BASE_URL: 'http://mcp.example.com' })).toHaveLength(1)
  })
})

describe('the app at GitHub', () => {
  it('refuses a client id without its secret, and a secret without its id', () => {
    expect(problems({ GITHUB_CLIENT_ID: 'Iv1.1' })).toEqual([
      'GITHUB_CLIENT_SECRET is missing: GITHUB_CLIENT_ID is set, and one is of no use without the other',
    ])
    expect(problems({ GITHUB_CLIENT_SECRET: 'hush' })).toEqual([
      'GITHUB_CLIENT_ID is missing: GITHUB_CLIENT_SECRET is set, and one is of no use without the other',
    ])
  })

  it('takes http for a server on loopback only', () => {
    for (const url of ['http://localhost:9000', 'http://127.0.0.1:9000', 'http://[::1]:9000']) {
      expect(parseSettings({ ...app, GITHUB_SERVER_URL: url }).github?.serverUrl).toBe(url)
    }
    expect(problems({ ...app, GITHUB_SERVER_URL: 'http://localhost.example.com' })).toHaveLength(1)
    expect(problems({ ...app, GITHUB_SERVER_URL: 'ftp://localhost' })).toHaveLength(1)
  })

  it('knows that github.com is no GitHub Enterprise Server', () => {
    expect(parseSettings({ ...app, GITHUB_SERVER_URL: 'https://github.com/' }).github).toEqual({ clientId: 'Iv1.1', clientSecret: 'hush' })
  })

  it('refuses a server without an app', () => {
    expect(problems({ GITHUB_SERVER_URL: 'https://github.example.com' })).toEqual([
      'GITHUB_SERVER_URL is set without GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET',
    ])
  })

  it('refuses the stand-in off loopback', () => {
    expect(problems({ ...keys, BASE_URL: 'https://mcp.example.com' })).toEqual([
      'GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET are missing: without them a stand-in signs people in, on a loopback BASE_URL only',
    ])
  })
})

describe('the store', () => {
  it('takes a SQLite file or memory', () => {
    expect(parseSettings({ STORAGE_URL: 'sqlite:/var/lib/drawbridge.db' }).storage).toEqual({
      kind: 'sqlite',
      path: '/var/lib/drawbridge.db',
    })
    expect(parseSettings({ STORAGE_URL: 'memory:' }).storage).toEqual({ kind: 'memory' })
  })

  it('takes a Redis, by its URL', () => {
    for (const STORAGE_URL of ['redis://127.0.0.1', 'redis://me:p%40ss@db:6379/2', 'rediss://db.example.com:6380']) {
      expect(parseSettings({ ...keys, STORAGE_URL }).storage).toEqual({ kind: 'redis', url: STORAGE_URL })
    }
  })

  it.each(['redis://', 'redis://me:pass@', 'redis://me:pass@db:port', 'redis://me:pass@db/cache', 'redis://me:%zzpass@db'])(
    'refuses %j, and repeats no password',
    (STORAGE_URL) => {
      expect(problems({ ...keys, STORAGE_URL })).toEqual([
        'STORAGE_URL begins like the URL of a Redis and is none: redis://user:password@host:6379, or rediss:// for TLS; what has other characters than letters and digits in it is percent-encoded',
      ])
    },
  )

  it('takes a PostgreSQL, by its URL', () => {
    for (const STORAGE_URL of ['postgres://127.0.0.1/auth', 'postgresql://me:p%40ss@db:5432/auth?sslmode=verify-full']) {
      expect(parseSettings({ ...keys, STORAGE_URL }).storage).toEqual({ kind: 'postgres', url: STORAGE_URL })
    }
  })

  it.each([
    'postgres://',
    'postgres://me:pass@',
    'postgres://me:pass@db:port/auth',
    'postgres://me:pass@db',
    'postgres://me:%zzpass@db/auth',
  ])('refuses %j, and repeats no password', (STORAGE_URL) => {
    expect(problems({ ...keys, STORAGE_URL })).toEqual([
      'STORAGE_URL begins like the URL of a PostgreSQL and is none: postgres://user:password@host:5432/database, with ?sslmode=verify-full for TLS; what has other characters than letters and digits in it is percent-encoded',
    ])
  })

  it('refuses a SQLite file without a name', () => {
    expect(problems({ ...keys, STORAGE_URL: 'sqlite:' })).toEqual([
      'STORAGE_URL is none of sqlite:<path of a file>, redis://<host>:<port>, postgres://<host>:<port>/<database> and memory:',
    ])
  })

  it('lets many hosts share a Redis or a PostgreSQL, and refuses them a store of one machine', () => {
    expect(parseSettings({ ...remote, HOSTS: 'many', STORAGE_URL: 'redis://db' })).toMatchObject({
      hosts: 'many',
      storage: { kind: 'redis' },
    })
    expect(parseSettings({ ...remote, HOSTS: 'many', STORAGE_URL: 'postgres://db/auth' })).toMatchObject({
      hosts: 'many',
      storage: { kind: 'postgres' },
    })
    for (const STORAGE_URL of ['memory:', 'sqlite:a.db', undefined]) {
      expect(problems({ ...remote, HOSTS: 'many', STORAGE_URL })).toEqual([
        'HOSTS=many needs a store that every host shares, and STORAGE_URL names one of this machine: redis://<host>:<port> or postgres://<host>:<port>/<database>',
      ])
    }
  })
})

describe('missing keys', () => {
  const both =
    'JWT_SIGNING_KEY and STORAGE_ENCRYPTION_KEY are missing: "npm run keygen" prints both (they are made at the first start only on a loopback BASE_URL, with HOSTS=one and a store of this machine)'

  it('are listed where they can be made', () => {
    expect(parseSettings({ STORAGE_URL: 'memory:' }).missingKeys).toEqual(['JWT_SIGNING_KEY', 'STORAGE_ENCRYPTION_KEY'])
    expect(parseSettings({ BASE_URL: 'https://localhost:8443', JWT_SIGNING_KEY: signing }).missingKeys).toEqual(['STORAGE_ENCRYPTION_KEY'])
  })

  it('are refused off loopback', () => {
    expect(problems({ ...app, BASE_URL: 'https://mcp.example.com' })).toEqual([both])
    expect(problems({ ...app, BASE_URL: 'https://localhost.example.com' })).toEqual([both])
  })

  it('are refused for many hosts', () => expect(problems({ HOSTS: 'many' })).toContain(both))

  it('are refused for a store that is not of this machine', () => {
    for (const STORAGE_URL of ['redis://db', 'postgres://db/auth']) expect(problems({ STORAGE_URL })).toEqual([both])
  })
})
