import { describe, expect, it } from 'vitest'
import { leaseShape, releaseLease } from './lease.ts'

describe('a lease', () => {
  const lease = { holder: 'holder-1', endsAt: 1_767_268_815 }

  it('is given back by its holder', () => {
    expect(releaseLease(lease, 'holder-1')).toEqual({ next: 'gone', answer: undefined })
  })

  it('is not given back by whoever held it before: another one holds it now', () => {
    expect(releaseLease({ ...lease, holder: 'holder-2' }, 'holder-1')).toEqual({ answer: undefined })
  })

  it('that has ended by itself is nothing to give back', () => {
    expect(releaseLease(undefined, 'holder-1')).toEqual({ answer: undefined })
  })

  it('keeps fields it does not know', () => {
    expect(leaseShape.parse({ ...lease, host: 'a' })).toEqual({ ...lease, host: 'a' })
    expect(leaseShape.safeParse({ endsAt: 1 }).success).toBe(false)
  })
})
