import type { Person } from './people.ts'

/** Which kind of app is registered: its tokens never end, or end after eight hours and are refreshed. */
export type Mode = 'oauth-app' | 'github-app'

/** What a refresh token comes to that was used before: a refusal, as GitHub does; one that takes with it all that came of it; or new tokens again. */
export type UsedRefreshTokens = 'refused' | 'end-all' | 'answered'

/** The present moment and randomness, so that a test can hold them still. */
export interface World {
  /** Seconds since 1970. */
  now(): number
  randomBytes(length: number): Uint8Array
}

/** What a code stands for. */
interface CodeRecord {
  readonly person: Person
  readonly redirectUri: string
  readonly scopes: readonly string[]
  /** The S256 challenge, where one was sent: a verifier is demanded then. */
  readonly codeChallenge?: string
}

/** Whom a token speaks for. */
interface TokenRecord {
  readonly person: Person
  readonly scopes: readonly string[]
}

/** The tokens of one answer; lengths in seconds. */
export interface IssuedTokens extends TokenRecord {
  readonly accessToken: string
  readonly refresh?: { readonly token: string; readonly expiresIn: number; readonly accessExpiresIn: number }
}

/** What the stand-in remembers, in memory only. */
export interface Records {
  createCode(record: CodeRecord): string
  findCode(code: string): CodeRecord | undefined
  spendCode(code: string): void
  issueTokens(record: TokenRecord): IssuedTokens
  /** New tokens for a refresh token that is still good; it and its access token end, unless used ones are answered. */
  refreshTokens(refreshToken: string): IssuedTokens | undefined
  findToken(accessToken: string): TokenRecord | undefined
  /** Ends one token; false when it is not known. */
  revokeToken(accessToken: string): boolean
  /** Ends every token of the person; false when the token is not known. */
  revokeGrant(accessToken: string): boolean
  revokeAll(): void
}

/** GitHub's lifetimes: ten minutes, eight hours, six months. */
const lifetimes = { code: 600, accessToken: 28_800, refreshToken: 15_897_600 } as const

interface Ending {
  readonly endsAt: number
}

/** Opens empty records. */
export function openRecords(mode: Mode, { now, randomBytes }: World, used: UsedRefreshTokens = 'refused'): Records {
  const codes = new Map<string, CodeRecord & Ending>()
  const accessTokens = new Map<string, TokenRecord & Ending>()
  const refreshTokens = new Map<string, TokenRecord & Ending & { readonly accessToken: string }>()
  const successors = new Map<string, string>()
  const letters = (length: number) => Buffer.from(randomBytes(length)).toString('hex').slice(0, length)

  function issueTokens({ person, scopes }: TokenRecord): IssuedTokens {
    if (mode === 'oauth-app') {
      const accessToken = `gho_${letters(36)}`
      accessTokens.set(accessToken, { person, scopes, endsAt: Number.POSITIVE_INFINITY })
      return { person, scopes, accessToken }
    }
    const accessToken = `ghu_${letters(36)}`
    const token = `ghr_${letters(76)}`
    accessTokens.set(accessToken, { person, scopes, endsAt: now() + lifetimes.accessToken })
    refreshTokens.set(token, { person, scopes, accessToken, endsAt: now() + lifetimes.refreshToken })
    return { person, scopes, accessToken, refresh: { token, expiresIn: lifetimes.refreshToken, accessExpiresIn: lifetimes.accessToken } }
  }

  const living = <Rec extends Ending>(record: Rec | undefined) => (record && record.endsAt > now() ? record : undefined)

  function revokeToken(accessToken: string): boolean {
    for (const [token, record] of refreshTokens) if (record.accessToken === accessToken) refreshTokens.delete(token)
    return accessTokens.delete(accessToken)
  }

  function endSuccessors(refreshToken: string): void {
    for (let next = successors.get(refreshToken); next !== undefined; next = successors.get(next)) {
      revokeToken(refreshTokens.get(next)?.accessToken ?? '')
    }
  }

  return {
    issueTokens,
    revokeToken,
    createCode(record) {
      const code = letters(20)
      codes.set(code, { ...record, endsAt: now() + lifetimes.code })
      return code
    },
    findCode: (code) => living(codes.get(code)),
    spendCode(code) {
      codes.delete(code)
    },
    refreshTokens(refreshToken) {
      const record = living(refreshTokens.get(refreshToken))
      if (!record) {
        if (used === 'end-all') endSuccessors(refreshToken)
        return undefined
      }
      if (used !== 'answered') revokeToken(record.accessToken)
      const tokens = issueTokens(record)
      if (tokens.refresh) successors.set(refreshToken, tokens.refresh.token)
      return tokens
    },
    findToken: (accessToken) => living(accessTokens.get(accessToken)),
    revokeGrant(accessToken) {
      const person = accessTokens.get(accessToken)?.person
      if (!person) return false
      for (const [token, record] of accessTokens) if (record.person === person) revokeToken(token)
      return true
    },
    revokeAll() {
      codes.clear()
      accessTokens.clear()
      refreshTokens.clear()
      successors.clear()
    },
  }
}
