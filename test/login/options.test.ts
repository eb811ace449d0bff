import { generateKeyPairSync } from 'node:crypto'
import { ConfigurationError, type Store } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { GitHubProvider, type GitHubProviderOptions } from '@drawbridge/providers/github'
import { memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { openHouse, otherSigningKey, signingKey } from '../support/house.ts'

const good: GitHubProviderOptions = {
  baseUrl: 'https://mcp.example.com',
  clientId: 'upstream-id',
  clientSecret: 'upstream-secret',
  jwtSigningKey: signingKey,
  clientStorage: memoryStore(),
}

/** The problems of `good` with these options over it; unknown, because a program without types passes anything. */
function problemsOf(options: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    new GitHubProvider({ ...good, ...options } as GitHubProviderOptions, fixedEnvironment())
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
}

const storeWith = (parts: Partial<Store>): Store => ({ ...memoryStore(), ...parts })

const keygen = `run "npm run keygen", or: node -e "console.log(require('crypto').randomBytes(48).toString('base64url'))"`

it('takes the options of the documentation', () => {
  expect(problemsOf({})).toEqual([])
})

it('knows three modes of consent', () => {
  expect(['always', 'remembered', 'external'].flatMap((mode) => problemsOf({ consent: { mode } }))).toEqual([])
  for (const mode of ['remember', '', true, null])
    expect(problemsOf({ consent: { mode } })).toEqual(["consent.mode is neither 'always', 'remembered' nor 'external'"])
})

it.each([
  [
    'clients',
    { registraton: 'closed' },
    ['clients.registraton is no option: there are registration, validScopes, static, redirectSchemes, redirectUris, metadataDocuments'],
  ],
  [
    'clients',
    { registration: { initialAccesToken: true } },
    ['clients.registration.initialAccesToken is no option: there are initialAccessToken, managed, sealedWith'],
  ],
  [
    'clients',
    { metadataDocuments: { trustedHost: [] } },
    ['clients.metadataDocuments.trustedHost is no option: there are trustedHosts, dangerouslyAllowLoopback'],
  ],
  ['lifetimes', { access: 60 }, ['lifetimes.access is no option: there are accessToken, code, grantIdle, grant, lostStore']],
  ['consent', { constructor: 'always' }, ['consent.constructor is no option: there are serverName, mode, rememberNative']],
  ['extensions', null, ['extensions is not an object']],
  ['limits', [], ['limits is not an object']],
])('refuses, in %s, %j: what is misspelt would be a wish that nobody grants (T101)', (group, members, problems) => {
  expect(problemsOf({ [group]: members })).toEqual(problems)
})

it('lists every problem at once, and what mends it', () => {
  const everything = {
    baseUrl: undefined,
    issuerUrl: 'http://auth.example.com',
    mcpPath: 'mcp',
    clientId: '',
    clientSecret: undefined,
    jwtSigningKey: 'too short',
    clientStorage: undefined,
    requiredScopes: ['user', 'a"b'],
    lifetimes: { accessToken: Number.NaN },
    namespace: 'a b',
  }
  const problems = problemsOf(everything)
  expect(problems).toEqual([
    'baseUrl is missing: the public URL of this server, for instance https://mcp.example.com',
    'issuerUrl http://auth.example.com is not https (http is accepted on loopback only)',
    "mcpPath 'mcp' is not a path such as /mcp: it begins with a slash, does not end with one, and has no query",
    `jwtSigningKey is shorter than 32 bytes (it has 9): ${keygen}`,
    'the scope "a\\"b" has characters that RFC 6749 does not allow',
    'clientId is missing: GitHub shows it where the app is registered',
    'clientSecret is missing: GitHub asks for one',
    'clientStorage is missing: memoryStore(), or encrypted(sqliteStore("drawbridge.db"), fernet(process.env.STORAGE_ENCRYPTION_KEY)), from @drawbridge/storage',
    'accessToken is not a whole number of seconds that can be used',
    'namespace has other characters than A-Z a-z 0-9 _ -, or more than 64',
  ])
})

it('prints them in its message, one a line, and no value that is secret', () => {
  const secrets = { clientSecret: 'canary-secret', jwtSigningKey: 'canary-key' }
  expect(() => new GitHubProvider({ ...good, ...secrets, baseUrl: 'nonsense' })).toThrow(
    new ConfigurationError(['baseUrl "nonsense" is not an absolute URL', `jwtSigningKey is shorter than 32 bytes (it has 10): ${keygen}`]),
  )
  expect(new ConfigurationError(['one', 'two']).message).toBe('Drawbridge cannot start:\n  - one\n  - two')
})

describe('baseUrl and issuerUrl', () => {
  it('loses one slash at the end, and nothing else (G4)', () => {
    const { auth } = openHouse({ baseUrl: 'https://mcp.example.com/api/', issuerUrl: 'https://mcp.example.com/' })
    expect([auth.oauthMetadata.issuer, auth.oauthMetadata.token_endpoint]).toEqual([
      'https://mcp.example.com',
      'https://mcp.example.com/api/token',
    ])
  })

  it.each([
    'http://localhost:8000',
    'http://127.0.0.1:1',
    'http://[::1]:8000/api',
    'https://h',
    'https://xn--bcher-kva.example:8443/a-b_c.d~e/f',
  ])('takes %s', (url) => {
    expect(problemsOf({ baseUrl: url, issuerUrl: url })).toEqual([])
  })

  const refused: readonly [string, string][] = [
    ['http://mcp.example.com', 'is not https (http is accepted on loopback only)'],
    ['http://0.0.0.0:8000', 'is not https (http is accepted on loopback only)'],
    ['http://127.0.0.2:8000', 'is not https (http is accepted on loopback only)'],
    ['http://localhost.example.com', 'is not https (http is accepted on loopback only)'],
    ['ftp://mcp.example.com', 'is not https (http is accepted on loopback only)'],
    ['https://mcp.example.com?a=b', 'has a query, a fragment or a user'],
    ['https://mcp.example.com/?', 'has a query, a fragment or a user'],
    ['https://mcp.example.com/api#x', 'has a query, a fragment or a user'],
    ['https://mcp.example.com/api#', 'has a query, a fragment or a user'],
    ['https://me@mcp.example.com', 'has a query, a fragment or a user'],
    ['https://MCP.example.com', 'is not in its normal form: https://mcp.example.com'],
    ['https://mcp.example.com:443/api', 'is not in its normal form: https://mcp.example.com/api'],
    ['https://mcp.example.com/a/../b', 'is not in its normal form: https://mcp.example.com/b'],
    ['https://bücher.example', 'is not in its normal form: https://xn--bcher-kva.example'],
  ]
  it.each(refused)('refuses %s (R6, R16, T85)', (url, why) => {
    expect(problemsOf({ baseUrl: url })).toEqual([`baseUrl ${url} ${why}`])
    expect(problemsOf({ issuerUrl: url })).toEqual([`issuerUrl ${url} ${why}`])
  })

  const strange = [
    'https://mcp.example.com//',
    'https://mcp.example.com/api//',
    'https://mcp.example.com/a//b',
    'https://mcp.example.com/$(id)',
    "https://mcp.example.com/a'b",
    'https://mcp.example.com/a;b',
    'https://mcp.example.com/a&b',
    'https://a$b.example',
  ]
  it.each(strange)(
    'refuses %s: what an endpoint is made of has no characters that mean something to a shell, and no empty part (T85)',
    (url) => {
      expect(problemsOf({ baseUrl: url })).toEqual([
        `baseUrl ${url.replace(/\/$/, '')} has a host or a path with other characters than letters, digits and - . _ ~, or with an empty part`,
      ])
    },
  )

  it.each([undefined, '', null, 5, 'mcp.example.com', '/api', 'https://'])('refuses %s, which is no URL', (url) => {
    const text = typeof url === 'string' && url !== ''
    expect(problemsOf({ baseUrl: url })).toEqual([
      text
        ? `baseUrl ${JSON.stringify(url)} is not an absolute URL`
        : 'baseUrl is missing: the public URL of this server, for instance https://mcp.example.com',
    ])
  })
})

describe('mcpPath', () => {
  it('refuses to double the prefix, and prints the doubled URL and the right pair', () => {
    const baseUrl = 'http://localhost:8000/api'
    expect(problemsOf({ baseUrl, mcpPath: '/api/mcp' })).toEqual([
      "mcpPath '/api/mcp' repeats the path of baseUrl and would serve MCP at http://localhost:8000/api/api/mcp; set baseUrl 'http://localhost:8000/api' and mcpPath '/mcp'",
    ])
    expect(problemsOf({ baseUrl, mcpPath: '/api' })).toEqual([
      "mcpPath '/api' repeats the path of baseUrl and would serve MCP at http://localhost:8000/api/api; set baseUrl 'http://localhost:8000/api' and mcpPath '/'",
    ])
    expect(problemsOf({ baseUrl: 'http://localhost:8000/v1/tools', mcpPath: ['/mcp', '/v1/tools/mcp'] })).toHaveLength(1)
  })

  it('takes one that only looks like the prefix', () => {
    expect(problemsOf({ baseUrl: 'http://localhost:8000/api', mcpPath: ['/apis', '/v1/api', '/'] })).toEqual([])
  })

  it.each(['mcp', '/mcp/', '/mcp?x', '/mcp#x', '/a b', '//mcp', '/a//b', '/./mcp', '/a/..', '/%6dcp', '/mcp/*', ''])(
    "refuses '%s'",
    (path) => {
      expect(problemsOf({ mcpPath: path })).toEqual([
        `mcpPath '${path}' is not a path such as /mcp: it begins with a slash, does not end with one, and has no query`,
      ])
    },
  )

  it('refuses an empty list, and one that has a path twice', () => {
    expect(problemsOf({ mcpPath: [] })).toEqual(['mcpPath lists no path'])
    expect(problemsOf({ mcpPath: ['/mcp', '/mcp'] })).toEqual(['mcpPath lists a path twice'])
  })
})

describe('jwtSigningKey (T66)', () => {
  const refused: readonly [string, unknown, string][] = [
    ['none at all', undefined, 'is missing: "npm run keygen" prints one'],
    ['the empty text', '', 'is missing: "npm run keygen" prints one'],
    ['an empty list', [], 'is missing: "npm run keygen" prints one'],
    ['31 bytes', 'abcdefghijklmnopqrstuvwxyz01234', `is shorter than 32 bytes (it has 31): ${keygen}`],
    ['one character, repeated', 'a'.repeat(64), `can be guessed: ${keygen}`],
    ['a word, repeated', 'correcthorse'.repeat(4), `can be guessed: ${keygen}`],
    ['digits, repeated', '01234567'.repeat(5), `can be guessed: ${keygen}`],
    ['what documentation has', 'change-me-0123456789-abcdefghijklmnop', `can be guessed: ${keygen}`],
    ['what a sample has', 'your-secret-0123456789-abcdefghijklmnop', `can be guessed: ${keygen}`],
    [
      'a broken PEM',
      '-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----',
      'is not a private key that can be read: give the private half, as PKCS #8 PEM or as a JWK with "d"',
    ],
  ]
  it.each(refused)('refuses %s, and says how to make one', (_, key, why) => {
    expect(problemsOf({ jwtSigningKey: key })).toEqual([`jwtSigningKey ${why}`])
  })

  it('counts the bytes of a text in UTF-8', () => {
    expect(problemsOf({ jwtSigningKey: 'äöüßéèêñçàâîôûÄÖ' })).toEqual([])
  })

  it('refuses the public half, a short RSA key and a curve that is not used here', () => {
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
    expect(problemsOf({ jwtSigningKey: [p256.publicKey, rsa.privateKey, p384.privateKey] })).toEqual([
      'jwtSigningKey[0] is a public key: give the private one',
      'jwtSigningKey[1] is an RSA key of less than 2048 bits: make a longer one',
      'jwtSigningKey[2] is of a kind that is not used here: P-256 (ES256), Ed25519 (EdDSA) or RSA (RS256, PS256)',
    ])
    expect(problemsOf({ jwtSigningKey: p256.publicKey.export({ format: 'jwk' }) })).toEqual([
      'jwtSigningKey is not a private key that can be read: give the private half, as PKCS #8 PEM or as a JWK with "d"',
    ])
  })

  it('names the one of a list that is bad, and refuses two of one name', () => {
    expect(problemsOf({ jwtSigningKey: [signingKey, 'short'] })).toEqual([
      `jwtSigningKey[1] is shorter than 32 bytes (it has 5): ${keygen}`,
    ])
    expect(problemsOf({ jwtSigningKey: [signingKey, signingKey] })).toEqual(['jwtSigningKey lists two keys with the same "kid"'])
    expect(problemsOf({ jwtSigningKey: [signingKey, otherSigningKey] })).toEqual([])
  })

  it('refuses a kid that could not be looked up', () => {
    const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
    expect(problemsOf({ jwtSigningKey: { ...jwk, kid: '../../dev/null' } })).toEqual([
      'jwtSigningKey has a "kid" with other characters than A-Z a-z 0-9 _ -, or more than 64',
    ])
  })

  it('takes every kind there is a name for', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const ed = generateKeyPairSync('ed25519').privateKey
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const keys = [
      ec,
      ed.export({ format: 'pem', type: 'pkcs8' }),
      { ...rsa.export({ format: 'jwk' }), alg: 'PS256', kid: 'ps' },
      new Uint8Array(32).map((_, index) => index),
    ]
    expect(problemsOf({ jwtSigningKey: keys })).toEqual([])
  })
})

