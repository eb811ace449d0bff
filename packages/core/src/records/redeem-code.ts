import { isSameSecret } from '../protocol/compare.ts'
import { fixedLifetimes, type Lifetimes } from '../protocol/lifetimes.ts'
import { matchesChallenge } from '../protocol/pkce.ts'
import { offlineAccess } from '../protocol/scope.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Outcome } from './collection.ts'
import type { Grant } from './grant.ts'

/** A token request with an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 8707 §2.2). */
export interface Redemption {
  readonly clientId: string
  readonly codeHash: string
  readonly verifier: string
  readonly redirectUri?: string
  readonly resource?: string
  /** Which grants get refresh tokens: all, none, or those of `offline_access` (SEP-2207). */
  readonly refreshes: 'always' | 'never' | 'offline-access'
  /** The thumbprint of the key that the client proved (RFC 9449 §5). */
  readonly proven?: string
  /** Whether nothing else proves the client, so that its refresh tokens are bound to that key. */
  readonly isPublic?: boolean
}

/** Why a code, or a refresh token, is refused. */
export type TokenRefusal =
  | 'grant_unknown'
  | 'code_unknown'
  | 'code_of_another_client'
  | 'code_for_another_redirect_uri'
  | 'verifier_mismatch'
  | 'code_for_another_resource'
  | 'code_of_another_key'
  | 'code_expired'
  | 'code_replayed'
  | 'device_code_unknown'
  | 'device_code_of_another_client'
  | 'device_code_spent'
  | 'refresh_token_of_another_client'
  | 'refresh_token_forged'
  | 'refresh_token_of_another_key'
  | 'refresh_token_not_bound'
  | 'refresh_token_for_another_resource'
  | 'scope_wider_than_granted'
  | 'refresh_token_not_allowed'
  | 'refresh_token_replayed'
  | 'upstream_token_ended'

/** What a token request comes to: tokens of this grant, or a refusal; `ended` is the grant that the refusal took with it. */
export type Judgement =
  | { readonly is: 'good'; readonly grant: Grant }
  | { readonly is: 'refused'; readonly reason: TokenRefusal; readonly ended?: Grant }

/**
 * Spends the code of a grant. All checks come before the spending, so that a wrong verifier, client or redirect URI changes
 * nothing; a second use with everything right ends the grant (OAuth 2.1 §4.1.3).
 */
export function redeemCode(
  grant: Grant | undefined,
  redemption: Redemption,
  lifetimes: Lifetimes,
  now: UnixSeconds,
): Outcome<Grant, Judgement> {
  if (!grant?.code) return refused('grant_unknown')
  const { code } = grant
  if (!isSameSecret(redemption.codeHash, code.hash)) return refused('code_unknown')
  if (redemption.clientId !== grant.clientId) return refused('code_of_another_client')
  if (redemption.redirectUri !== undefined && redemption.redirectUri !== code.redirectUri) return refused('code_for_another_redirect_uri')
  if (!matchesChallenge(redemption.verifier, code.challenge)) return refused('verifier_mismatch')
  if (code.boundTo !== undefined && redemption.proven !== code.boundTo) return refused('code_of_another_key')
  if (redemption.resource !== undefined && redemption.resource !== grant.resource) return refused('code_for_another_resource')
  if (code.spent) return { next: 'gone', answer: { is: 'refused', reason: 'code_replayed', ended: grant } }
  if (code.expiresAt <= now) return refused('code_expired')
  const { isPublic, proven: boundTo } = redemption
  const binding = isPublic && boundTo !== undefined ? { boundTo } : {}
  const spent: Grant = {
    ...grant,
    code: { ...code, spent: true },
    refresh: { ...grant.refresh, allowed: mayRefresh(grant, redemption), graceFrom: now, ...binding },
  }
  const next = { ...spent, endsAt: endOf(spent, lifetimes, now) }
  return { next, answer: { is: 'good', grant: next } }
}

function mayRefresh({ scopes }: Grant, { refreshes }: Redemption): boolean {
  return refreshes === 'always' || (refreshes === 'offline-access' && scopes.includes(offlineAccess))
}

/** When a grant that was just used ends: it slides while it is used, up to its absolute end; without refresh, with its access token. */
export function endOf(grant: Grant, lifetimes: Lifetimes, now: UnixSeconds): UnixSeconds {
  if (!grant.refresh.allowed) return now + lifetimes.accessToken + fixedLifetimes.leeway
  return Math.min(now + lifetimes.grantIdle, grant.createdAt + lifetimes.grant)
}

/** A refusal that changes nothing. */
export function refused(reason: TokenRefusal): { answer: Judgement } {
  return { answer: { is: 'refused', reason } }
}
