import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ClientMetadata, cleanName, parseClientMetadata } from './client-metadata.ts'
import { OAuthError } from './errors.ts'

const policy = { validScopes: ['read', 'write'], redirectSchemes: ['cursor'] }
const parse = (body: unknown): ClientMetadata => parseClientMetadata(body, policy)
const redirectUris = ['http://127.0.0.1:5555/callback']
const plain: ClientMetadata = { redirectUris, grantTypes: ['authorization_code', 'refresh_token'], authentication: 'none' }

/** What a refusal tells the client, and the operator. */
function refusalOf(body: unknown) {
  try {
    return parse(body)
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    return { ...error.toResponseObject(), reason: error.reason, status: error.status }
  }
}

describe('what clients that exist register with', () => {
  it.each<[string, unknown, ClientMetadata]>([
    [
      'SDK v1: a name and redirect URIs (G7, R113)',
      { client_name: 'A client', redirect_uris: redirectUris },
      { ...plain, clientName: 'A client' },
    ],
    ['the least there is', { redirect_uris: redirectUris }, plain],
    [
      'SDK v2: grant types and an application type (R116)',
      { client_name: 'v2', redirect_uris: redirectUris, grant_types: ['authorization_code', 'refresh_token'], application_type: 'native' },
      { ...plain, clientName: 'v2', applicationType: 'native' },
    ],
    [
      'mcp-remote (G11)',
      {
        redirect_uris: ['http://localhost:3334/oauth/callback'],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        client_name: 'MCP CLI Client',
        client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
        software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
        software_version: '0.15.1',
        scope: 'openid email profile',
        application_type: 'native',
      },
      { ...plain, redirectUris: ['http://localhost:3334/oauth/callback'], clientName: 'MCP CLI Client', applicationType: 'native' },
    ],
    [
      'VS Code',
      {
        client_name: 'Visual Studio Code',
        client_uri: 'https://code.visualstudio.com',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code'],
        redirect_uris: [
          'http://127.0.0.1/',
          'https://vscode.dev/redirect',
          'http://127.0.0.1:33418/',
          'http://localhost/',
          'http://localhost:33418/',
        ],
        token_endpoint_auth_method: 'none',
        application_type: 'native',
      },
      {
        redirectUris: [
          'http://127.0.0.1/',
          'https://vscode.dev/redirect',
          'http://127.0.0.1:33418/',
          'http://localhost/',
          'http://localhost:33418/',
        ],
        clientName: 'Visual Studio Code',
        grantTypes: ['authorization_code', 'refresh_token'],
        authentication: 'none',
        applicationType: 'native',
      },
    ],
    [
      'Cursor',
      { client_name: 'Cursor', redirect_uris: ['cursor://anysphere.cursor-retrieval/oauth/user-x/callback'] },
      { ...plain, redirectUris: ['cursor://anysphere.cursor-retrieval/oauth/user-x/callback'], clientName: 'Cursor' },
    ],
    [
      'Claude',
      { client_name: 'Claude', redirect_uris: ['https://claude.ai/api/mcp/auth_callback'], scope: 'read claudeai' },
      { ...plain, redirectUris: ['https://claude.ai/api/mcp/auth_callback'], clientName: 'Claude', scope: ['read'] },
    ],
    [
      'a client with a secret, in the header (R85)',
      { redirect_uris: redirectUris, token_endpoint_auth_method: 'client_secret_basic' },
      { ...plain, authentication: 'client_secret_basic' },
    ],
    [
      'a client with a secret, in the body (R85)',
      { redirect_uris: redirectUris, token_endpoint_auth_method: 'client_secret_post' },
      { ...plain, authentication: 'client_secret_post' },
    ],
    [
      'one that will not refresh',
      { redirect_uris: redirectUris, grant_types: ['authorization_code'] },
      { ...plain, grantTypes: ['authorization_code'] },
    ],
    [
      'a native app with a private-use scheme, https and loopback (B04)',
      { redirect_uris: ['com.example.app:/cb', 'https://client.example.com/cb', 'http://localhost:1/cb'], application_type: 'native' },
      {
        ...plain,
        redirectUris: ['com.example.app:/cb', 'https://client.example.com/cb', 'http://localhost:1/cb'],
        applicationType: 'native',
      },
    ],
    [
      'a web application on https (B04)',
      { redirect_uris: ['https://client.example.com/cb'], application_type: 'web' },
      { ...plain, redirectUris: ['https://client.example.com/cb'], applicationType: 'web' },
    ],
  ])('%s', (_, body, metadata) => {
    expect(parse(body)).toEqual(metadata)
  })
})

