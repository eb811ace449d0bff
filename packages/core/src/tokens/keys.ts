import { createHash, createHmac, createPrivateKey, createPublicKey, createSecretKey, KeyObject } from 'node:crypto'
import type { JWK } from 'jose'

/** A key that signs our access tokens: a secret of at least 32 bytes (HS256), or a private key as JWK, PEM or object. */
export type SigningKeyInput = string | Uint8Array | JWK | CryptoKey | KeyObject

/** The algorithms we sign with (RFC 7518 §3.1, RFC 8037 §3.1); the kind of key decides. */
export type SigningAlgorithm = 'HS256' | 'ES256' | 'EdDSA' | 'RS256' | 'PS256'

/** A signing key, parsed once and kept as key objects, which is what makes it fast. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly sign: KeyObject
  readonly verify: KeyObject
  /** What the JWKS publishes; absent for a secret (RFC 7517 §4). */
  readonly publicJwk?: JWK
}

const howToMend = 'run "npm run keygen", or: node -e "console.log(require(\'crypto\').randomBytes(48).toString(\'base64url\'))"'

/** Parses one key. Throws a `TypeError` whose message says what is wrong and what mends it; it never holds the key. */
export function parseSigningKey(input: SigningKeyInput): SigningKey {
  if (typeof input === 'string' && !input.trimStart().startsWith('-----BEGIN')) return secretKey(Buffer.from(input, 'utf8'))
  if (input instanceof Uint8Array) return secretKey(Buffer.from(input))
  if (input instanceof KeyObject) return input.type === 'secret' ? secretKey(input.export()) : privateKey(input, {})
  if (typeof input === 'string')
    return privateKey(
      importPrivate(() => createPrivateKey(input)),
      {},
    )
  if (input instanceof CryptoKey) {
    // What a CryptoKey is for is not in the key itself.
    const key = KeyObject.from(input)
    return input.algorithm.name === 'RSA-PSS' ? privateKey(key, { alg: 'PS256' }) : parseSigningKey(key)
  }
  return privateKey(
    importPrivate(() => createPrivateKey({ key: input, format: 'jwk' })),
    input,
  )
}

function importPrivate(read: () => KeyObject): KeyObject {
  try {
    return read()
  } catch {
    throw new TypeError('is not a private key that can be read: give the private half, as PKCS #8 PEM or as a JWK with "d"')
  }
}

/** A secret that can be a key. Throws a `TypeError` whose message says what is wrong and what mends it; it never holds the secret. */
export function parseSecret(input: string | Uint8Array): KeyObject {
  const secret = Buffer.from(input)
  if (secret.byteLength < 32) throw new TypeError(`is shorter than 32 bytes (it has ${secret.byteLength}): ${howToMend}`)
  if (isObvious(secret)) throw new TypeError(`can be guessed: ${howToMend}`)
  return createSecretKey(secret)
}

function secretKey(secret: Uint8Array): SigningKey {
  const key = parseSecret(secret)
  const kid = createHmac('sha256', key).update('drawbridge kid').digest('base64url').slice(0, 16)
  return { kid, algorithm: 'HS256', sign: key, verify: key }
}

// Few different bytes, or a short piece repeated: what people type when they are asked for 32 characters.
function isObvious(secret: Buffer): boolean {
  if (new Set(secret).size < 10) return true
  for (let period = 1; period <= secret.byteLength / 2; period += 1) {
    if (secret.subarray(period).equals(secret.subarray(0, -period))) return true
  }
  return /change.?me|your.?secret|example|password/i.test(secret.toString('latin1'))
}

function privateKey(given: KeyObject, jwk: Pick<JWK, 'kid' | 'alg'>): SigningKey {
  if (given.type !== 'private') throw new TypeError('is a public key: give the private one')
  const algorithm = algorithmOf(given, jwk)
  const key = given.asymmetricKeyType === 'rsa-pss' ? plainRsa(given) : given
  const verify = createPublicKey(key)
  const kid =
    jwk.kid ??
    createHash('sha256')
      .update(verify.export({ type: 'spki', format: 'der' }))
      .digest('base64url')
      .slice(0, 16)
  if (!isKid(kid)) throw new TypeError('has a "kid" with other characters than A-Z a-z 0-9 _ -, or more than 64')
  return { kid, algorithm, sign: key, verify, publicJwk: { ...verify.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' } }
}

// Node writes no JWK of an RSA-PSS key, so the plain RSA key inside is used: it begins with version 0 and a long modulus (RFC 8017 §A.1.2).
function plainRsa(key: KeyObject): KeyObject {
  const der = key.export({ type: 'pkcs8', format: 'der' })
  const start = der.indexOf(Buffer.from('0201000282', 'hex')) - 4
  return importPrivate(() => createPrivateKey({ key: der.subarray(start), format: 'der', type: 'pkcs1' }))
}

/** Whether `kid` can be one of ours; anything else in a token's header is not even looked up (threat T65). */
export function isKid(kid: unknown): kid is string {
  return typeof kid === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(kid)
}

function algorithmOf(key: KeyObject, jwk: Pick<JWK, 'alg'>): SigningAlgorithm {
  const { namedCurve, modulusLength = 0, hashAlgorithm = 'sha256' } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256'
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss') {
    if (modulusLength < 2048) throw new TypeError('is an RSA key of less than 2048 bits: make a longer one')
    if (hashAlgorithm !== 'sha256') throw new TypeError(`is an RSA-PSS key for ${hashAlgorithm} alone: make one without that limit`)
    return key.asymmetricKeyType === 'rsa-pss' || jwk.alg === 'PS256' ? 'PS256' : 'RS256'
  }
  throw new TypeError('is of a kind that is not used here: P-256 (ES256), Ed25519 (EdDSA) or RSA (RS256, PS256)')
}
