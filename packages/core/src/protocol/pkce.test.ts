import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { challengeOf, isChallenge, isVerifier, matchesChallenge } from './pkce.ts'

// RFC 7636, appendix B.
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

const unreserved = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'
const verifiers = fc.string({ unit: fc.constantFrom(...unreserved), minLength: 43, maxLength: 128 })

describe('the challenge of a verifier', () => {
  it('is the one of RFC 7636, appendix B', () => {
    expect(challengeOf(verifier)).toBe(challenge)
    expect(matchesChallenge(verifier, challenge)).toBe(true)
  })

  it('matches its own verifier and no other one', () => {
    fc.assert(
      fc.property(verifiers, verifiers, (one, other) => {
        expect(matchesChallenge(one, challengeOf(one))).toBe(true)
        expect(matchesChallenge(other, challengeOf(one))).toBe(one === other)
      }),
      { seed: 7636 },
    )
  })

  it('is never the verifier itself: plain is not accepted (R57, T19)', () => {
    expect(matchesChallenge(challenge, challenge)).toBe(false)
  })

  it.each([
    ['another case', challenge.toLowerCase()],
    ['padded', `${challenge}=`],
    ['cut', challenge.slice(0, -1)],
    ['empty', ''],
  ])('does not match when it is %s', (_, other) => {
    expect(matchesChallenge(verifier, other)).toBe(false)
  })
})

describe('a verifier has 43 to 128 unreserved characters (RFC 7636 §4.1)', () => {
  it.each([
    ['a'.repeat(43), true],
    ['a'.repeat(128), true],
    [`${unreserved}`, true],
    ['a'.repeat(42), false],
    ['a'.repeat(129), false],
    ['', false],
    [`${'a'.repeat(43)}+`, false],
    [`${'a'.repeat(43)}\n`, false],
    [`${'a'.repeat(43)} `, false],
    ['ä'.repeat(43), false],
  ])('%j: %s', (text, expected) => {
    expect(isVerifier(text)).toBe(expected)
  })

  it('and one that is too short matches not even its own challenge', () => {
    const short = 'a'.repeat(42)
    expect(matchesChallenge(short, challengeOf(short))).toBe(false)
  })
})

describe('a challenge has 43 characters of base64url, as S256 makes them (RFC 7636 §4.2)', () => {
  it('whatever the verifier', () => {
    fc.assert(
      fc.property(verifiers, (text) => isChallenge(challengeOf(text))),
      { seed: 7636 },
    )
  })

  it.each([
    [challenge, true],
    [challenge.slice(1), false],
    [`${challenge}A`, false],
    [`${challenge.slice(1)}=`, false],
    [`${challenge.slice(1)}+`, false],
    [`${challenge.slice(1)}.`, false],
    [`${challenge}\n`, false],
    ['', false],
  ])('%j: %s', (text, expected) => {
    expect(isChallenge(text)).toBe(expected)
  })
})