describe('clientStorage', () => {
  const unsealed =
    'clientStorage can be read by others and is not sealed: clientStorage: encrypted(yourStore, fernet(process.env.STORAGE_ENCRYPTION_KEY)), or dangerouslyStorePlain: true'

  it('refuses a store that others can read and that is not sealed, and prints the line that seals it', () => {
    expect(problemsOf({ clientStorage: storeWith({ reach: 'machine' }) })).toEqual([unsealed])
    expect(problemsOf({ clientStorage: storeWith({ reach: 'shared' }) })).toEqual([unsealed])
  })

  it('takes it sealed, or when the operator says it out loud', () => {
    expect(problemsOf({ clientStorage: storeWith({ reach: 'shared', sealed: true }) })).toEqual([])
    expect(problemsOf({ clientStorage: storeWith({ reach: 'shared' }), dangerouslyStorePlain: true })).toEqual([])
    for (const no of [false, 'false', 'true', 1, null])
      expect(problemsOf({ clientStorage: storeWith({ reach: 'shared' }), dangerouslyStorePlain: no })).toEqual([unsealed])
  })

  it('needs a store that every host shares, where there are many', () => {
    const problem = (reach: string): string[] => [`hosts: 'many' needs a store that every host shares; this one reaches only the ${reach}`]
    expect(problemsOf({ hosts: 'many' })).toEqual(problem('process'))
    expect(problemsOf({ hosts: 'many', clientStorage: storeWith({ reach: 'machine', sealed: true }) })).toEqual(problem('machine'))
    expect(problemsOf({ hosts: 'many', clientStorage: storeWith({ reach: 'shared', sealed: true }) })).toEqual([])
    expect(problemsOf({ hosts: 'several' })).toEqual(["hosts is neither 'one' nor 'many'"])
  })

  it('is not touched by the constructor', () => {
    const store = countedStore()
    store.fail(true)
    expect(problemsOf({ clientStorage: store })).toEqual([])
    expect(store.writes).toBe(0)
  })
})

