import { z } from 'zod'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Outcome } from './collection.ts'

/** What lets somebody register, so many times (RFC 7591 §3). The operator hands the token out; only its hash is here. */
export interface InitialAccessToken {
  readonly hash: string
  readonly usesLeft: number
  readonly createdAt: UnixSeconds
  readonly endsAt: UnixSeconds
}

/** The stored shape of an {@link InitialAccessToken}; unknown fields are kept and written back. */
export const initialAccessTokenShape: z.ZodType<InitialAccessToken> = z.looseObject({
  hash: z.string(),
  usesLeft: z.number(),
  createdAt: z.number(),
  endsAt: z.number(),
})

/** Takes one use; answers whether there was one left. With the last use the token is gone. */
export function spendInitialAccessToken(token: InitialAccessToken | undefined): Outcome<InitialAccessToken, boolean> {
  if (!token) return { answer: false }
  return { next: token.usesLeft > 1 ? { ...token, usesLeft: token.usesLeft - 1 } : 'gone', answer: true }
}
