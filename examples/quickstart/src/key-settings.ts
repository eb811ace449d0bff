import type { JsonWebKey } from 'node:crypto'

/** A signing key: a secret, a PEM, or a JWK. */
export type SigningKeySetting = string | JsonWebKey

/** What mends a key that cannot be used. */
const howToMend = '"npm run keygen" prints one'

/**
 * Parses `JWT_SIGNING_KEY`: what begins with `{` or `[` is a JWK or an array of them, with `-----BEGIN` a PEM, and anything
 * else secrets, separated by commas. A secret counts as its UTF-8 bytes. Empty when there is none, or when it is a problem.
 */
export function parseSigningKeys(text: string | undefined, problems: string[]): readonly SigningKeySetting[] {
  if (text === undefined) return []
  if (/^[{[]/.test(text)) return parseJwks(text, problems)
  if (text.startsWith('-----BEGIN')) return [text.replaceAll('\\n', '\n')]
  const secrets = text.split(',')
  for (const secret of secrets) {
    const length = Buffer.byteLength(secret, 'utf8')
    if (length < 32) problems.push(`JWT_SIGNING_KEY has a secret of ${length} bytes, and 32 are the least: ${howToMend}`)
  }
  return secrets
}

function parseJwks(text: string, problems: string[]): JsonWebKey[] {
  const parsed = parseJson(text)
  const keys = Array.isArray(parsed) ? parsed : [parsed]
  if (keys.length > 0 && keys.every(isJwk)) return keys
  problems.push('JWT_SIGNING_KEY begins like a JWK and is none: a private JWK as JSON, or an array of them')
  return []
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isJwk(value: unknown): value is JsonWebKey {
  return typeof value === 'object' && value !== null && 'kty' in value && typeof value.kty === 'string'
}

/** Parses `STORAGE_ENCRYPTION_KEY`: Fernet keys, separated by commas; blanks around them do not count. Empty when there is none. */
export function parseStorageKeys(text: string | undefined, problems: string[]): readonly string[] {
  if (text === undefined) return []
  const keys = text.split(',').map((key) => key.trim())
  if (!keys.every(isFernetKey)) {
    problems.push(`STORAGE_ENCRYPTION_KEY is no Fernet key, which is 32 bytes as base64url with its "=": ${howToMend}`)
  }
  return keys
}

function isFernetKey(key: string): boolean {
  return /^[A-Za-z0-9_-]{43}=$/.test(key) && `${Buffer.from(key, 'base64url').toString('base64url')}=` === key
}

/** One key for both would let whoever reads the store sign tokens. */
export function refuseSharedKeys(signing: readonly SigningKeySetting[], storage: readonly string[]): string[] {
  const shared = signing.some((key) => typeof key === 'string' && storage.includes(key))
  return shared ? ['JWT_SIGNING_KEY and STORAGE_ENCRYPTION_KEY are the same: each needs a key of its own'] : []
}