describe('what is not ours to give is not taken (T39, R114)', () => {
  it('whoever asks for it', () => {
    const body = {
      redirect_uris: redirectUris,
      client_id: 'chosen',
      client_secret: 'chosen',
      skip_consent: true,
      trusted: true,
      software_statement: 'eyJ...',
      jwks_uri: 'http://169.254.169.254/',
      logo_uri: 'http://169.254.169.254/logo.svg',
      'client_name#fr': 'Un client',
      scope: 'admin write',
      constructor: { prototype: { polluted: true } },
    }
    expect(parse(body)).toEqual({ ...plain, scope: ['write'] })
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it('and __proto__ is a name like any other (T34, T103)', () => {
    const body: unknown = JSON.parse(`{"redirect_uris":["${redirectUris[0]}"],"__proto__":{"scope":"write","polluted":true}}`)
    expect(parse(body)).toEqual(plain)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it('scopes are only those that are valid, and none when none is (R61, T39)', () => {
    expect(parse({ redirect_uris: redirectUris, scope: 'write admin read write' }).scope).toEqual(['write', 'read'])
    expect(parse({ redirect_uris: redirectUris, scope: 'admin' })).toEqual(plain)
    expect(parse({ redirect_uris: redirectUris, scope: '' })).toEqual(plain)
    expect(parse({ redirect_uris: redirectUris, scope: 'read "write"' })).toEqual(plain)
  })
})

describe('a registration is refused (R115, T24, T34, B06)', () => {
  const redirects = (reason: string) => ({ error: 'invalid_redirect_uri', reason, status: 400 })
  const metadata = (reason: string) => ({ error: 'invalid_client_metadata', reason, status: 400 })
  const malformed = {
    ...redirects('redirect_uris_malformed'),
    error_description: 'The field redirect_uris is missing or not as RFC 7591 has it.',
  }
  const noObject = { ...metadata('metadata_malformed'), error_description: 'The body is not a JSON object.' }
  const field = (name: string) => ({
    ...metadata('metadata_malformed'),
    error_description: `The field ${name} is missing or not as RFC 7591 has it.`,
  })
  const grants = {
    ...metadata('grant_types_unsupported'),
    error_description: 'Clients use the grant type authorization_code and the response type code.',
  }
  const uri = (why: string) => ({ ...redirects('redirect_uri_refused'), error_description: `A redirect URI ${why}.` })
  const sparse: unknown[] = []
  sparse[3] = redirectUris[0]
  let deep: unknown = 'x'
  for (let level = 0; level < 1000; level += 1) deep = [deep]

  it.each<[string, unknown, object]>([
    ['null', null, noObject],
    ['a number', 7, noObject],
    ['a list', [redirectUris], noObject],
    ['text', '{}', noObject],
    ['without redirect URIs', {}, malformed],
    ['with redirect URIs that are null', { redirect_uris: null }, malformed],
    ['with one that is text', { redirect_uris: redirectUris[0] }, malformed],
    ['with an empty list', { redirect_uris: [] }, malformed],
    ['with a list of something else', { redirect_uris: [redirectUris[0], 7] }, malformed],
    ['with a list that has holes', { redirect_uris: sparse }, malformed],
    ['with a list in a list in a list', { redirect_uris: deep }, malformed],
    ['with eleven', { redirect_uris: Array.from({ length: 11 }, (_, index) => `https://client.example.com/${index}`) }, malformed],
    ['with ten thousand', { redirect_uris: Array.from({ length: 10_000 }, () => redirectUris[0]) }, malformed],
    [
      'with one that is too long',
      { redirect_uris: [`https://client.example.com/${'a'.repeat(2048)}`] },
      uri('is longer than 2048 characters'),
    ],
    ['with a good and a bad one', { redirect_uris: [redirectUris[0], 'javascript:alert(1)'] }, uri('has a scheme that is not allowed')],
    ['with http on another host', { redirect_uris: ['http://evil.example/cb'] }, uri('is http outside loopback')],
    ['with a fragment', { redirect_uris: ['https://client.example.com/#'] }, uri('has a fragment')],
    ['with a name that is an object', { redirect_uris: redirectUris, client_name: { toString: 'x' } }, field('client_name')],
    ['with a name that is null', { redirect_uris: redirectUris, client_name: null }, field('client_name')],
    ['with a huge name', { redirect_uris: redirectUris, client_name: '\n'.repeat(5_000_000) }, field('client_name')],
    ['with a scope that is a list', { redirect_uris: redirectUris, scope: ['read'] }, field('scope')],
    [
      'with a method that is not ours',
      { redirect_uris: redirectUris, token_endpoint_auth_method: 'tls_client_auth' },
      field('token_endpoint_auth_method'),
    ],
    ['with an application type of its own', { redirect_uris: redirectUris, application_type: 'service' }, field('application_type')],
    ['with grant types that are text', { redirect_uris: redirectUris, grant_types: 'authorization_code' }, field('grant_types')],
    ['without authorization_code', { redirect_uris: redirectUris, grant_types: ['refresh_token'] }, grants],
    ['with no grant type', { redirect_uris: redirectUris, grant_types: [] }, grants],
    ['with other grant types only', { redirect_uris: redirectUris, grant_types: ['client_credentials', 'password'] }, grants],
    ['without the response type code', { redirect_uris: redirectUris, response_types: ['token'] }, grants],
    [
      'of a web application on loopback',
      { redirect_uris: ['http://localhost:1/cb'], application_type: 'web' },
      uri('of a web application is not https'),
    ],
    [
      'of a web application with a scheme of its own',
      { redirect_uris: ['com.example.app:/cb'], application_type: 'web' },
      uri('of a web application is not https'),
    ],
  ])('%s', (_, body, refusal) => {
    expect(refusalOf(body)).toEqual(refusal)
  })

  it('and nothing of it is echoed', () => {
    const canary = 'canary-7c1f'
    for (const body of [
      { [canary]: 1 },
      { redirect_uris: [canary] },
      { redirect_uris: [`https://${canary}/#`] },
      { redirect_uris: redirectUris, scope: [canary] },
    ]) {
      expect(JSON.stringify(refusalOf(body))).not.toContain(canary)
    }
  })

  it('or accepted, but never anything else, whatever it is (T34)', () => {
    const known = fc.constantFrom('redirect_uris', 'client_name', 'grant_types', 'response_types', 'scope', 'application_type', '__proto__')
    const body = fc.oneof(fc.anything(), fc.dictionary(known, fc.oneof(fc.anything(), fc.constant(redirectUris), fc.array(fc.string()))))
    fc.assert(
      fc.property(body, (sent) => {
        const answer = refusalOf(sent)
        if ('error' in answer) expect(['invalid_redirect_uri', 'invalid_client_metadata']).toContain(answer.error)
        else expect(answer.redirectUris.length).toBeGreaterThan(0)
      }),
      { seed: 34, numRuns: 500 },
    )
  })
})

/** Controls, and what Unicode has for hiding, joining and turning text, as ranges of code points. */
const hidden: readonly (readonly [number, number])[] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xe0000, 0xe0fff],
]
const isHidden = (character: string): boolean => {
  const point = character.codePointAt(0) ?? 0
  return hidden.some(([first, last]) => first <= point && point <= last)
}

describe('the name of a client (T37)', () => {
  it.each([
    ['Claude', 'Claude'],
    ['  My   client ', 'My client'],
    ['Cl\u200baude', 'Claude'],
    ['\u202eedualC', 'edualC'],
    ['\u2066Claude\u2069', 'Claude'],
    ['Clau\u0000de\u001b[31m', 'Claude[31m'],
    ['Claude\r\nverified', 'Claudeverified'],
    ['\ufeffClaude\u00ad', 'Claude'],
    ['Claude\u00a0Code', 'Claude Code'],
    ['A\u2028B\u2029C', 'ABC'],
    ['\u3164\u115f\u1160\uffa0', ''],
    ['Cl\u034fa\ufe0fude', 'Claude'],
    ['cafe\u0301', 'caf\u00e9'],
    ['cafe\u200d\u0301', 'caf\u00e9'],
    ['\ud800Claude\udc00', 'Claude'],
    ['🏴\u{e0067}\u{e0062}\u{e007f}', '🏴'],
    ['🙂'.repeat(101), '🙂'.repeat(100)],
    [`${'a'.repeat(99)} b`, 'a'.repeat(99)],
    ['', ''],
    [' \t ', ''],
  ])('%j is shown as %j', (name, shown) => {
    expect(cleanName(name)).toBe(shown)
  })

  it('has 100 visible characters at most, nothing that hides or turns, and is composed, whatever it was', () => {
    const point = fc.integer({ min: 0, max: 0x10_ffff }).map((value) => String.fromCodePoint(value))
    const likely = fc.constantFrom(
      '\u200b',
      '\u202e',
      '\u0301',
      '\u034f',
      '\u3164',
      '\ufe0f',
      ' ',
      '\t',
      'e',
      '\ud83d',
      '\u{e0041}',
      '\u0000',
    )
    const text = fc.array(fc.oneof(point, likely), { maxLength: 150 }).map((characters) => characters.join(''))
    fc.assert(
      fc.property(text, (name) => {
        const shown = cleanName(name)
        expect([...shown].filter(isHidden)).toEqual([])
        expect([...shown].length).toBeLessThanOrEqual(100)
        expect(shown).toBe(shown.normalize('NFC'))
        expect(cleanName(shown)).toBe(shown)
      }),
      { seed: 37, numRuns: 300 },
    )
  })

  it('counts as none when nothing of it is visible', () => {
    expect(parse({ redirect_uris: redirectUris, client_name: '\u200b\u3164 ' })).toEqual(plain)
  })
})
