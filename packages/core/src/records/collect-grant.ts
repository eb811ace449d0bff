import { isSameSecret } from '../protocol/compare.ts'
import { fixedLifetimes, type Lifetimes } from '../protocol/lifetimes.ts'
import { matchesChallenge } from '../protocol/pkce.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Outcome } from './collection.ts'
import type { Grant } from './grant.ts'
import { type Judgement, type Redemption, redeemCode, refused } from './redeem-code.ts'

/** Keeps the code of a grant good until the grant would end unredeemed: it has come back, and waits for its device. Answers whether it is the device's code. */
export function holdCode(
  grant: Grant | undefined,
  { codeHash, verifier, clientId }: Pick<Redemption, 'codeHash' | 'verifier' | 'clientId'>,
  now: UnixSeconds,
): Outcome<Grant, boolean> {
  const code = grant?.code
  if (!grant || !code || grant.clientId !== clientId) return { answer: false }
  if (!isSameSecret(codeHash, code.hash) || !matchesChallenge(verifier, code.challenge)) return { answer: false }
  // Seen again, when the page is loaded again: held already, or redeemed.
  if (code.spent || code.expiresAt >= grant.endsAt) return { answer: true }
  if (code.expiresAt <= now) return { answer: false }
  return { next: { ...grant, code: { ...code, expiresAt: grant.endsAt } }, answer: true }
}

/**
 * Redeems the code of a device's grant, and again within a minute, for a device whose answer was lost: it gets the tokens of the
 * same generation. Unlike a code that went through a browser, a device code that is used once more ends nothing.
 */
export function collectGrant(
  grant: Grant | undefined,
  redemption: Redemption,
  lifetimes: Lifetimes,
  now: UnixSeconds,
): Outcome<Grant, Judgement> {
  if (!grant?.code?.spent) return redeemCode(grant, redemption, lifetimes, now)
  if (redemption.resource !== undefined && redemption.resource !== grant.resource) return refused('code_for_another_resource')
  const { generation, graceFrom, boundTo } = grant.refresh
  if (redemption.isPublic && redemption.proven !== boundTo) return refused('code_of_another_key')
  const isAgain = generation === 0 && now - graceFrom <= fixedLifetimes.rotationGrace
  return isAgain ? { answer: { is: 'good', grant } } : refused('device_code_spent')
}