describe('the upstream', () => {
  it('needs a client id and a secret', () => {
    expect(problemsOf({ clientId: undefined, clientSecret: '' })).toEqual([
      'clientId is missing: GitHub shows it where the app is registered',
      'clientSecret is missing: GitHub asks for one',
    ])
  })

  it('is https, or http on loopback', () => {
    expect(problemsOf({ serverUrl: 'http://127.0.0.1:9999' })).toEqual([])
    expect(problemsOf({ serverUrl: 'http://[::1]:9999' })).toEqual([])
    expect(problemsOf({ serverUrl: 'http://github.example.com' })).toEqual([
      'the upstream endpoint http://github.example.com/login/oauth/authorize is not https (http is accepted on loopback only)',
      'the upstream endpoint http://github.example.com/login/oauth/access_token is not https (http is accepted on loopback only)',
    ])
  })
})

describe('scopes', () => {
  it.each(['', 'a b', 'a"b', 'a\\b', 'ä', 'a\n'])('refuses the scope %j', (scope) => {
    const problem = `the scope ${JSON.stringify(scope)} has characters that RFC 6749 does not allow`
    expect(problemsOf({ requiredScopes: [scope] })).toEqual([problem])
    expect(problemsOf({ clients: { validScopes: [scope] } })).toEqual([problem])
  })

  it('can be none', () => {
    expect(problemsOf({ requiredScopes: [] })).toEqual([])
  })

  it('that include each other have to lead somewhere, be lists, and be scopes (R32)', () => {
    const cycle = (scope: string) => [`scopes.includes lets "${scope}" include itself, directly or by way of others`]
    expect(problemsOf({ scopes: { includes: { admin: ['write'], write: ['admin'] } } })).toEqual(cycle('admin'))
    expect(problemsOf({ scopes: { includes: { admin: ['admin'] } } })).toEqual(cycle('admin'))
    expect(problemsOf({ scopes: { includes: { 'read:user': ['user'] } } })).toEqual(cycle('user'))
    expect(problemsOf({ scopes: { includes: { admin: 'read' } } })).toEqual(['scopes.includes.admin is not a list'])
    const problem = 'the scope "a b" has characters that RFC 6749 does not allow'
    expect(problemsOf({ scopes: { includes: { admin: ['a b'] } } })).toEqual([problem])
    expect(problemsOf({ scopes: { includes: { 'a b': ['read'] } } })).toEqual([problem])
    expect(problemsOf({ scopes: { includes: { admin: ['write'], write: ['read'] } } })).toEqual([])
  })

  it('give refresh tokens by one of two policies (R97)', () => {
    expect(problemsOf({ scopes: { refreshTokens: 'never' } })).toEqual([
      "scopes.refreshTokens is neither 'grant-type' nor 'offline-access'",
    ])
  })
})

