import { describe, expect, it } from 'vitest'
import { openCookieJar } from './cookie-jar.ts'

const setting = (...lines: string[]) => new Response(null, { headers: lines.map((line) => ['set-cookie', line] as [string, string]) })
const get = (url: string) => ({ url, method: 'GET', site: 'none' as const })

describe('the cookie jar', () => {
  it('sends a cookie to its host on any port, and to no other host', () => {
    const jar = openCookieJar()
    jar.keep('http://localhost:8000/', setting('a=1; Path=/', 'b=2; Path=/; HttpOnly'))
    expect(jar.header(get('http://localhost:9000/x'))).toBe('a=1; b=2')
    expect(jar.header(get('http://127.0.0.1:8000/'))).toBeUndefined()
    expect(jar.names('http://localhost:1/')).toEqual(['a', 'b'])
  })

  it('sends a cookie below its path only, by default that of the page', () => {
    const jar = openCookieJar()
    jar.keep('http://localhost/api/consent', setting('a=1', 'b=2; Path=/api/con'))
    expect(jar.header(get('http://localhost/api/authorize'))).toBe('a=1')
    expect(jar.header(get('http://localhost/api'))).toBe('a=1')
    expect(jar.header(get('http://localhost/apis'))).toBeUndefined()
    expect(jar.header(get('http://localhost/api/consent'))).toBe('a=1')
  })

  it('replaces a cookie of the same name, and forgets one that has ended', () => {
    let moment = 1_000
    const jar = openCookieJar(() => moment)
    jar.keep('http://localhost/', setting('a=1; Path=/', 'b=1; Path=/; Max-Age=10', 'c=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:05 GMT'))
    jar.keep('http://localhost/', setting('a=2=3; Path=/'))
    expect(jar.header(get('http://localhost/'))).toBe('b=1; c=1; a=2=3')
    moment = 6_000
    expect(jar.header(get('http://localhost/'))).toBe('b=1; a=2=3')
    jar.keep('http://localhost/', setting('a=; Path=/; Max-Age=0'))
    expect(jar.header(get('http://localhost/'))).toBe('b=1')
  })

  it('takes and sends Secure cookies over https only', () => {
    const jar = openCookieJar()
    jar.keep('http://localhost/', setting('plain=1; Path=/; Secure'))
    jar.keep('https://localhost/', setting('__Host-a=1; Path=/; Secure', '__Host-b=1; Path=/', '__Host-c=1; Path=/api; Secure'))
    expect(jar.header(get('https://localhost/'))).toBe('__Host-a=1')
    expect(jar.header(get('http://localhost/'))).toBeUndefined()
  })

  it('sends Lax along with another site’s redirect and not with its form; Strict with neither', () => {
    const jar = openCookieJar()
    jar.keep('http://localhost/', setting('lax=1; Path=/', 'strict=1; Path=/; SameSite=Strict', 'none=1; Path=/; SameSite=None'))
    const url = 'http://localhost/auth/callback'
    expect(jar.header({ url, method: 'GET', site: 'cross-site' })).toBe('lax=1; none=1')
    expect(jar.header({ url, method: 'POST', site: 'cross-site' })).toBe('none=1')
    expect(jar.header({ url, method: 'POST', site: 'same-origin' })).toBe('lax=1; strict=1; none=1')
  })
})
