import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasForbiddenCharacter, parseParameters } from './parameters.ts'

const names = ['client_id', 'state', 'scope'] as const
const parse = (query: string) => parseParameters(new URLSearchParams(query), names)

describe('the parameters of a request (OAuth 2.1 §3.1)', () => {
  it.each([
    ['client_id=a&state=b', { values: { client_id: 'a', state: 'b' }, repeated: [] }],
    ['client_id=a&foo=1&scope%5B%5D=x', { values: { client_id: 'a' }, repeated: [] }],
    ['client_id=&state', { values: {}, repeated: [] }],
    ['', { values: {}, repeated: [] }],
    ['client_id=a&state=b&client_id=a', { values: { state: 'b' }, repeated: ['client_id'] }],
    ['client_id=&client_id=', { values: {}, repeated: ['client_id'] }],
    ['scope=x&state=b&state=c&scope=y', { values: {}, repeated: ['state', 'scope'] }],
    ['foo=1&foo=2&client_id=a', { values: { client_id: 'a' }, repeated: [] }],
    ['Client_id=a&CLIENT_ID=b', { values: {}, repeated: [] }],
    ['state=%2B%20%25&client_id=a+b', { values: { state: '+ %', client_id: 'a b' }, repeated: [] }],
  ])('%j: known ones once, unknown ignored, empty ones absent, repeated ones told (R62, T30)', (query, expected) => {
    expect(parse(query)).toEqual(expected)
  })

  it('never have a value that was sent twice', () => {
    const pair = fc.tuple(fc.constantFrom('client_id', 'state', 'scope', 'foo', '__proto__'), fc.string())
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        const search = new URLSearchParams(pairs)
        const { values, repeated } = parseParameters(search, names)
        for (const name of names) {
          const sent = search.getAll(name)
          expect(repeated.includes(name)).toBe(sent.length > 1)
          expect(values[name]).toBe(sent.length === 1 && sent[0] !== '' ? sent[0] : undefined)
        }
      }),
      { seed: 62 },
    )
  })

  it('may be a hundred thousand, and are read in no time (T79)', () => {
    const search = new URLSearchParams('a=1&'.repeat(100_000))
    const before = process.cpuUsage()
    expect(parseParameters(search, names)).toEqual({ values: {}, repeated: [] })
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000)
  })
})

describe('a character that cannot be returned in state', () => {
  it.each([
    ['abc', false],
    ['+ % & = ü 日本 🙂', false],
    ['', false],
    ['a\nb', true],
    ['a\rb', true],
    ['a\u0000b', true],
    ['a\u007fb', true],
    ['a\u0085b', true],
    ['a\ufffdb', true],
  ])('%j: %s', (text, expected) => {
    expect(hasForbiddenCharacter(text)).toBe(expected)
  })

  it('is found where the bytes of a query were no UTF-8', () => {
    expect(hasForbiddenCharacter(new URLSearchParams('state=%ff%fe').get('state') ?? '')).toBe(true)
  })
})
