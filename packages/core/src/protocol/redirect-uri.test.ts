import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLoopbackUri, matchesRedirectUri, redirectDestination, redirectTo, refuseRedirectUri } from './redirect-uri.ts'

const policy = { redirectSchemes: ['cursor', 'vscode', 'claude'] }

/** Redirect URIs of clients that exist, and some that a client may well have. */
const usable = [
  'https://claude.ai/api/mcp/auth_callback',
  'https://chatgpt.com/connector_platform_oauth_redirect',
  'https://vscode.dev/redirect',
  'http://127.0.0.1/',
  'http://127.0.0.1',
  'http://127.0.0.1:33418/',
  'http://localhost:6274/oauth/callback',
  'http://localhost/callback',
  'http://localhost:54321/callback?from=claude-code',
  'http://[::1]:8765/cb',
  'http://127.0.0.1/?x=1',
  'cursor://anysphere.cursor-retrieval/oauth/user-x/callback',
  'vscode://vscode.github-authentication/did-authenticate',
  'claude://oauth',
  'com.example.app:/oauth2redirect',
  'com.example.app://callback',
  'https://client.example.com',
  'https://client.example.com:8443/cb?tenant=a&b=%2F',
  'https://client.example.com/cb?',
  'https://client.example.com/a..;b//c/%2f',
  'https://xn--bcher-kva.example/cb',
]

describe('a redirect URI that can be registered (R50, R115)', () => {
  it.each(usable)('%s', (uri) => {
    expect(refuseRedirectUri(uri, policy)).toBeUndefined()
  })
})

describe('a redirect URI that cannot (R50, R115)', () => {
  it.each([
    // Not a URI, or not an absolute one.
    ['', 'is not an absolute URI'],
    ['/callback', 'is not an absolute URI'],
    ['//evil.example/cb', 'is not an absolute URI'],
    ['client.example.com/cb', 'is not an absolute URI'],
    ['https://', 'is not an absolute URI'],
    ['http://127.0.0.1:99999/cb', 'is not an absolute URI'],
    ['https://exa mple.com/cb', 'is not an absolute URI'],
    // Schemes that run or show what they carry, in every writing (T28).
    ['javascript:alert(1)', 'has a scheme that is not allowed'],
    ['JavaScript:alert(1)', 'has a scheme that is not allowed'],
    ['java\tscript:alert(1)', 'has a scheme that is not allowed'],
    [' javascript:alert(1)', 'has a scheme that is not allowed'],
    ['\u0001javascript:alert(1)', 'has a scheme that is not allowed'],
    ['javascript://client.example.com/%0aalert(1)', 'has a scheme that is not allowed'],
    ['data:text/html,<script>alert(1)</script>', 'has a scheme that is not allowed'],
    ['vbscript:x', 'has a scheme that is not allowed'],
    ['file:///etc/passwd', 'has a scheme that is not allowed'],
    ['blob:https://client.example.com/1', 'has a scheme that is not allowed'],
    ['about:blank', 'has a scheme that is not allowed'],
    ['view-source:https://client.example.com/', 'has a scheme that is not allowed'],
    ['filesystem:https://client.example.com/', 'has a scheme that is not allowed'],
    ['ws://client.example.com/cb', 'has a scheme that is not allowed'],
    ['wss://client.example.com/cb', 'has a scheme that is not allowed'],
    ['ftp://client.example.com/cb', 'has a scheme that is not allowed'],
    // Private-use schemes need a dot, or a name on the list.
    ['intent://scan/', 'has a scheme that is not allowed'],
    ['mailto:somebody@example.com', 'has a scheme that is not allowed'],
    ['zed://callback', 'has a scheme that is not allowed'],
    // http is for loopback.
    ['http://client.example.com/cb', 'is http outside loopback'],
    ['http://localhost.evil.example/cb', 'is http outside loopback'],
    ['http://127.0.0.1.evil.example/cb', 'is http outside loopback'],
    ['http://127.0.0.2/cb', 'is http outside loopback'],
    ['http://localhost./cb', 'is http outside loopback'],
    ['http://192.168.0.1/cb', 'is http outside loopback'],
    ['http://[::2]/cb', 'is http outside loopback'],
    // Fragments, users.
    ['https://client.example.com/cb#', 'has a fragment'],
    ['https://client.example.com/cb#top', 'has a fragment'],
    ['https://user@client.example.com/cb', 'names a user'],
    ['https://user:pass@client.example.com/cb', 'names a user'],
    ['http://localhost:1@evil.example/cb', 'names a user'],
    ['http://127.0.0.1:80@evil.example/', 'names a user'],
    // What a URL parser rewrites is not what is compared later (T23).
    ['HTTPS://client.example.com/cb', 'is not in its normal form'],
    ['https://Client.Example.com/cb', 'is not in its normal form'],
    ['https://client.example.com:443/cb', 'is not in its normal form'],
    ['http://localhost:80/cb', 'is not in its normal form'],
    ['https://client.example.com\\cb', 'is not in its normal form'],
    ['https:/client.example.com/cb', 'is not in its normal form'],
    ['https:client.example.com/cb', 'is not in its normal form'],
    ['https://client.example.com/a/../cb', 'is not in its normal form'],
    ['https://client.example.com/cb/..', 'is not in its normal form'],
    ['https://client.example.com/cb/%2e%2e/x', 'is not in its normal form'],
    ['https://client.example.com/./cb', 'is not in its normal form'],
    ['https://client.example.com/ä', 'is not in its normal form'],
    ['https://bücher.example/cb', 'is not in its normal form'],
    ['https://client.example.com/c\nb', 'is not in its normal form'],
    ['https://client.example.com/cb\t', 'is not in its normal form'],
    ['https://client.example.com/cb ', 'is not in its normal form'],
    ['http://127.0.0.1?x=1', 'is not in its normal form'],
    ['http://2130706433/cb', 'is not in its normal form'],
    ['http://0x7f.1/cb', 'is not in its normal form'],
    ['http://127.1/cb', 'is not in its normal form'],
    ['http://[::ffff:127.0.0.1]/cb', 'is not in its normal form'],
    ['http://[0:0:0:0:0:0:0:1]/cb', 'is not in its normal form'],
    // A query that could forge an answer.
    ['https://client.example.com/cb?code=1', 'has a query parameter that answers use'],
    ['https://client.example.com/cb?a=1&state=', 'has a query parameter that answers use'],
    ['https://client.example.com/cb?iss=https://evil.example', 'has a query parameter that answers use'],
    ['https://client.example.com/cb?error', 'has a query parameter that answers use'],
    ['https://client.example.com/cb?co%64e=1', 'has a query parameter that answers use'],
  ])('%j %s', (uri, why) => {
    expect(refuseRedirectUri(uri, policy)).toBe(why)
  })

  it('is longer than 2048 characters (T34)', () => {
    const of = (length: number) => `https://client.example.com/${'a'.repeat(length - 27)}`
    expect(of(2048)).toHaveLength(2048)
    expect(refuseRedirectUri(of(2048), policy)).toBeUndefined()
    expect(refuseRedirectUri(of(2049), policy)).toBe('is longer than 2048 characters')
  })

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://client.example.com/1',
    'about:blank',
    'view-source:https://client.example.com/',
    'filesystem:https://client.example.com/',
    'ws://client.example.com/',
    'wss://client.example.com/',
    'ftp://client.example.com/',
  ])('has a dangerous scheme, even one that the operator lists: %s (T28)', (uri) => {
    expect(refuseRedirectUri(uri, { redirectSchemes: [uri.replace(/:.*/, '')] })).toBe('has a scheme that is not allowed')
  })

  it('is http elsewhere, even where the operator lists http', () => {
    expect(refuseRedirectUri('http://evil.example/', { redirectSchemes: ['http'] })).toBe('is http outside loopback')
  })
})

