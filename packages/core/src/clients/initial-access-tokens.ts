import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { hashSecret, isSameSecret } from '../protocol/compare.ts'
import { formatInitialAccessToken, parseInitialAccessToken, timedId } from '../protocol/identifiers.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { spendInitialAccessToken } from '../records/initial-access-token.ts'
import type { Records } from '../records/records.ts'

/** How long an initial access token is good, and for how many registrations. */
export interface InitialAccessTokenOptions {
  readonly lifetime: Seconds
  /** Default: 1. */
  readonly uses?: number
}

/** An initial access token as it has just been made. */
export interface CreatedInitialAccessToken {
  /** For whoever may register; shown this once. */
  readonly token: string
  /** For the operator: names the token in events, and revokes it. */
  readonly id: string
  readonly expiresAt: UnixSeconds
}

/** A token that was presented and is good, so far. */
export interface Admission {
  readonly tokenId: string
  /** Takes one use; false when another registration was first and took the last. */
  spend(): Promise<boolean>
}

/** Initial access tokens: made by the operator, presented at registration (RFC 7591 §3). */
export interface InitialAccessTokens {
  /** Makes a token. Throws a `TypeError` for a lifetime or a number of uses that is not a whole number above 0. */
  create(options: InitialAccessTokenOptions): Promise<CreatedInitialAccessToken>
  /** The admission that a token gives; undefined for one that is unknown, used up, revoked or over. Nothing is spent yet. */
  find(token: string): Promise<Admission | undefined>
  /** Ends a token; answers whether there was one. */
  revoke(id: string): Promise<boolean>
}

/** Opens them. */
export function initialAccessTokens(
  { initialAccessTokens: tokens }: Pick<Records, 'initialAccessTokens'>,
  environment: Environment,
  emit: Emit,
): InitialAccessTokens {
  return {
    async create({ lifetime, uses = 1 }) {
      for (const [name, value] of Object.entries({ lifetime, uses })) {
        if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`${name} is not a whole number above 0`)
      }
      const now = environment.now()
      const [id, secret] = [timedId(now, environment.randomBytes(10)), Buffer.from(environment.randomBytes(32)).toString('base64url')]
      const expiresAt = now + lifetime
      await tokens.create(id, { hash: hashSecret(secret), usesLeft: uses, createdAt: now, endsAt: expiresAt })
      emit({ type: 'initial_access_token.created', initialAccessTokenId: id, uses })
      return { token: formatInitialAccessToken({ id, secret }), id, expiresAt }
    },
    async find(token) {
      const parts = parseInitialAccessToken(token)
      if (!parts) return undefined
      const seen = await tokens.read(parts.id)
      if (!seen.record || !isSameSecret(hashSecret(parts.secret), seen.record.hash)) return undefined
      return { tokenId: parts.id, spend: () => tokens.change(parts.id, spendInitialAccessToken, seen) }
    },
    async revoke(id) {
      const ended = await tokens.change(id, (token) => (token ? { next: 'gone', answer: true } : { answer: false }))
      if (ended) emit({ type: 'initial_access_token.revoked', initialAccessTokenId: id })
      return ended
    },
  }
}