describe('lists', () => {
  it.each(['user', 5, { 0: 'user', length: 1 }])('are lists: %j is none, and no part of it is taken for one (T101)', (value) => {
    expect(problemsOf({ requiredScopes: value, clients: { validScopes: value, redirectSchemes: value, redirectUris: value } })).toEqual([
      'requiredScopes is not a list',
      'clients.validScopes is not a list',
      'clients.redirectSchemes is not a list',
      'clients.redirectUris is not a list',
    ])
  })

  it.each([5, true, [5]])('of MCP paths as well: %j', (mcpPath) => {
    expect(problemsOf({ mcpPath })).toEqual([
      `mcpPath '${mcpPath}' is not a path such as /mcp: it begins with a slash, does not end with one, and has no query`,
    ])
  })
})

describe('what is on or off (T101)', () => {
  it.each(['false', 0, null])('is not taken for either when it is %j', (value) => {
    const options = { scopes: { registeredIsLimit: value }, consent: { rememberNative: value } }
    expect(problemsOf(options)).toEqual(
      ['scopes.registeredIsLimit', 'consent.rememberNative'].map((name) => `${name} is neither true nor false`),
    )
  })
})

describe('clients.metadataDocuments (R130, T101)', () => {
  it.each([
    undefined,
    false,
    {},
    { trustedHosts: [] },
    { trustedHosts: ['claude.ai', 'localhost:8001', '[::1]:1', 'xn--bcher-kva.example'] },
  ])('can be %j', (metadataDocuments) => {
    expect(problemsOf({ clients: { metadataDocuments } })).toEqual([])
  })

  it.each([true, 'off', 1, null, ['claude.ai']])('cannot be %j', (metadataDocuments) => {
    expect(problemsOf({ clients: { metadataDocuments } })).toEqual(['clients.metadataDocuments is neither false nor an object'])
  })

  it.each(['claude.ai', 1, { 0: 'claude.ai' }])('trusts a list of hosts, which %j is not', (trustedHosts) => {
    const problems = problemsOf({ clients: { metadataDocuments: { trustedHosts } } })
    expect(problems).toEqual(['clients.metadataDocuments.trustedHosts is not a list'])
  })

  it.each(['https://claude.ai', 'Claude.ai', 'claude.ai/', 'claude.ai:443', 'bücher.example', '*.claude.ai', '', 'u@claude.ai', 7])(
    'trusts hosts as URLs have them, which %j is not',
    (host) => {
      const problem = `clients.metadataDocuments.trustedHosts has ${JSON.stringify(host)}, which is not a host as in a URL`
      expect(problemsOf({ clients: { metadataDocuments: { trustedHosts: ['claude.ai', host] } } })).toEqual([problem])
    },
  )

  it('says out loud what is dangerous', () => {
    const problems = problemsOf({ clients: { metadataDocuments: { dangerouslyAllowLoopback: 'yes' } } })
    expect(problems).toEqual(['clients.metadataDocuments.dangerouslyAllowLoopback is neither true nor false'])
  })
})

