import { describe, expect, it } from 'vitest'
import { freshFor } from './freshness.ts'

/** Thursday, 1 January 2026, noon UTC. */
const now = 1_767_268_800
const bounds = { least: 300, most: 86_400, otherwise: 3600 }

describe('an answer is fresh for as long as it says (R126)', () => {
  it.each<[Record<string, string>, number]>([
    [{}, 3600],
    [{ 'cache-control': 'max-age=600' }, 600],
    [{ 'cache-control': 'public, Max-Age="600", immutable' }, 600],
    [{ 'cache-control': 'max-age=600', age: '200' }, 400],
    [{ 'cache-control': 'max-age=600', age: 'old' }, 600],
    [{ 'cache-control': 'max-age=600', expires: 'Thu, 01 Jan 2026 18:00:00 GMT' }, 600],
    [{ expires: 'Thu, 01 Jan 2026 13:30:00 GMT' }, 5400],
    [{ 'cache-control': 'public' }, 3600],
    [{ 'cache-control': 's-maxage=900' }, 3600],
    [{ 'cache-control': 'max-age=soon' }, 3600],
  ])('%j: %i', (headers, seconds) => {
    expect(freshFor(new Headers(headers), now, bounds)).toBe(seconds)
  })

  it.each<[Record<string, string>, number]>([
    [{ 'cache-control': 'max-age=0' }, 300],
    [{ 'cache-control': 'no-store' }, 300],
    [{ 'cache-control': 'no-cache, max-age=3600' }, 300],
    [{ 'cache-control': 'max-age=600', age: '9999' }, 300],
    [{ expires: '0' }, 300],
    [{ expires: 'Thu, 01 Jan 2026 11:00:00 GMT' }, 300],
    [{ 'cache-control': 'max-age=31536000' }, 86_400],
    [{ expires: 'Thu, 01 Jan 2099 11:00:00 GMT' }, 86_400],
  ])('within our bounds: %j: %i', (headers, seconds) => {
    expect(freshFor(new Headers(headers), now, bounds)).toBe(seconds)
  })
})
