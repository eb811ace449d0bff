import type { Identity } from '../ports/upstream.ts'
import { fixedLifetimes, type Lifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Grant } from './grant.ts'

/** What a grant is made from that needs no login. */
export interface DirectGrantOpening {
  readonly id: string
  readonly clientId: string
  /** A secret that no token is made with, so that no refresh token of this grant can be made up. */
  readonly refreshSecret: string
  readonly identity: Identity
  readonly scopes: readonly string[]
  readonly resource: string
}

/** A grant that is given at once: it lives as long as its one access token. */
export function newDirectGrant({ refreshSecret, ...opening }: DirectGrantOpening, lifetimes: Lifetimes, now: UnixSeconds): Grant {
  return {
    ...opening,
    createdAt: now,
    endsAt: now + lifetimes.accessToken + fixedLifetimes.leeway,
    // Confirmed, because there is nothing to rotate: a call with its token need not be noted.
    refresh: { secret: refreshSecret, allowed: false, generation: 0, confirmed: true, graceFrom: now },
  }
}
