import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { exportJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { isKid, parseSigningKey, type SigningKeyInput } from './keys.ts'

const howToMend = 'run "npm run keygen", or: node -e "console.log(require(\'crypto\').randomBytes(48).toString(\'base64url\'))"'
const secret = 'vK3n8qTzL0xWm5bYcR7dPfJ2hSgA9uEe'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }))

describe('a secret', () => {
  it('signs by HS256, has a kid that tells nothing of it, and is not published (R98)', () => {
    const { sign, verify, ...key } = parseSigningKey(secret)
    expect(key).toEqual({ kid: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/), algorithm: 'HS256' })
    expect(sign.export().toString()).toBe(secret)
    expect(verify).toBe(sign)
  })

  it('is the same key as text, as bytes and as an object', () => {
    const kids = [secret, Buffer.from(secret), new Uint8Array(Buffer.from(secret)), createSecretKey(Buffer.from(secret))].map(
      (input) => parseSigningKey(input).kid,
    )
    expect(new Set(kids).size).toBe(1)
    expect(parseSigningKey(`${secret}x`).kid).not.toBe(kids[0])
  })

  it.each<[string, SigningKeyInput, string]>([
    ['5 bytes', 'short', `is shorter than 32 bytes (it has 5): ${howToMend}`],
    ['31 bytes', secret.slice(1), `is shorter than 32 bytes (it has 31): ${howToMend}`],
    ['31 bytes, not as text', Buffer.alloc(31, secret), `is shorter than 32 bytes (it has 31): ${howToMend}`],
    ['16 characters of 2 bytes each are 32 bytes, and too few to be random', 'ä'.repeat(16), `can be guessed: ${howToMend}`],
    ['one character', 'a'.repeat(64), `can be guessed: ${howToMend}`],
    ['few characters in no order', 'aabbbabaababbbaabaabbabbabbaababab', `can be guessed: ${howToMend}`],
    ['zeros', new Uint8Array(32), `can be guessed: ${howToMend}`],
    ['a short piece, repeated', '0123456789ab'.repeat(4), `can be guessed: ${howToMend}`],
    ['a long piece, twice', secret.slice(0, 20) + secret.slice(0, 20), `can be guessed: ${howToMend}`],
    ['changeme, and more of it', 'changeme-changeme-0123456789-abcdefghij', `can be guessed: ${howToMend}`],
    ['the example of some page', 'this-is-an-example-of-a-signing-secret', `can be guessed: ${howToMend}`],
    ['a password', 'MyPassword-0123456789-qwertzuiop-!', `can be guessed: ${howToMend}`],
    ['a placeholder', 'your-secret-goes-here-0123456789-xyz', `can be guessed: ${howToMend}`],
  ])('is refused with what mends it: %s (T66, T101)', (_, input, message) => {
    expect(() => parseSigningKey(input)).toThrow(new TypeError(message))
  })

  it('of 32 bytes is long enough, whatever they are', () => {
    expect(parseSigningKey(secret).algorithm).toBe('HS256')
    expect(parseSigningKey(Buffer.from('6f8a1b2c3d4e5f60718293a4b5c6d7e8f9010213243546576879808a9babbccd', 'hex')).algorithm).toBe('HS256')
  })

  it('is never in the message (T98)', () => {
    for (const input of ['a-canary-of-30-bytes-0123456789', 'password-canary-0123456789-abcdefghij']) {
      try {
        parseSigningKey(input)
        expect.unreachable()
      } catch (error) {
        expect(String(error)).not.toContain('canary')
      }
    }
  })
})

