import { describe, expect, it } from 'vitest'
import { parseSigningKeys, parseStorageKeys, refuseSharedKeys } from './key-settings.ts'

function reading<Keys>(parse: (text: string | undefined, problems: string[]) => Keys, text: string | undefined) {
  const problems: string[] = []
  return { keys: parse(text, problems), problems }
}

const secret = 'A_signing_key_of_more_than_32_bytes'
const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'x', d: 'd' }
const fernet = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='

describe('JWT_SIGNING_KEY', () => {
  it('may be missing', () => expect(reading(parseSigningKeys, undefined)).toEqual({ keys: [], problems: [] }))

  it('is a JWK when it begins with {, and several when it begins with [', () => {
    expect(reading(parseSigningKeys, JSON.stringify(jwk))).toEqual({ keys: [jwk], problems: [] })
    expect(reading(parseSigningKeys, JSON.stringify([jwk, { ...jwk, kid: 'old' }]))).toEqual({
      keys: [jwk, { ...jwk, kid: 'old' }],
      problems: [],
    })
  })

  it('is refused when it begins like a JWK and is none, and is not repeated', () => {
    for (const text of ['{"kty":"oct"', '[]', '{"k":"c2VjcmV0"}', '[1]']) {
      expect(reading(parseSigningKeys, text)).toEqual({
        keys: [],
        problems: ['JWT_SIGNING_KEY begins like a JWK and is none: a private JWK as JSON, or an array of them'],
      })
    }
  })

  it('is a PEM when it begins with -----BEGIN, commas and all, its line ends written as \\n or real', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMC4C,AQAw\n-----END PRIVATE KEY-----\n'
    expect(reading(parseSigningKeys, pem)).toEqual({ keys: [pem], problems: [] })
    expect(reading(parseSigningKeys, pem.replaceAll('\n', '\\n'))).toEqual({ keys: [pem], problems: [] })
  })

  it('is a list of secrets otherwise, split on commas and taken to the letter', () => {
    expect(reading(parseSigningKeys, `${secret}, ${secret}`)).toEqual({ keys: [secret, ` ${secret}`], problems: [] })
  })

  it('counts a secret in bytes of UTF-8', () => {
    expect(reading(parseSigningKeys, 'ä'.repeat(16))).toEqual({ keys: ['ä'.repeat(16)], problems: [] })
    expect(reading(parseSigningKeys, 'a'.repeat(31)).problems).toEqual([
      'JWT_SIGNING_KEY has a secret of 31 bytes, and 32 are the least: "npm run keygen" prints one',
    ])
  })

  it('refuses an empty entry of the list', () => {
    expect(reading(parseSigningKeys, `${secret},`).problems).toEqual([
      'JWT_SIGNING_KEY has a secret of 0 bytes, and 32 are the least: "npm run keygen" prints one',
    ])
  })
})

describe('STORAGE_ENCRYPTION_KEY', () => {
  it('is a list of Fernet keys, split on commas, blanks aside', () => {
    const other = `${'A'.repeat(43)}=`
    expect(reading(parseStorageKeys, `${other}, ${fernet}`)).toEqual({ keys: [other, fernet], problems: [] })
    expect(reading(parseStorageKeys, undefined)).toEqual({ keys: [], problems: [] })
  })

  it.each([fernet.slice(0, -1), `${fernet},`, `${'A'.repeat(42)}B=`, fernet.replaceAll('-', '+'), secret])('refuses %j', (text) => {
    expect(reading(parseStorageKeys, text).problems).toEqual([
      'STORAGE_ENCRYPTION_KEY is no Fernet key, which is 32 bytes as base64url with its "=": "npm run keygen" prints one',
    ])
  })
})

describe('the two keys', () => {
  it('must differ, anywhere in the lists', () => {
    expect(refuseSharedKeys([secret, fernet], [fernet])).toEqual([
      'JWT_SIGNING_KEY and STORAGE_ENCRYPTION_KEY are the same: each needs a key of its own',
    ])
    expect(refuseSharedKeys([secret, jwk], [fernet])).toEqual([])
  })
})
