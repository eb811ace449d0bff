import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BoundedCache } from './bounded-cache.ts'

describe('a bounded cache', () => {
  it('finds what it keeps, the newest value of each key', () => {
    const cache = new BoundedCache<number>(10)
    cache.keep('a', 1)
    cache.keep('b', 2)
    cache.keep('a', 3)
    expect([cache.find('a'), cache.find('b'), cache.find('c')]).toEqual([3, 2, undefined])
  })

  it('forgets at once what it is told to forget, however long it was kept', () => {
    const cache = new BoundedCache<number>(6)
    cache.keep('a', 1)
    cache.keep('b', 2)
    cache.keep('c', 3)
    cache.keep('a', 4)
    cache.forget('a')
    cache.forget('c')
    expect([cache.find('a'), cache.find('b'), cache.find('c')]).toEqual([undefined, 2, undefined])
  })

  it('keeps what is asked for, and lets the others go', () => {
    const cache = new BoundedCache<number>(10)
    cache.keep('wanted', 1)
    for (let index = 0; index < 1000; index += 1) {
      cache.keep(`other ${index}`, index)
      expect(cache.find('wanted')).toBe(1)
    }
    expect(cache.find('other 0')).toBeUndefined()
    expect(cache.find('other 999')).toBe(999)
  })

  it('holds its limit at most, and never an old value, whatever is done to it (I8)', () => {
    const act = fc.record({
      key: fc.nat({ max: 30 }).map((index) => `key ${index}`),
      does: fc.constantFrom('keep', 'find', 'forget'),
    })
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.array(act, { maxLength: 200 }), (limit, acts) => {
        const cache = new BoundedCache<number>(limit)
        const newest: Record<string, number | undefined> = {}
        for (const [value, { key, does }] of acts.entries()) {
          if (does === 'keep') cache.keep(key, value)
          if (does === 'forget') cache.forget(key)
          if (does !== 'find') newest[key] = does === 'keep' ? value : undefined
          expect([undefined, newest[key]]).toContain(cache.find(key))
        }
        const found = Object.keys(newest).filter((key) => new Set([cache.find(key)]).has(newest[key]) && newest[key] !== undefined)
        expect(found.length).toBeLessThanOrEqual(limit)
      }),
      { seed: 8 },
    )
  })
})