// Usable URIs with something put in, taken out or changed, and any text at all.
const mutated = fc
  .tuple(
    fc.constantFrom(...usable),
    fc.nat(100),
    fc.nat(3),
    fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), fc.constantFrom('..', '%2e', '\\', '@', ':', '//', '#', '?', '\t', '\n', '/../')),
  )
  .map(([uri, at, drop, put]) => uri.slice(0, at % (uri.length + 1)) + put + uri.slice((at % (uri.length + 1)) + drop))
const anyUri = fc.oneof(
  { weight: 5, arbitrary: mutated },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.webUrl() },
)

describe('whatever is accepted', () => {
  it('is the text that a browser follows: new URL() changes nothing but a missing last slash (T23)', () => {
    fc.assert(
      fc.property(anyUri, (uri) => {
        if (refuseRedirectUri(uri, policy) === undefined) expect([uri, `${uri}/`]).toContain(new URL(uri).href)
      }),
      { seed: 23, numRuns: 2000 },
    )
  })

  it('is https, http on loopback, or a private-use scheme; has no user and no fragment (T28, R50)', () => {
    fc.assert(
      fc.property(anyUri, (uri) => {
        if (refuseRedirectUri(uri, policy) !== undefined) return
        const { protocol, hostname, hash, username, password } = new URL(uri)
        expect(`${hash}${username}${password}`).toBe('')
        if (protocol === 'http:') expect(['127.0.0.1', 'localhost', '[::1]']).toContain(hostname)
        else if (protocol !== 'https:') expect(protocol).toMatch(/\.|^(cursor|vscode|claude):$/)
        expect(['javascript:', 'data:', 'file:', 'blob:', 'about:', 'vbscript:']).not.toContain(protocol)
      }),
      { seed: 28, numRuns: 2000 },
    )
  })
})

