import type { Identity, UpstreamTokens } from '../ports/upstream.ts'
import { isSameSecret } from '../protocol/compare.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Outcome } from './collection.ts'
import type { Grant } from './grant.ts'

/** What became of refreshed upstream tokens: kept, or late because another refresh was first, or nobody has use for them. */
export type Applied = 'kept' | 'superseded' | 'gone'

/** Puts refreshed upstream tokens into the grant, if it still has those they were refreshed from. */
export function applyUpstreamTokens(
  grant: Grant | undefined,
  from: number,
  tokens: UpstreamTokens,
  now: UnixSeconds,
): Outcome<Grant, Applied> {
  if (!grant?.upstream) return { answer: 'gone' }
  // They are there: the outcome of writing them was unknown, and now it is known.
  if (grant.upstream.seq === from + 1 && isSameSecret(grant.upstream.accessToken, tokens.accessToken)) return { answer: 'kept' }
  if (grant.upstream.seq !== from) return { answer: 'superseded' }
  const { unreachableSince: _, expiresAt: __, ...upstream } = grant.upstream
  const next: Grant = {
    ...grant,
    upstream: {
      ...upstream,
      accessToken: tokens.accessToken,
      scopes: tokens.scopes ?? upstream.scopes,
      seq: from + 1,
      checkedAt: now,
      // An answer without a refresh token leaves the old one in use (RFC 6749 §6).
      ...(tokens.refreshToken !== undefined && { refreshToken: tokens.refreshToken }),
      ...(tokens.expiresAt !== undefined && { expiresAt: tokens.expiresAt }),
    },
  }
  return { next, answer: 'kept' }
}

/** Notes that the upstream still vouches for the person; another person's answer ends nothing and changes nothing here. */
export function noteIdentity(grant: Grant | undefined, { subject, claims }: Identity, now: UnixSeconds): Outcome<Grant, void> {
  if (!grant?.upstream || subject !== grant.identity.subject) return { answer: undefined }
  const { unreachableSince: _, ...upstream } = grant.upstream
  return { next: { ...grant, identity: { ...grant.identity, claims }, upstream: { ...upstream, checkedAt: now } }, answer: undefined }
}

/** Notes since when the upstream could not be asked; the first moment stands. */
export function noteUnreachable(grant: Grant | undefined, now: UnixSeconds): Outcome<Grant, void> {
  if (!grant?.upstream || grant.upstream.unreachableSince !== undefined) return { answer: undefined }
  return { next: { ...grant, upstream: { ...grant.upstream, unreachableSince: now } }, answer: undefined }
}

/** Ends a grant, in whatever state it is; answers what it was, for the upstream to be told. */
export function endGrant(grant: Grant | undefined): Outcome<Grant, Grant | undefined> {
  return grant ? { next: 'gone', answer: grant } : { answer: undefined }
}
