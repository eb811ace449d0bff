import { z } from 'zod'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Outcome } from './collection.ts'

/** What a client asked for at the authorization endpoint, proven and narrowed (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2). */
export interface AuthorizationRequest {
  readonly clientId: string
  readonly redirectUri: string
  /** The client's own `state`; absent when it sent none. */
  readonly state?: string
  readonly challenge: string
  readonly scopes: readonly string[]
  readonly resource: string
  /** The thumbprint of the key that the code is bound to (RFC 9449 §10). */
  readonly boundTo?: string
}

/** One login under way, from the person's approval to the callback, under the `state` we send upstream. */
export interface Transaction {
  readonly request: AuthorizationRequest
  /** The key of the provider whose upstream answers; absent where there is one upstream alone. */
  readonly provider?: string
  /** The hash of the login cookie of the browser that approved (invariant I1). */
  readonly browser: string
  /** The remembered consent that stood for the person's yes, and whose yes it was; absent when the person was asked. */
  readonly remembered?: { readonly id: string; readonly subject: string }
  /** Our PKCE verifier towards the upstream; ours alone, never the client's. */
  readonly upstreamVerifier: string
  readonly status: TransactionStatus
  readonly endsAt: UnixSeconds
}

/**
 * Where a transaction stands. `claim` tells one exchange from another, also of the same second; the release before wrote none.
 * `location` is where the browser was sent, so that a repeated callback gets the same answer `until` then.
 */
export type TransactionStatus =
  | { readonly is: 'approved' }
  | { readonly is: 'exchanging'; readonly since: UnixSeconds; readonly claim?: string }
  | { readonly is: 'done'; readonly location: string; readonly until?: UnixSeconds }

/** The shape of an {@link AuthorizationRequest}, stored or sealed. */
export const requestShape: z.ZodType<AuthorizationRequest> = z.looseObject({
  clientId: z.string(),
  redirectUri: z.string(),
  state: z.string().exactOptional(),
  challenge: z.string(),
  scopes: z.array(z.string()),
  resource: z.string(),
  boundTo: z.string().exactOptional(),
})

/** The stored shape of a {@link Transaction}. */
export const transactionShape: z.ZodType<Transaction> = z.looseObject({
  request: requestShape,
  provider: z.string().exactOptional(),
  browser: z.string(),
  remembered: z.looseObject({ id: z.string(), subject: z.string() }).exactOptional(),
  upstreamVerifier: z.string(),
  status: z.discriminatedUnion('is', [
    z.looseObject({ is: z.literal('approved') }),
    z.looseObject({ is: z.literal('exchanging'), since: z.number(), claim: z.string().exactOptional() }),
    z.looseObject({ is: z.literal('done'), location: z.string(), until: z.number().exactOptional() }),
  ]),
  endsAt: z.number(),
})

/** What a callback finds when it claims a transaction: it is the first, another one is at it, it is over, or it is stuck. */
export type Claim =
  | { readonly is: 'claimed'; readonly transaction: Transaction }
  | { readonly is: 'taken' }
  | { readonly is: 'done'; readonly location: string }
  | { readonly is: 'stuck' }
  | { readonly is: 'unknown' }

/** A login that the person in this browser has just approved, or approved before. */
export function newTransaction(approval: Omit<Transaction, 'status' | 'endsAt'>, now: UnixSeconds): Transaction {
  return { ...approval, status: { is: 'approved' }, endsAt: now + fixedLifetimes.transaction }
}

/** Claims the exchange with the upstream: of any number of callbacks, on any host, one. `claim` is random, and the callback's own. */
export function claimTransaction(transaction: Transaction | undefined, claim: string, now: UnixSeconds): Outcome<Transaction, Claim> {
  if (!transaction) return { answer: { is: 'unknown' } }
  const { status } = transaction
  if (status.is === 'done')
    return { answer: now < (status.until ?? transaction.endsAt) ? { is: 'done', location: status.location } : { is: 'unknown' } }
  // It is there: the outcome of writing it was unknown, and now it is known.
  if (isClaimedBy(transaction, claim)) return { answer: { is: 'claimed', transaction } }
  if (status.is === 'exchanging') return { answer: { is: now - status.since > fixedLifetimes.exchanging ? 'stuck' : 'taken' } }
  return { next: { ...transaction, status: { is: 'exchanging', since: now, claim } }, answer: { is: 'claimed', transaction } }
}

/**
 * Gives the claim back after a failure before anything was sent upstream, so that the person can try again. Only this claim: when
 * it was given back already, and nobody heard of it, another callback may have claimed the transaction meanwhile.
 */
export function releaseTransaction(transaction: Transaction | undefined, claim: string): Outcome<Transaction, void> {
  if (!isClaimedBy(transaction, claim)) return { answer: undefined }
  return { next: { ...transaction, status: { is: 'approved' } }, answer: undefined }
}

/**
 * Ends the transaction with the answer its browser gets, now and when it asks again within a minute. The record stays as long as
 * it would have, so that the form which made it makes no second one.
 */
export function finishTransaction(
  transaction: Transaction | undefined,
  claim: string,
  location: string,
  now: UnixSeconds,
): Outcome<Transaction, void> {
  if (!isClaimedBy(transaction, claim)) return { answer: undefined }
  const until = now + fixedLifetimes.transactionDone
  const next: Transaction = { ...transaction, status: { is: 'done', location, until }, endsAt: Math.max(transaction.endsAt, until) }
  return { next, answer: undefined }
}

/** A transaction whose code is being exchanged. */
type ExchangingTransaction = Transaction & { readonly status: { readonly is: 'exchanging' } }

function isClaimedBy(transaction: Transaction | undefined, claim: string): transaction is ExchangingTransaction {
  return transaction?.status.is === 'exchanging' && transaction.status.claim === claim
}