describe('a private key', () => {
  it.each([
    ['ES256', ec],
    ['EdDSA', ed],
    ['RS256', rsa],
  ] as const)(
    'signs by %s, as PEM, as JWK, as a KeyObject: one kid, and its public half is published (R14, R98)',
    async (algorithm, pair) => {
      const jwk = await exportJWK(pair.privateKey)
      const { kty, crv, x, y, n, e } = await exportJWK(pair.publicKey)
      const keys = [pair.privateKey, pem(pair.privateKey), `\n${pem(pair.privateKey)}`, jwk].map((input) => parseSigningKey(input))
      const [first] = keys
      for (const key of keys) {
        expect({ ...key, sign: key.sign.type, verify: key.verify.type }).toEqual({
          kid: first?.kid,
          algorithm,
          sign: 'private',
          verify: 'public',
          publicJwk: JSON.parse(JSON.stringify({ kty, crv, x, y, n, e, kid: first?.kid, alg: algorithm, use: 'sig' })),
        })
      }
      expect(first?.kid).toMatch(/^[A-Za-z0-9_-]{16}$/)
    },
  )

  it('never has its private half in what is published (T98)', async () => {
    for (const pair of [ec, ed, rsa]) {
      const published = parseSigningKey(await exportJWK(pair.privateKey)).publicJwk
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(published).not.toHaveProperty(member)
    }
  })

  it('signs by PS256 when it says so', async () => {
    expect(parseSigningKey({ ...(await exportJWK(rsa.privateKey)), alg: 'PS256' })).toMatchObject({
      algorithm: 'PS256',
      publicJwk: { kty: 'RSA', alg: 'PS256' },
    })
    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
    expect(parseSigningKey(pss.privateKey)).toMatchObject({ algorithm: 'PS256', publicJwk: { kty: 'RSA', alg: 'PS256' } })
    expect(parseSigningKey(pem(pss.privateKey)).algorithm).toBe('PS256')
  })

  it.each([
    ['ES256', { name: 'ECDSA', namedCurve: 'P-256' }],
    ['EdDSA', { name: 'Ed25519' }],
    ['RS256', { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }],
    ['PS256', { name: 'RSA-PSS', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }],
  ])('signs by %s as a CryptoKey', async (algorithm, parameters) => {
    const pair = await crypto.subtle.generateKey(parameters, true, ['sign', 'verify'])
    if (!('privateKey' in pair)) return expect.unreachable()
    expect(parseSigningKey(pair.privateKey).algorithm).toBe(algorithm)
    expect(() => parseSigningKey(pair.publicKey)).toThrow('is a public key: give the private one')
  })

  it('keeps a kid of its own', async () => {
    const key = parseSigningKey({ ...(await exportJWK(ec.privateKey)), kid: '2026-01_a' })
    expect([key.kid, key.publicJwk?.kid]).toEqual(['2026-01_a', '2026-01_a'])
  })

  it.each(['', 'a b', '../../dev/null', 'a'.repeat(65), 'kid*', 'ä'])('with the kid %j is refused (T65)', async (kid) => {
    const jwk = { ...(await exportJWK(ec.privateKey)), kid }
    expect(() => parseSigningKey(jwk)).toThrow('has a "kid" with other characters than A-Z a-z 0-9 _ -, or more than 64')
  })
})

describe('a key is refused with what is wrong (T66)', () => {
  const unreadable = 'is not a private key that can be read: give the private half, as PKCS #8 PEM or as a JWK with "d"'

  it.each<[string, () => Promise<SigningKeyInput>, string]>([
    ['a public KeyObject', async () => ec.publicKey, 'is a public key: give the private one'],
    ['a public PEM', async () => String(rsa.publicKey.export({ type: 'spki', format: 'pem' })), unreadable],
    ['a public JWK', async () => exportJWK(ed.publicKey), unreadable],
    ['a secret JWK', async () => ({ kty: 'oct', k: 'c2VjcmV0' }), unreadable],
    ['an empty JWK', async () => ({}), unreadable],
    ['a broken PEM', async () => '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', unreadable],
    [
      'an encrypted PEM',
      async () => String(ec.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })),
      unreadable,
    ],
    [
      'RSA of 1024 bits',
      async () => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
      'is an RSA key of less than 2048 bits: make a longer one',
    ],
    [
      'P-384',
      async () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
      'is of a kind that is not used here: P-256 (ES256), Ed25519 (EdDSA) or RSA (RS256, PS256)',
    ],
    [
      'X25519, which cannot sign',
      async () => generateKeyPairSync('x25519').privateKey,
      'is of a kind that is not used here: P-256 (ES256), Ed25519 (EdDSA) or RSA (RS256, PS256)',
    ],
    [
      'RSA-PSS for another hash',
      async () => generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: 'sha512' }).privateKey,
      'is an RSA-PSS key for sha512 alone: make one without that limit',
    ],
  ])('%s', async (_, input, message) => {
    const given = await input()
    expect(() => parseSigningKey(given)).toThrow(new TypeError(message))
  })
})

describe('a kid of ours', () => {
  it.each([
    ['a', true],
    ['A-Za-z0-9_', true],
    ['a'.repeat(64), true],
    ['a'.repeat(65), false],
    ['', false],
    ['a.b', false],
    ['a\n', false],
    [undefined, false],
    [7, false],
    [['a'], false],
    [{ toString: () => 'a' }, false],
  ])('%j: %s (T65)', (kid, expected) => {
    expect(isKid(kid)).toBe(expected)
  })
})
