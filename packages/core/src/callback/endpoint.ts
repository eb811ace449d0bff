import { browserSecretIn } from '../http/browser-cookies.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { seeOther } from '../http/redirect.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { StoreUnavailable } from '../ports/store.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { hashSecret } from '../protocol/compare.ts'
import { invalidRequest } from '../protocol/errors.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { redirectTo } from '../protocol/redirect-uri.ts'
import type { Changed, Seen } from '../records/collection.ts'
import type { Records } from '../records/records.ts'
import { rememberedConsentId } from '../records/remembered-consent.ts'
import { type Claim, claimTransaction, finishTransaction, releaseTransaction, type Transaction } from '../records/transaction.ts'
import { type AnswerNeeds, answerClient, type ClientAnswer } from './answer-client.ts'
import { type Delivery, type ProveNeeds, proveDelivery, unknownLogin } from './prove-delivery.ts'

/** What the endpoint needs. */
export interface CallbackEndpointNeeds extends Omit<AnswerNeeds, 'upstream'>, ProveNeeds {
  readonly issuer: string
  readonly records: Pick<Records, 'transactions' | 'grants' | 'lists' | 'rememberedConsents'>
  /** Whether a yes for this redirect URI is remembered. */
  readonly remembers: (redirectUri: string) => boolean
  readonly environment: Environment
  readonly emit: Emit
}

/**
 * The callback: the upstream sends the person back. Only the browser in which the person approved may deliver it, on the error
 * branch too, and only where the upstream of that login answers; one of any number of deliveries goes upstream, and the others get the same answer.
 */
export function callbackEndpoint(needs: CallbackEndpointNeeds): Handler {
  const { issuer, environment, emit } = needs
  return openEndpoint({
    name: 'callback',
    kind: 'page',
    waitsForOthers: true,
    environment,
    emit,
    async get(request) {
      const delivery = await proveDelivery(needs, request)
      const { answer: claim, seen } = await claimOrRelease(needs, delivery)
      if (claim.is === 'done') return seeOther(claim.location)
      if (claim.is === 'unknown') throw unknownLogin()
      if (claim.is !== 'claimed') throw invalidRequest('This login was interrupted, or it took too long.', `transaction_${claim.is}`)
      const remembering = rememberingOf(needs, request, claim.transaction)
      const answer = await answerOrRelease(needs, { ...delivery, rememberAs: remembering?.id }, claim.transaction, seen)
      const { redirectUri, state } = claim.transaction.request
      const location = redirectTo(redirectUri, { ...answer, state, iss: issuer })
      await finish(needs, delivery, location, seen)
      return seeOther(location, 'code' in answer && remembering?.cookie ? [remembering.cookie] : [])
    },
  })
}

// A login that went on by a remembered yes keeps it where it is; a yes that was just given is kept under the browser's cookie.
function rememberingOf(
  { cookies, remembers, environment }: CallbackEndpointNeeds,
  browser: Request,
  { request, remembered }: Transaction,
): { readonly id: string; readonly cookie?: string } | undefined {
  if (remembered) return { id: remembered.id }
  if (!remembers(request.redirectUri)) return undefined
  const secret = browserSecretIn(cookies.consent, browser, environment)
  return {
    id: rememberedConsentId(hashSecret(secret), request),
    cookie: cookies.consent.write(secret, fixedLifetimes.rememberedConsent),
  }
}

// For the browser that repeats the callback. The answer is good without it, so a store that fails now costs nobody a login.
async function finish(
  { records, emit }: CallbackEndpointNeeds,
  { state, claim }: Delivery,
  location: string,
  seen: Seen<Transaction>,
): Promise<void> {
  try {
    await records.transactions.change(state, (current, now) => finishTransaction(current, claim, location, now), seen)
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause
    emit({ type: 'store.unavailable', endpoint: 'callback', reason: cause.name })
  }
}

// Another delivery of the same browser is at it: wait for its answer, for as long as it may take.
async function claimDelivery(
  { records, environment }: CallbackEndpointNeeds,
  { state, claim, seen }: Delivery,
): Promise<Changed<Transaction, Claim>> {
  for (let pause = 25, from: Seen<Transaction> | undefined = seen; ; pause = Math.min(pause * 2, 250), from = undefined) {
    const claimed: Changed<Transaction, Claim> = await records.transactions.changeSeen(
      state,
      (transaction, now) => claimTransaction(transaction, claim, now),
      from,
    )
    if (claimed.answer.is !== 'taken') return claimed
    await environment.sleep(pause)
  }
}

// The claim may have been written although nobody heard of it. Nothing went upstream by it, so the next delivery need not wait for its end.
function claimOrRelease(needs: CallbackEndpointNeeds, delivery: Delivery): Promise<Changed<Transaction, Claim>> {
  return claimDelivery(needs, delivery).catch((cause: unknown) => {
    needs.environment.defer(needs.records.transactions.change(delivery.state, (current) => releaseTransaction(current, delivery.claim)))
    throw cause
  })
}

async function answerOrRelease(
  needs: CallbackEndpointNeeds,
  { state, claim, values, upstream, rememberAs }: Delivery & { readonly rememberAs: string | undefined },
  transaction: Transaction,
  seen: Seen<Transaction>,
): Promise<ClientAnswer> {
  try {
    return await answerClient({ ...needs, upstream }, state, transaction, values, rememberAs)
  } catch (cause) {
    if (cause instanceof UpstreamUnavailable)
      await needs.records.transactions.change(state, (current) => releaseTransaction(current, claim), seen)
    throw cause
  }
}