describe('clients.redirectUris (T27, T101)', () => {
  it.each([
    'https://client.example.com/cb',
    'https://*.example.com/cb/*',
    'https://app-*.example.com/',
    'https://client.example.com:*/cb',
    'http://localhost:*/callback',
    'http://[::1]/callback?x=*',
    'cursor://*/oauth/callback',
    'desk:/cb',
  ])('takes the pattern %s', (pattern) => {
    expect(problemsOf({ clients: { redirectUris: [pattern] } })).toEqual([])
  })

  const domain = 'has a * in its host that does not stand before a domain, as in https://*.example.com/'
  it.each([
    ['https://client.example.com', 'has no path: a pattern is the whole URI, and a single / is a path'],
    ['http://localhost:*', 'has no path: a pattern is the whole URI, and a single / is a path'],
    ['https://*/cb', domain],
    ['https://*.com/cb', domain],
    ['https://example.com*/cb', domain],
    ['https://*example.co.uk/cb', domain],
    ['https://example.*/cb', domain],
    ['https://*@evil.example/cb', domain],
    ['https://user@client.example.com/*', 'names a user'],
    ['*://client.example.com/cb', 'has a scheme that is not allowed'],
    ['javascript:*', 'has a scheme that is not allowed'],
    ['http://client.example.com/*', 'is http outside loopback'],
    ['https://client.example.com/*/../cb', 'is not in its normal form'],
    ['https://client.example.com/%2e%2e/*', 'is not in its normal form'],
    ['https://CLIENT.example.com/cb', 'is not in its normal form'],
    ['https://client.example.com/cb#*', 'has a fragment'],
    ['*', 'is not an absolute URI'],
    ['', 'is not an absolute URI'],
    [5, 'is not a text'],
    [undefined, 'is not a text'],
  ])('refuses the pattern %s: it %s', (pattern, why) => {
    expect(problemsOf({ clients: { redirectUris: [pattern] } })).toEqual([
      `the pattern ${JSON.stringify(pattern)} in clients.redirectUris ${why}`,
    ])
  })

  it('holds for listed clients too', () => {
    const clients = { redirectUris: ['https://a.example/cb'], static: [{ clientId: 'desk', redirectUris: ['https://b.example/cb'] }] }
    expect(problemsOf({ clients })).toEqual(['the static client "desk" is refused: A redirect URI is not one that this server allows.'])
  })
})