describe('a request names the registered redirect URI', () => {
  it.each([
    ['http://127.0.0.1:5000/cb', 'http://127.0.0.1:1/cb'],
    ['http://127.0.0.1:5000/cb', 'http://127.0.0.1/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/cb'],
    ['http://localhost:5000/cb', 'http://localhost:1/cb'],
    ['http://[::1]:5000/cb?x=1', 'http://[::1]/cb?x=1'],
    // VS Code registers both of these and listens on any port.
    ['http://127.0.0.1:33418/', 'http://127.0.0.1/'],
    ['https://client.example.com/cb', 'https://client.example.com/cb'],
    ['cursor://anysphere.cursor-retrieval/oauth/user-x/callback', 'cursor://anysphere.cursor-retrieval/oauth/user-x/callback'],
  ])('with %s for %s: the same text, on loopback any port (R51, R52, G8)', (uri, registered) => {
    expect(matchesRedirectUri(uri, registered)).toBe(true)
  })

  it.each([
    // Loopback: everything but the port is compared.
    ['http://localhost:5000/cb', 'http://127.0.0.1:5000/cb'],
    ['http://127.0.0.1:5000/cb', 'http://localhost:5000/cb'],
    ['http://[::1]:5000/cb', 'http://127.0.0.1:5000/cb'],
    ['https://127.0.0.1:5000/cb', 'http://127.0.0.1:5000/cb'],
    ['http://127.0.0.1:5000/CB', 'http://127.0.0.1:5000/cb'],
    ['http://127.0.0.1:5000/cb/', 'http://127.0.0.1:5000/cb'],
    ['http://127.0.0.1:5000', 'http://127.0.0.1:5000/'],
    ['http://127.0.0.1:5000/cb?x', 'http://127.0.0.1:5000/cb'],
    ['http://127.0.0.1:5000/cb#', 'http://127.0.0.1:5000/cb'],
    ['http://127.0.0.1:1@evil.example/cb', 'http://127.0.0.1:1/cb'],
    ['http://127.0.0.1:1\\@evil.example/cb', 'http://127.0.0.1:1/cb'],
    ['http://127.0.0.1.evil.example/cb', 'http://127.0.0.1/cb'],
    ['http://127.0.0.1:5000/cb\n', 'http://127.0.0.1:5000/cb'],
    ['HTTP://127.0.0.1:5000/cb', 'http://127.0.0.1/cb'],
    ['http://2130706433:5000/cb', 'http://127.0.0.1/cb'],
    ['http://[::ffff:127.0.0.1]:5000/cb', 'http://127.0.0.1/cb'],
    ['http://127.0.0.1:123456/cb', 'http://127.0.0.1/cb'],
    ['http://127.0.0.1:/cb', 'http://127.0.0.1/cb'],
    // Everywhere else: the same text and nothing else.
    ['https://client.example.com:8443/cb', 'https://client.example.com/cb'],
    ['https://client.example.com/cb/', 'https://client.example.com/cb'],
    ['https://client.example.com/c', 'https://client.example.com/cb'],
    ['https://client.example.com/cbx', 'https://client.example.com/cb'],
    ['https://client.example.com/cb?x=1', 'https://client.example.com/cb'],
    ['https://client.example.com/cb/../x', 'https://client.example.com/cb'],
    ['https://client.example.com/cb/%2e%2e/x', 'https://client.example.com/cb/*'],
    ['https://client.example.com/cb/x', 'https://client.example.com/cb/*'],
    ['https://client.example.com./cb', 'https://client.example.com/cb'],
    ['https://CLIENT.example.com/cb', 'https://client.example.com/cb'],
    ['http://client.example.com/cb', 'https://client.example.com/cb'],
    ['cursor://anysphere.cursor-retrieval/oauth/user-y/callback', 'cursor://anysphere.cursor-retrieval/oauth/user-x/callback'],
    ['cursor://anysphere.cursor-retrieval:1/oauth', 'cursor://anysphere.cursor-retrieval/oauth'],
    ['', 'https://client.example.com/cb'],
  ])('not with %j for %s (R51, R52, T23, T27)', (uri, registered) => {
    expect(matchesRedirectUri(uri, registered)).toBe(false)
  })

  it('and never one of another scheme, host, path or query, however it is made up (R52, T23)', () => {
    const made = fc
      .tuple(
        fc.constantFrom('http', 'https', 'HTTP', 'cursor'),
        fc.constantFrom('', 'user@', '127.0.0.1@', 'localhost:1@', '127.0.0.1\\@'),
        fc.constantFrom('127.0.0.1', '[::1]', 'localhost', 'evil.example', '127.0.0.1.evil.example', '127.0.0.2', '127.1'),
        fc.constantFrom('', ':1', ':80', ':443', ':65535', ':0'),
        fc.constantFrom('', '/', '/cb', '/cb/', '/CB', '/cb?x=1', '?x=1', '/cb#f', '/a/../cb', '/%63b', '\\cb'),
      )
      .map((parts) => parts.join('').replace(/^(\w+)/, '$1://'))
    fc.assert(
      fc.property(made, made, (uri, registered) => {
        if (uri === registered || !matchesRedirectUri(uri, registered)) return
        const [one, other] = [new URL(uri), new URL(registered)]
        expect([one.protocol, one.hostname, one.pathname, one.search, one.hash]).toEqual([
          other.protocol,
          other.hostname,
          other.pathname,
          other.search,
          other.hash,
        ])
        expect(['127.0.0.1', '[::1]', 'localhost']).toContain(one.hostname)
        expect(one.protocol).toBe('http:')
      }),
      { seed: 52, numRuns: 20_000 },
    )
  })
})

