import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expandScopes, findScopeCycle, type IncludedScopes } from './scope-hierarchy.ts'

describe('expanding (R32)', () => {
  const table = { admin: ['write', 'audit'], write: ['read'] }

  it.each<[readonly string[], readonly string[]]>([
    [[], []],
    [['read'], ['read']],
    [['write'], ['write', 'read']],
    [
      ['x', 'admin'],
      ['x', 'admin', 'write', 'read', 'audit'],
    ],
    [
      ['read', 'write', 'read'],
      ['read', 'write'],
    ],
    [['ADMIN'], ['ADMIN']],
    [['constructor'], ['constructor']],
    [['__proto__'], ['__proto__']],
  ])('of %j gives %j: at any depth, each once, whole names only', (scopes, expanded) => {
    expect(expandScopes(table)(scopes)).toEqual(expanded)
  })

  it('goes through all tables together', () => {
    expect(expandScopes({ admin: ['user'] }, { user: ['read:user'] }, { admin: ['x'] })(['admin'])).toEqual([
      'admin',
      'user',
      'read:user',
      'x',
    ])
  })

  it('without a table changes nothing', () => {
    expect(expandScopes()(['b', 'a'])).toEqual(['b', 'a'])
  })

  it('never takes one away, and twice is like once', () => {
    const scope = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const tables = fc.dictionary(scope, fc.array(scope))
    fc.assert(
      fc.property(tables, fc.array(scope), (included: IncludedScopes, scopes) => {
        const expand = expandScopes(included)
        const expanded = expand(scopes)
        expect(scopes.every((one) => expanded.includes(one))).toBe(true)
        expect(new Set(expand(expanded))).toEqual(new Set(expanded))
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('a cycle', () => {
  it.each<[string, IncludedScopes[], string | undefined]>([
    ['none', [{ admin: ['write', 'read'], write: ['read'] }], undefined],
    ['of one', [{ a: ['a'] }], 'a'],
    ['of three', [{ a: ['b'], b: ['c'], c: ['a'] }], 'a'],
    ['of two tables', [{ user: ['read:user'] }, { 'read:user': ['user'] }], 'user'],
    ['behind one that is in none', [{ z: ['a'], a: ['b'], b: ['a'] }], 'a'],
  ])('%s', (_, tables, cycle) => {
    expect(findScopeCycle(...tables)).toBe(cycle)
  })
})
