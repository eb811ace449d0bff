import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coversScopes, formatScope, isScope, narrowScopes, parseScope } from './scope.ts'

describe('a scope parameter (RFC 6749 §3.3)', () => {
  it.each<[string, readonly string[]]>([
    ['read', ['read']],
    ['read write', ['read', 'write']],
    ['write read', ['write', 'read']],
    ['', []],
    ['   ', []],
    ['  read   write ', ['read', 'write']],
    ['read read write read', ['read', 'write']],
    ['Read read', ['Read', 'read']],
    ['read,write', ['read,write']],
    ['https://example.com/scopes/a.b?c#d user:email', ['https://example.com/scopes/a.b?c#d', 'user:email']],
  ])('%j is %j: in order, each once (T67)', (text, scopes) => {
    expect(parseScope(text)).toEqual(scopes)
  })

  it.each(['a"b', 'a\\b', 'a\nb', 'a\tb', 'a\u00a0b', 'ä', 'a\u007f', 'read "write'])(
    '%j is none: characters no scope has (T67)',
    (text) => {
      expect(parseScope(text)).toBeUndefined()
    },
  )

  it('is what formatting its scopes gives back', () => {
    const scopes = fc.uniqueArray(fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,20}$/), { maxLength: 10 })
    fc.assert(
      fc.property(scopes, (some) => {
        expect(parseScope(formatScope(some))).toEqual(some)
      }),
      { seed: 6749 },
    )
  })

  it('of a megabyte is read in no time (T79)', () => {
    const before = process.cpuUsage()
    expect(parseScope('a '.repeat(500_000))).toEqual(['a'])
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000)
  })
})

describe('one scope', () => {
  it.each([
    ['read', true],
    ['!', true],
    ['~', true],
    ['', false],
    ['a b', false],
    ['"', false],
    ['\\', false],
    ['a\n', false],
  ])('%j: %s', (text, expected) => {
    expect(isScope(text)).toBe(expected)
  })
})

describe('narrowing', () => {
  it('keeps what both have, in the order asked, and never adds (T67)', () => {
    expect(narrowScopes(['c', 'a', 'x'], ['a', 'b', 'c'])).toEqual(['c', 'a'])
    expect(narrowScopes([], ['a'])).toEqual([])
    expect(narrowScopes(['a'], [])).toEqual([])
  })
})

describe('granted scopes cover needed ones', () => {
  it.each<[readonly string[], readonly string[], boolean]>([
    [['admin', 'read'], ['admin'], true],
    [['read', 'write'], ['write', 'read'], true],
    [['read'], [], true],
    [[], [], true],
    [['admin_readonly'], ['admin'], false],
    [['readadmin'], ['admin'], false],
    [['admin'], ['admin_readonly'], false],
    [['ADMIN'], ['admin'], false],
    [['read'], ['read', 'write'], false],
    [['read write'], ['read'], false],
    [[], ['read'], false],
  ])('%j for %j: %s: whole, never by a part (T68)', (granted, needed, expected) => {
    expect(coversScopes(granted, needed)).toBe(expected)
  })
})
