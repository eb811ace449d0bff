import { describe, expect, it } from 'vitest'
import { parseJwkSet } from './jwk-set.ts'

const rsa = { kty: 'RSA', n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4', e: 'AQAB' }
const ec = { kty: 'EC', crv: 'P-256', x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4', y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM' }
const okp = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }

describe('a JWK set', () => {
  it('is the public keys in it, with the members that verifying needs (RFC 7517 appendix A.1, RFC 8037 appendix A.2)', () => {
    const keys = [{ ...ec, use: 'sig', kid: '1', x5t: 'dropped' }, { ...rsa, alg: 'RS256', kid: '2011-04-29' }, okp]
    expect(parseJwkSet({ keys, more: 1 })).toEqual([{ ...ec, use: 'sig', kid: '1' }, { ...rsa, alg: 'RS256', kid: '2011-04-29' }, okp])
  })

  it('may be empty, and have keys of a kind that we cannot use', () => {
    expect(parseJwkSet({ keys: [] })).toEqual([])
    expect(parseJwkSet({ keys: [{ kty: 'AKP', pub: 'abc' }, okp, { ...okp, kid: 7 }] })).toEqual([okp])
  })

  it('has no key whose signatures would take us long (T34)', () => {
    const slow = [
      { ...rsa, e: 'A'.repeat(7) },
      { ...rsa, n: 'A'.repeat(1367) },
    ]
    const fine = { ...rsa, n: 'A'.repeat(1366), e: 'A'.repeat(6) }
    expect(parseJwkSet({ keys: [...slow, fine] })).toEqual([fine])
  })

  it.each<[string, unknown]>([
    ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'].map((member): [string, unknown] => [
      `the private member ${member}`,
      { keys: [okp, { ...rsa, [member]: 'AQ' }] },
    ]),
    ['a secret', { keys: [okp, { kty: 'oct', k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T' }] }],
    ['a secret of another kind', { keys: [{ kty: 'other', k: 'AQ' }] }],
    ['no list', { keys: okp }],
    ['no keys', {}],
    ['a key without a kind', { keys: [{ n: 'AQ' }] }],
    ['no object', [okp]],
    ['nothing', null],
    ['more keys than anybody has', { keys: Array.from({ length: 101 }, () => okp) }],
  ])('is none with %s (T35)', (_, json) => {
    expect(parseJwkSet(json)).toBeUndefined()
  })
})