describe('loopback', () => {
  it.each([
    ['http://127.0.0.1', true],
    ['http://127.0.0.1:1/cb', true],
    ['http://localhost?x=1', true],
    ['http://[::1]/', true],
    ['https://localhost/cb', false],
    ['http://localhost.evil.example/', false],
    ['http://localhost@evil.example/', false],
    ['cursor://localhost/', false],
  ])('%s: %s', (uri, expected) => {
    expect(isLoopbackUri(uri)).toBe(expected)
  })
})

describe('the redirect that carries an answer', () => {
  it.each([
    ['https://client.example.com/cb', 'https://client.example.com/cb?code=c&state=s'],
    ['https://client.example.com/cb?', 'https://client.example.com/cb?code=c&state=s'],
    ['https://client.example.com/cb?a=%2f&b', 'https://client.example.com/cb?a=%2f&b&code=c&state=s'],
    ['https://client.example.com/cb?a=1&', 'https://client.example.com/cb?a=1&code=c&state=s'],
    ['https://client.example.com/cb?a?', 'https://client.example.com/cb?a?&code=c&state=s'],
    ['https://client.example.com', 'https://client.example.com?code=c&state=s'],
    ['cursor://anysphere.cursor-retrieval/cb', 'cursor://anysphere.cursor-retrieval/cb?code=c&state=s'],
    ['com.example.app:/cb', 'com.example.app:/cb?code=c&state=s'],
  ])('to %s is %s', (uri, location) => {
    expect(redirectTo(uri, { code: 'c', state: 's' })).toBe(location)
  })

  it('leaves out what there is none of: no state was sent, none is returned', () => {
    expect(redirectTo('https://client.example.com/cb', { code: 'c', state: undefined, iss: 'https://mcp.example.com' })).toBe(
      'https://client.example.com/cb?code=c&iss=https%3A%2F%2Fmcp.example.com',
    )
  })

  it('goes to the same place, keeps its own query to the letter, and returns every member unchanged and once (R58, R59)', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 })
    const accepted = anyUri.filter((uri) => refuseRedirectUri(uri, policy) === undefined)
    fc.assert(
      fc.property(accepted, text, text, (uri, state, code) => {
        const location = redirectTo(uri, { code, state, iss: 'https://mcp.example.com/a' })
        expect(location.startsWith(uri)).toBe(true)
        expect(location).toMatch(/^[\x21-\x7e]+$/)
        const [one, other] = [new URL(location), new URL(uri)]
        expect([one.protocol, one.host, one.pathname, one.hash]).toEqual([other.protocol, other.host, other.pathname, ''])
        expect(one.search.startsWith(other.search)).toBe(true)
        expect({
          state: one.searchParams.getAll('state'),
          code: one.searchParams.getAll('code'),
          iss: one.searchParams.getAll('iss'),
        }).toEqual({
          state: [state],
          code: [code],
          iss: ['https://mcp.example.com/a'],
        })
      }),
      { seed: 58, numRuns: 1000 },
    )
  })
})

describe('where a redirect URI leads, for people (R70)', () => {
  it.each([
    ['https://claude.ai/api/mcp/auth_callback', 'claude.ai'],
    ['https://client.example.com:8443/cb', 'client.example.com:8443'],
    ['http://127.0.0.1:33418/', '127.0.0.1:33418'],
    ['cursor://anysphere.cursor-retrieval/oauth/user-x/callback', 'cursor://anysphere.cursor-retrieval'],
    ['com.example.app:/cb', 'com.example.app://'],
    ['https://xn--bcher-kva.example/cb', 'xn--bcher-kva.example'],
  ])('%s: %s', (uri, destination) => {
    expect(redirectDestination(uri)).toBe(destination)
  })
})
