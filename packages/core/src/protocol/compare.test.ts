import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashSecret, isSameSecret } from './compare.ts'

describe('two secrets are the same', () => {
  it('exactly when their text is (T20)', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(isSameSecret(one, other)).toBe(one === other)
        expect(isSameSecret(one, one)).toBe(true)
      }),
      { seed: 20 },
    )
  })

  it('whatever their lengths, without an error that tells', () => {
    expect(isSameSecret('', 'a'.repeat(10_000))).toBe(false)
    expect(isSameSecret('', '')).toBe(true)
  })
})

it('a secret is kept as the SHA-256 of its text, base64url (FIPS 180-4: "abc")', () => {
  expect(hashSecret('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
})
