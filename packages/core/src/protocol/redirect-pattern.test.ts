import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesRedirectPattern } from './redirect-pattern.ts'
import { refuseRedirectUri } from './redirect-uri.ts'

/** Whether a client may register `uri` where `pattern` is all that the operator lists. */
const isAllowed = (uri: string, pattern: string): boolean =>
  refuseRedirectUri(uri, { redirectSchemes: ['cursor'], redirectUris: [pattern] }) === undefined

describe('a pattern without a star', () => {
  it.each([
    ['https://claude.ai/api/mcp/auth_callback', 'https://claude.ai/api/mcp/auth_callback'],
    ['https://a.example', 'https://a.example/'],
    ['https://a.example/cb?x=1', 'https://a.example/cb?x=1'],
    ['cursor://anysphere.cursor-mcp/oauth/callback', 'cursor://anysphere.cursor-mcp/oauth/callback'],
    // On loopback a program listens where it can (RFC 8252 §7.3).
    ['http://127.0.0.1:5555/callback', 'http://127.0.0.1/callback'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:5555/callback'],
    ['http://localhost:1/cb', 'http://localhost:*/cb'],
    ['http://localhost/cb', 'http://localhost:*/cb'],
    ['http://[::1]:8765/cb?a=b', 'http://[::1]/cb?a=b'],
  ])('allows %s, being %s', (uri, pattern) => {
    expect(isAllowed(uri, pattern)).toBe(true)
  })

  it.each([
    ['https://claude.ai/api/mcp/auth_callback/', 'https://claude.ai/api/mcp/auth_callback'],
    ['https://claude.ai/api/mcp/auth_callback?x', 'https://claude.ai/api/mcp/auth_callback'],
    ['https://claude.ai:8443/api/mcp/auth_callback', 'https://claude.ai/api/mcp/auth_callback'],
    ['https://claude.ai/API/mcp/auth_callback', 'https://claude.ai/api/mcp/auth_callback'],
    ['https://a.example/cb?x=2', 'https://a.example/cb?x=1'],
    ['http://localhost/callback', 'http://127.0.0.1/callback'],
    ['http://127.0.0.1/other', 'http://127.0.0.1/callback'],
    ['https://127.0.0.1:5555/callback', 'https://127.0.0.1/callback'],
  ])('does not allow %s, being %s', (uri, pattern) => {
    expect(isAllowed(uri, pattern)).toBe(false)
  })
})

describe('a star (T27)', () => {
  it.each([
    ['https://a.example/cb/x', 'https://a.example/cb/*'],
    ['https://a.example/cb/0197-x_y~z.html', 'https://a.example/cb/*'],
    ['https://a.example/x/cb/y', 'https://a.example/*/cb/*'],
    ['https://a.example/aXbXc', 'https://a.example/*X*'],
    ['https://one.a.example/cb', 'https://*.a.example/cb'],
    ['https://one.two.a.example/cb', 'https://*.a.example/cb'],
    ['https://app-7.a.example/cb', 'https://app-*.a.example/cb'],
    ['https://a.example:8443/cb', 'https://a.example:*/cb'],
    ['https://a.example/cb?tenant=t1', 'https://a.example/cb?tenant=*'],
    ['cursor://anysphere.cursor-retrieval/oauth/user-7/callback', 'cursor://anysphere.cursor-retrieval/oauth/*/callback'],
  ])('allows %s by %s', (uri, pattern) => {
    expect(isAllowed(uri, pattern)).toBe(true)
  })

  it.each([
    '/cb/',
    '/cb',
    '/cb/x/y',
    '/cb//x',
    '/cb/../x',
    '/cb/..',
    '/cb/.',
    '/cb/%2e%2e/x',
    '/cb/%2E%2E',
    '/cb/.%2e',
    '/cb/x%2fy',
    '/cb/x%5cy',
    '/cb/%252e%252e',
    '/cb/..;/x',
    '/cb/..;',
    '/cb/x;y',
    '/cb/x\\y',
    '/cb/x?y',
    '/cb/x#y',
    '/cb/x@evil.example',
    '/cb/\u2025',
    '/cb/x%00',
    '//evil.example/cb/x',
    '/other/cb/x',
  ])('does not allow %s by /cb/*', (path) => {
    expect(isAllowed(`https://a.example${path}`, 'https://a.example/cb/*')).toBe(false)
  })

  it.each([
    ['https://a.example/cb', 'the domain itself'],
    ['https://a.example.evil.example/cb', 'another domain behind it'],
    ['https://evil.example/.a.example/cb', 'a path before it'],
    ['https://evil.example?.a.example/cb', 'a query before it'],
    ['https://evil.example#.a.example/cb', 'a fragment before it'],
    ['https://evil.example\\.a.example/cb', 'a backslash before it'],
    ['https://evil.example:1.a.example/cb', 'a port before it'],
    ['https://evil.example@x.a.example/cb', 'a user'],
    ['https://xa.example/cb', 'a longer name'],
    ['http://x.a.example/cb', 'another scheme'],
  ])('does not allow %s by *.a.example: %s', (uri) => {
    expect(isAllowed(uri, 'https://*.a.example/cb')).toBe(false)
  })

  it('takes one character at least, and none that means something in a URI, whatever is around it', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab./%;:?@-_~'), maxLength: 12 })
    fc.assert(
      fc.property(text, text, text, (one, taken, other) => {
        const [pattern, uri] = [`https://a.example/${one}*${other}`, `https://a.example/${one}${taken}${other}`]
        if (new URL(uri).href !== uri || new URL(pattern).href !== pattern) return
        expect(matchesRedirectPattern(uri, pattern)).toBe(/^[ab._~-]+$/.test(taken))
      }),
      { numRuns: 2000 },
    )
  })

  it('matches what a search of every possibility would match', () => {
    const pattern = fc.string({ unit: fc.constantFrom(...'ab/*'), maxLength: 8 })
    const text = fc.string({ unit: fc.constantFrom(...'ab/'), maxLength: 10 })
    fc.assert(
      fc.property(pattern, text, (asked, path) => {
        const every = new RegExp(`^https://x\\.example/${asked.replaceAll('*', '[ab]+')}$`)
        const uri = `https://x.example/${path}`
        expect(matchesRedirectPattern(uri, `https://x.example/${asked}`)).toBe(every.test(uri))
      }),
      { numRuns: 5000 },
    )
  })

  it('is no expression: what means something there is itself here', () => {
    expect(isAllowed('https://a.example/cbb', 'https://a.example/cb+')).toBe(false)
    expect(isAllowed('https://aXexample/cb', 'https://a.example/cb')).toBe(false)
    expect(isAllowed('https://a.example/(x)', 'https://a.example/(*)')).toBe(true)
  })

  it('is judged in one pass, however many there are', () => {
    const pattern = `https://a.example/${'a*'.repeat(300)}!`
    expect(matchesRedirectPattern(`https://a.example/${'a'.repeat(2000)}`, pattern)).toBe(false)
  })
})
