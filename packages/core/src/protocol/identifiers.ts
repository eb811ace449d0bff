import type { UnixSeconds } from './time.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** An id that begins with its time, so that a missing record can be told from a lost one (RFC 9562 §5.7, UUIDv7). `random` has 10 bytes. */
export function timedId(now: UnixSeconds, random: Uint8Array): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(now * 1000, 0, 6)
  bytes.set(random.subarray(0, 10), 6)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** When `id` was minted, or undefined when it is not one of ours (RFC 9562 §5.7). */
export function timeOfId(id: string): UnixSeconds | undefined {
  return uuid.test(id) ? Math.floor(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) / 1000) : undefined
}

/** What an authorization code of ours consists of (ours; opaque to clients, RFC 6749 §1.3.1). */
export interface CodeParts {
  readonly grantId: string
  readonly secret: string
}

/** The authorization code: a prefix that secret scanners find, the grant's id and 256 random bits (ours). */
export function formatCode({ grantId, secret }: CodeParts): string {
  return `db_ac_${grantId}.${secret}`
}

/** Takes a code apart; undefined when it is not of our grammar (ours). */
export function parseCode(code: string): CodeParts | undefined {
  const [, grantId, secret] = /^db_ac_([0-9a-f-]{36})\.([A-Za-z0-9_-]{43})$/.exec(code) ?? []
  return grantId !== undefined && secret !== undefined && uuid.test(grantId) ? { grantId, secret } : undefined
}

/** The prefix of every reference to a pushed request (RFC 9126 §2.2). */
const requestUriPrefix = 'urn:ietf:params:oauth:request_uri:'

/** The reference to a pushed request; `secret` is 256 random bits, base64url (RFC 9126 §2.2 and §7.1). */
export function formatRequestUri(secret: string): string {
  return `${requestUriPrefix}${secret}`
}

/** The secret in a reference to a pushed request; undefined when it is not of our grammar (RFC 9126 §2.2). */
export function parseRequestUri(requestUri: string): string | undefined {
  const secret = requestUri.slice(requestUriPrefix.length)
  return requestUri.startsWith(requestUriPrefix) && /^[A-Za-z0-9_-]{43}$/.test(secret) ? secret : undefined
}

/** What an initial access token consists of (ours; opaque to clients, RFC 7591 §3). */
export interface InitialAccessTokenParts {
  readonly id: string
  readonly secret: string
}

/** The initial access token: a prefix that secret scanners find, its id and 256 random bits (ours). */
export function formatInitialAccessToken({ id, secret }: InitialAccessTokenParts): string {
  return `db_iat_${id}.${secret}`
}

/** Takes an initial access token apart; undefined when it is not of our grammar (ours). */
export function parseInitialAccessToken(token: string): InitialAccessTokenParts | undefined {
  const [, id, secret] = /^db_iat_([0-9a-f-]{36})\.([A-Za-z0-9_-]{43})$/.exec(token) ?? []
  return id !== undefined && secret !== undefined && uuid.test(id) ? { id, secret } : undefined
}

/** What a refresh token of ours consists of (ours; opaque to clients, RFC 6749 §1.5). */
export interface RefreshTokenParts {
  readonly grantId: string
  readonly generation: number
  /** The keyed hash of the two, by the grant's own secret. */
  readonly mac: string
}

/** The refresh token (ours). */
export function formatRefreshToken({ grantId, generation, mac }: RefreshTokenParts): string {
  return `db_rt_${grantId}.${generation}.${mac}`
}

/** Takes a refresh token apart; undefined when it is not of our grammar (ours). */
export function parseRefreshToken(token: string): RefreshTokenParts | undefined {
  const [, grantId, generation, mac] = /^db_rt_([0-9a-f-]{36})\.(0|[1-9]\d{0,8})\.([A-Za-z0-9_-]{43})$/.exec(token) ?? []
  if (grantId === undefined || generation === undefined || mac === undefined || !uuid.test(grantId)) return undefined
  return { grantId, generation: Number(generation), mac }
}
