import { describe, expect, it } from 'vitest'
import { browserCookies, isBrowserSecret, loginSecretOf } from './browser-cookies.ts'
import { cookieJar } from './cookie.ts'

const withCookies = (cookie: string) => new Request('https://mcp.example.com/auth/callback', { headers: { cookie } })

describe('a cookie', () => {
  it('on https is for this host alone, and never without TLS (R68, T4)', () => {
    expect(cookieJar('login', true).write('secret', 900)).toBe('__Host-login=secret; Max-Age=900; Path=/; HttpOnly; Secure; SameSite=Lax')
  })

  it('on loopback http has a plain name', () => {
    expect(cookieJar('login', false).write('secret', 900)).toBe('login=secret; Max-Age=900; Path=/; HttpOnly; SameSite=Lax')
  })

  it('is read back', () => {
    for (const secure of [true, false]) {
      const jar = cookieJar('login', secure)
      const [pair = ''] = jar.write('A-Za_z0', 900).split(';')
      expect(jar.read(withCookies(pair))).toBe('A-Za_z0')
      expect(jar.read(withCookies(`other=1; ${pair} ; x=${pair}`))).toBe('A-Za_z0')
    }
  })

  it.each([
    ['a plain name, as a sibling domain can set it', 'login=evil'],
    ['another prefix', '__Secure-login=evil'],
    ['another case', '__host-login=evil'],
    ['a longer name', '__Host-login2=evil; x__Host-login=evil'],
    ['no value', '__Host-login'],
    ['none', ''],
  ])('on https is read under its own name only: %s (T4)', (_, cookie) => {
    expect(cookieJar('login', true).read(withCookies(cookie))).toBeUndefined()
  })

  it('that comes twice is read when both are the same, and not when they differ (T4)', () => {
    const jar = cookieJar('login', true)
    expect(jar.read(withCookies('__Host-login=a; __Host-login=a'))).toBe('a')
    expect(jar.read(withCookies('__Host-login=a; other=x; __Host-login=b'))).toBeUndefined()
    expect(jar.read(withCookies('__Host-login=a; __Host-login='))).toBeUndefined()
    expect(jar.read(withCookies('login=b; __Host-login=a'))).toBe('a')
  })

  it('is absent without a header', () => {
    expect(cookieJar('login', true).read(new Request('https://mcp.example.com/'))).toBeUndefined()
  })
})

describe('the cookies of a browser', () => {
  it('are two, named by a hash of the issuer, so that deployments on one host do not meet', () => {
    const one = browserCookies('https://mcp.example.com/a', true)
    const other = browserCookies('https://mcp.example.com/b', true)
    const names = [one.form, one.login, other.form, other.login].map((jar) => jar.write('x', 1).split('=')[0])
    expect(new Set(names).size).toBe(4)
    for (const name of names) expect(name).toMatch(/^__Host-drawbridge-(form|login)-[0-9a-f]{10}$/)
  })

  it('have a secret of 256 bits, base64url, and nothing else is one', () => {
    expect(isBrowserSecret('A'.repeat(43))).toBe(true)
    for (const value of [undefined, '', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}=`, `${'A'.repeat(42)}.`, `${'A'.repeat(43)}\n`])
      expect(isBrowserSecret(value)).toBe(false)
  })

  it('belong together by a key of ours: the same browser gets the same login secret, however often it approves (T8, T9)', () => {
    const key = Buffer.alloc(32, 1)
    const secret = loginSecretOf('A'.repeat(43), key)
    expect(isBrowserSecret(secret)).toBe(true)
    expect(loginSecretOf('A'.repeat(43), key)).toBe(secret)
    expect(loginSecretOf('B'.repeat(43), key)).not.toBe(secret)
    expect(loginSecretOf('A'.repeat(43), Buffer.alloc(32, 2))).not.toBe(secret)
  })
})
