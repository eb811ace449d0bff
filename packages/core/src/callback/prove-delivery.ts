import { type BrowserCookies, isBrowserSecret } from '../http/browser-cookies.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { hashSecret, isSameSecret } from '../protocol/compare.ts'
import { accessDenied, invalidRequest } from '../protocol/errors.ts'
import { timedId } from '../protocol/identifiers.ts'
import { parseParameters } from '../protocol/parameters.ts'
import type { Seen } from '../records/collection.ts'
import type { Records } from '../records/records.ts'
import type { Transaction } from '../records/transaction.ts'
import type { ListedUpstream, Upstreams } from '../upstream/upstreams.ts'
import type { CallbackValues } from './answer-client.ts'

/** What proving needs. */
export interface ProveNeeds {
  /** The path of this callback: answers of logins with another upstream are not taken here. */
  readonly callbackPath: string
  readonly upstreams: Pick<Upstreams, 'of'>
  readonly records: Pick<Records, 'transactions'>
  readonly cookies: BrowserCookies
  readonly environment: Environment
  readonly emit: Emit
}

/** An answer that the right browser brought to the right place. */
export interface Delivery {
  readonly state: string
  /** Tells its claim from that of another delivery. */
  readonly claim: string
  readonly values: CallbackValues
  readonly upstream: ListedUpstream
  readonly seen: Seen<Transaction>
}

/**
 * Whose answer this is. The cookie comes first, before the transaction tells anything, and before `error` is looked at (threats T1 and T13). Throws `access_denied` in
 * another browser, and `invalid_request` for what is unknown, or is an answer to a login with another provider; then the transaction stays as it is.
 */
export async function proveDelivery(needs: ProveNeeds, request: Request): Promise<Delivery> {
  const { cookies, records, upstreams, callbackPath, environment, emit } = needs
  const login = cookies.login.read(request)
  if (!isBrowserSecret(login)) throw foreignBrowser(emit)
  const { values, repeated } = parseParameters(new URL(request.url).searchParams, ['code', 'state', 'iss', 'error'] as const)
  const { state } = values
  if (state === undefined || repeated.length > 0) throw invalidRequest('This is not an answer that was asked for.', 'callback_malformed')
  const seen = await records.transactions.read(state)
  if (!seen.record) throw unknownLogin()
  if (!isSameSecret(seen.record.browser, hashSecret(login))) throw foreignBrowser(emit)
  const upstream = upstreams.of(seen.record.provider)
  // Before anything is claimed or sent: the right upstream may answer yet (threat T11).
  if (upstream?.callbackPath !== callbackPath)
    throw invalidRequest('This is not the answer of the service that you signed in with.', 'callback_of_another_provider')
  return { state, claim: timedId(environment.now(), environment.randomBytes(10)), values, upstream, seen }
}

/** The error for a login that is not there, or not any more. */
export function unknownLogin(): Error {
  return invalidRequest('This login is unknown here, or it took too long.', 'transaction_unknown')
}

function foreignBrowser(emit: Emit): Error {
  emit({ type: 'callback.binding_mismatch' })
  return accessDenied('This login was started in another browser.', 'binding_mismatch')
}
