import { createHmac } from 'node:crypto'
import { isSameSecret } from '../protocol/compare.ts'
import { fixedLifetimes, type Lifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Outcome } from './collection.ts'
import { type Grant, isUpstreamOver } from './grant.ts'
import { endOf, type Judgement, refused } from './redeem-code.ts'

/** A token request with a refresh token (RFC 6749 §6, RFC 8707 §2.2). */
export interface Rotation {
  readonly clientId: string
  readonly generation: number
  readonly mac: string
  /** Whether what was granted covers what it asks for; absent when it asks for all of it. */
  readonly isCovered?: (granted: readonly string[]) => boolean
  readonly resource?: string
  /** The thumbprint of the key that the client proved (RFC 9449 §5). */
  readonly proven?: string
  /** Whether a refresh token that is bound to no key is not taken. */
  readonly boundOnly?: boolean
}

/** The mac of a generation's refresh token, by the grant's own secret: recomputed, never stored. */
export function macOf(grant: Grant, generation: number): string {
  return createHmac('sha256', grant.refresh.secret).update(`${grant.id}.${generation}`).digest('base64url')
}

/**
 * Rotates a refresh token (OAuth 2.1 §4.3.1). Judged in this order: client, mac, key, resource and scope, then age; so that
 * changed parameters never end a grant. The generation before the newest is answered with the same successor while its
 * answer may have been lost; anything older is a replay and ends the grant.
 */
export function rotateRefreshToken(
  grant: Grant | undefined,
  rotation: Rotation,
  lifetimes: Lifetimes,
  now: UnixSeconds,
): Outcome<Grant, Judgement> {
  if (!grant?.code?.spent) return refused('grant_unknown')
  if (rotation.clientId !== grant.clientId) return refused('refresh_token_of_another_client')
  if (!isSameSecret(rotation.mac, macOf(grant, rotation.generation))) return refused('refresh_token_forged')
  if (!grant.refresh.allowed) return refused('refresh_token_not_allowed')
  const { boundTo } = grant.refresh
  if (boundTo !== undefined && rotation.proven !== boundTo) return refused('refresh_token_of_another_key')
  if (boundTo === undefined && rotation.boundOnly) return refused('refresh_token_not_bound')
  if (rotation.resource !== undefined && rotation.resource !== grant.resource) return refused('refresh_token_for_another_resource')
  if (rotation.isCovered?.(grant.scopes) === false) return refused('scope_wider_than_granted')
  // Tokens of this grant would be refused at once: the client is told to log in again instead of refreshing for ever.
  if (isUpstreamOver(grant.upstream, now)) return { next: 'gone', answer: { is: 'refused', reason: 'upstream_token_ended', ended: grant } }
  if (rotation.generation >= grant.refresh.generation) return rotated(grant, rotation.generation, lifetimes, now)
  if (isWithinGrace(grant, rotation.generation, now)) return { answer: { is: 'good', grant } }
  return { next: 'gone', answer: { is: 'refused', reason: 'refresh_token_replayed', ended: grant } }
}

// A good mac of a generation that the store has not seen means that the store lost its last writes (a failover): the token
// is one we issued, so the count goes on from it.
function rotated(grant: Grant, generation: number, lifetimes: Lifetimes, now: UnixSeconds): Outcome<Grant, Judgement> {
  const next: Grant = {
    ...grant,
    endsAt: endOf(grant, lifetimes, now),
    refresh: { ...grant.refresh, generation: generation + 1, confirmed: false, graceFrom: now },
  }
  return { next, answer: { is: 'good', grant: next } }
}

function isWithinGrace({ refresh }: Grant, generation: number, now: UnixSeconds): boolean {
  if (generation !== refresh.generation - 1) return false
  const age = now - refresh.graceFrom
  return age <= fixedLifetimes.rotationGrace || (!refresh.confirmed && age <= fixedLifetimes.unconfirmedGrace)
}

/**
 * Notes that a token of the newest generation was used, so that its answer did arrive; answers whether that was news. The minute
 * of grace counts anew from here: a client that comes back after a lost answer may ask twice at once, and the use of the first
 * answer must not turn the second request into a replay.
 */
export function confirmGeneration(grant: Grant | undefined, generation: number, now: UnixSeconds): Outcome<Grant, boolean> {
  if (!grant || grant.refresh.confirmed || grant.refresh.generation !== generation) return { answer: false }
  return { next: { ...grant, refresh: { ...grant.refresh, confirmed: true, graceFrom: now } }, answer: true }
}