describe('a store that others can get at (T96)', () => {
  const exposed = () => ({ ...memoryStore(), exposed: 'Redis at redis is reached without TLS: this mends it' })

  it('refuses the start of a public server', () => {
    expect(problemsOf({ baseUrl: 'https://mcp.example.com', clientStorage: exposed() })).toEqual([
      'clientStorage: Redis at redis is reached without TLS: this mends it',
    ])
  })

  it('is told at the start on loopback, once', () => {
    const { events } = openHouse({ clientStorage: exposed() })
    expect(events).toEqual([{ type: 'store.exposed', reason: 'Redis at redis is reached without TLS: this mends it', at: 1_767_268_800 }])
    expect(openHouse().events).toEqual([])
  })
})

describe('clients.registration (T101)', () => {
  it.each(['open', 'closed', {}, { managed: true }, { initialAccessToken: true }, { initialAccessToken: false }])(
    'can be %j',
    (registration) => {
      expect(problemsOf({ clients: { registration } })).toEqual([])
    },
  )

  it.each([true, 'sealed', null, 5, []])('cannot be %j', (registration) => {
    expect(problemsOf({ clients: { registration } })).toEqual([
      "clients.registration is neither 'open' nor 'closed' nor an object of options",
    ])
  })

  const sealing = (sealedWith: unknown): unknown => ({ clients: { registration: { sealedWith } } })
  it.each([otherSigningKey, new Uint8Array(Buffer.from(otherSigningKey)), [otherSigningKey, 'another-secret-0123456789-ABCDEFGHIJKL']])(
    'can be sealed with a secret, its bytes, or a list',
    (secret) => {
      expect(problemsOf(Object(sealing(secret)))).toEqual([])
    },
  )

  it.each([
    ['too short', `is shorter than 32 bytes (it has 9): ${keygen}`],
    ['a'.repeat(40), `can be guessed: ${keygen}`],
    [signingKey, 'is a jwtSigningKey as well: each key does one thing'],
    [5, 'is neither a text nor bytes'],
    [null, 'is neither a text nor bytes'],
    [[], 'is an empty list'],
  ])('cannot be sealed with %j: it %s', (secret, why) => {
    expect(problemsOf(Object(sealing(secret)))).toEqual([`clients.registration.sealedWith ${why}`])
  })

  it('names the key of a list that cannot be used, and never shows it', () => {
    expect(problemsOf(Object(sealing([otherSigningKey, 'canary'])))).toEqual([
      `clients.registration.sealedWith[1] is shorter than 32 bytes (it has 6): ${keygen}`,
    ])
  })

  it('cannot be sealed and managed: nothing could be changed', () => {
    expect(problemsOf({ clients: { registration: { managed: true, sealedWith: otherSigningKey } } })).toEqual([
      'clients.registration.managed does not go with sealedWith: a sealed client is its id, so one that changed would be another',
    ])
  })

  it('cannot be managed over a store without lists: what a removed client was granted could not be found', () => {
    const { directory: _, ...store } = memoryStore()
    expect(problemsOf({ clientStorage: store, clients: { registration: { managed: true } } })).toEqual([
      'clients.registration.managed needs a store that keeps lists: this one has no directory',
    ])
  })

  it('has options that are true or false: a text that says so is neither', () => {
    expect(problemsOf({ clients: { registration: { initialAccessToken: 'false', managed: 'true' } } })).toEqual([
      'clients.registration.initialAccessToken is neither true nor false',
      'clients.registration.managed is neither true nor false',
    ])
  })
})

