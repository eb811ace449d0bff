import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { ConfigurationError, type Environment, type Seconds, systemEnvironment, type UnixSeconds } from '@drawbridge/core'
import type { Cipher } from './cipher.ts'
import type { StoreOptions } from './store-options.ts'

/** A Fernet key, as key objects: node:crypto is several times slower with the bytes themselves. */
interface FernetKey {
  readonly signing: KeyObject
  readonly encryption: KeyObject
}

/** What decides about the age of a token. Without it, age is not looked at. */
export interface FernetAge {
  readonly ttl: Seconds
  readonly now: UnixSeconds
}

/** Characters of a token, at most. Far above any record; a longer one is not even decoded, and never made (threat T93). */
const longest = 1024 * 1024

/** A token from a clock that is ahead of ours by more than this is refused where its age is looked at (Fernet specification). */
const clockSkew: Seconds = 60

/** Not a token of these keys. One error for every reason, so that nobody learns which check failed. */
export class FernetError extends Error {
  override readonly name = 'FernetError'

  constructor() {
    super('not a Fernet token of these keys')
  }
}

/**
 * The cipher of the Fernet format, version 0x80: AES-128-CBC and HMAC-SHA256, readable by Python's cryptography and by npm's
 * fernet. `keys` is one key or a list, in an array or separated by commas: the first seals, all open. Throws
 * `ConfigurationError` for a key that is not 32 bytes of base64url.
 * @see https://github.com/fernet/spec/blob/master/Spec.md
 */
export function fernet(keys: string | readonly string[], { environment = systemEnvironment() }: StoreOptions = {}): Cipher {
  const texts = typeof keys === 'string' ? keys.split(',') : keys
  const [first, ...others] = parseKeys(texts)
  return {
    seal: (text) => sealFernet(first, text, environment.now(), environment.randomBytes(16)),
    open(sealed) {
      const parts = parseToken(sealed)
      const key = [first, ...others].find((candidate) => isSealedBy(candidate, parts))
      if (!key) throw new FernetError()
      return { text: decrypt(key, parts), current: key === first }
    },
  }
}

/** Makes a key, as Python's `Fernet.generate_key()` prints it. */
export function createFernetKey(environment: Environment = systemEnvironment()): string {
  return toFernetText(Buffer.from(environment.randomBytes(32)))
}

/** Seals `text` under one key at a moment, with 16 random bytes that are never used twice. Throws `RangeError` above some 780,000 bytes. */
export function sealFernet(key: FernetKey, text: string, now: UnixSeconds, iv: Uint8Array): string {
  const cipher = createCipheriv('aes-128-cbc', key.encryption, iv)
  const head = Buffer.alloc(9)
  head.writeUInt8(0x80)
  head.writeBigUInt64BE(BigInt(now), 1)
  const signed = Buffer.concat([head, iv, cipher.update(text, 'utf8'), cipher.final()])
  const token = toFernetText(Buffer.concat([signed, macOf(key, signed)]))
  if (token.length > longest) throw new RangeError('the text is too long to be opened again')
  return token
}

/** Opens a token of one key. Throws `FernetError`, also for one that is older than `age` allows or from the future. */
export function openFernet(key: FernetKey, token: string, age?: FernetAge): string {
  const parts = parseToken(token)
  if (age && (parts.sealedAt + age.ttl < age.now || parts.sealedAt > age.now + clockSkew)) throw new FernetError()
  if (!isSealedBy(key, parts)) throw new FernetError()
  return decrypt(key, parts)
}

/** A key from its text. Throws `ConfigurationError`. */
export function parseFernetKey(text: string): FernetKey {
  return parseKeys([text])[0]
}

function parseKeys(texts: readonly string[]): [FernetKey, ...FernetKey[]] {
  const mend = '"npm run keygen" prints one, and so does Fernet.generate_key() in Python'
  const bytes = texts.map((text) => fromFernetText(text.trim()))
  const problems = bytes.flatMap((key, index) => {
    const which = texts.length > 1 ? ` ${index + 1}` : ''
    return key?.byteLength === 32 ? [] : [`the storage key${which} is not 32 bytes of base64url, as Fernet keys are: ${mend}`]
  })
  const [first, ...others] = bytes.flatMap((key) => (key?.byteLength === 32 ? [toFernetKey(key)] : []))
  if (problems.length > 0) throw new ConfigurationError(problems)
  if (!first) throw new ConfigurationError([`the storage key is missing: ${mend}`])
  return [first, ...others]
}

function toFernetKey(bytes: Buffer): FernetKey {
  return { signing: createSecretKey(bytes.subarray(0, 16)), encryption: createSecretKey(bytes.subarray(16)) }
}

interface TokenParts {
  readonly sealedAt: UnixSeconds
  readonly iv: Buffer
  readonly ciphertext: Buffer
  readonly signed: Buffer
  readonly mac: Buffer
}

function parseToken(token: string): TokenParts {
  const bytes = token.length > longest ? undefined : fromFernetText(token)
  // Version, time, iv, one block at least, mac.
  if (!bytes || bytes.byteLength < 1 + 8 + 16 + 16 + 32 || bytes[0] !== 0x80) throw new FernetError()
  const signed = bytes.subarray(0, -32)
  return {
    sealedAt: Number(bytes.readBigUInt64BE(1)),
    iv: bytes.subarray(9, 25),
    ciphertext: signed.subarray(25),
    signed,
    mac: bytes.subarray(-32),
  }
}

function isSealedBy(key: FernetKey, { signed, mac }: TokenParts): boolean {
  return timingSafeEqual(macOf(key, signed), mac)
}

function macOf({ signing }: FernetKey, signed: Buffer): Buffer {
  return createHmac('sha256', signing).update(signed).digest()
}

function decrypt({ encryption }: FernetKey, { iv, ciphertext }: TokenParts): string {
  try {
    const decipher = createDecipheriv('aes-128-cbc', encryption, iv)
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8')
  } catch {
    throw new FernetError()
  }
}

function toFernetText(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

// Only the one spelling of the bytes: padded, and without characters that a lenient decoder would skip.
function fromFernetText(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return toFernetText(bytes) === text ? bytes : undefined
}
