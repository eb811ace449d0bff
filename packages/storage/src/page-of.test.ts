import { describe, expect, it } from 'vitest'
import { pageOf } from './page-of.ts'

describe('a page', () => {
  it('is in order, and tells where to go on, except the last', () => {
    const members = ['d', 'b', 'a', 'e', 'c']
    expect(pageOf(members, undefined, 2)).toEqual({ members: ['a', 'b'], next: 'b' })
    expect(pageOf(members, 'b', 2)).toEqual({ members: ['c', 'd'], next: 'd' })
    expect(pageOf(members, 'd', 2)).toEqual({ members: ['e'] })
    expect(pageOf(members, undefined, 5)).toEqual({ members: ['a', 'b', 'c', 'd', 'e'] })
  })

  it('goes on from a member that is gone', () => {
    expect(pageOf(['a', 'c', 'd'], 'b', 1)).toEqual({ members: ['c'], next: 'c' })
    expect(pageOf([], 'b', 1)).toEqual({ members: [] })
  })
})