describe('hooks (T101)', () => {
  it.each([60, '60', true, null, {}])('can be called: %j cannot, and would limit nothing or let in anybody', (value) => {
    expect(problemsOf({ limits: { rateLimit: value }, upstream: { authorizeUser: value } })).toEqual([
      'limits.rateLimit is not a function',
      'upstream.authorizeUser is not a function',
    ])
  })

  it('are taken, and so is no limit at all', () => {
    expect(problemsOf({ limits: { rateLimit: () => 1 }, upstream: { authorizeUser: () => false } })).toEqual([])
    expect(problemsOf({ limits: { rateLimit: false } })).toEqual([])
  })
})

describe('lengths (T101)', () => {
  it.each([Number.NaN, 0, -1, 1.5, Number.POSITIVE_INFINITY, '3600', null, undefined])(
    'refuses a length of %s, wherever it is',
    (length) => {
      const options = {
        lifetimes: { accessToken: length, code: length, grantIdle: length, grant: length, lostStore: length },
        upstream: { staleFor: length ?? 0 },
      }
      expect(problemsOf(options)).toEqual(
        ['accessToken', 'code', 'grantIdle', 'grant', 'lostStore', 'upstream.staleFor'].map(
          (name) => `${name} is not a whole number of seconds that can be used`,
        ),
      )
    },
  )

  it('refuses a code that lives longer than ten minutes (R81)', () => {
    expect(problemsOf({ lifetimes: { code: 600 } })).toEqual([])
    expect(problemsOf({ lifetimes: { code: 601 } })).toEqual(['code is longer than the 600 seconds that RFC 6749 allows'])
  })

  it('takes no time at all for cacheFor, and nothing below', () => {
    expect(problemsOf({ verification: { cacheFor: 0 } })).toEqual([])
    expect(problemsOf({ verification: { cacheFor: -1 } })).toEqual([
      'verification.cacheFor is not a whole number of seconds that can be used',
    ])
    expect(problemsOf({ verification: { cacheFor: Number.NaN } })).toEqual([
      'verification.cacheFor is not a whole number of seconds that can be used',
    ])
  })
})

