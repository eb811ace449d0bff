import { describe, expect, it } from 'vitest'
import { inRounds } from './in-rounds.ts'

describe('going round', () => {
  it('comes by every item in turn, and begins anew at the end', () => {
    const some = inRounds(() => ['a', 'b', 'c', 'd', 'e'])
    expect([some(2), some(2), some(2), some(2)]).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'a'],
      ['b', 'c'],
    ])
  })

  it('comes by all of them when asked for more, from wherever it is', () => {
    const some = inRounds(() => ['a', 'b', 'c'])
    some(2)
    expect(new Set(some(100))).toEqual(new Set(['a', 'b', 'c']))
  })

  it('ends where there is nothing', () => {
    const items: string[] = []
    const some = inRounds(() => items)
    expect(some(10)).toEqual([])
    items.push('a')
    expect(some(1)).toEqual(['a'])
  })

  it('comes by what is put in while it goes round, and not by what is taken out', () => {
    const items = new Set(['a', 'b', 'c'])
    const some = inRounds(() => items)
    some(1)
    items.delete('b')
    items.add('d')
    expect(some(2)).toEqual(['c', 'd'])
  })
})