describe('namespace', () => {
  it.each(['', 'a b', 'a:b', 'ä', 'a'.repeat(65)])("refuses '%s'", (namespace) => {
    expect(problemsOf({ namespace })).toEqual(['namespace has other characters than A-Z a-z 0-9 _ -, or more than 64'])
  })

  it('begins the name of every record', async () => {
    const store = countedStore()
    await openHouse({ clientStorage: store, namespace: 'mine_1' }).login()
    expect([...store.held].filter((key) => !key.startsWith('mine_1:'))).toEqual([])
    expect(store.held.size).toBeGreaterThan(4)
  })

  it('is made from the issuer when nobody names it (T97)', async () => {
    const store = countedStore()
    await openHouse({ clientStorage: store }).register()
    await openHouse({ clientStorage: store, issuerUrl: 'http://localhost:9000' }).register()
    expect(new Set([...store.held].map((key) => key.split(':')[0]))).toEqual(new Set(['drawbridge-0121783acd', 'drawbridge-8127b8faef']))
  })

  it('refuses the store of another issuer, at the start and at every request (T97)', async () => {
    const store = countedStore()
    await openHouse({ clientStorage: store, namespace: 'ours' }).auth.ready()
    const other = openHouse({ clientStorage: store, namespace: 'ours', issuerUrl: 'http://localhost:9000' })
    await expect(other.auth.ready()).rejects.toThrow(
      'the store belongs to the issuer http://localhost:8000 in the namespace ours, not to http://localhost:9000 in ours: set issuerUrl back, or give this deployment a namespace of its own',
    )
    expect(
      (
        await other.call('/register', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"redirect_uris":["https://a.example/cb"]}',
        })
      ).status,
    ).toBe(503)
  })
})
