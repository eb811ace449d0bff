import type { Environment } from '../ports/environment.ts'
import { byProvider, type Emit } from '../ports/events.ts'
import { StoreUnavailable } from '../ports/store.ts'
import { UpstreamRefused, UpstreamUnavailable } from '../ports/upstream.ts'
import { type ErrorCode, OAuthError } from '../protocol/errors.ts'
import { forgetConsent } from '../records/remembered-consent.ts'
import type { Transaction } from '../records/transaction.ts'
import type { ListedUpstream } from '../upstream/upstreams.ts'
import { type Consented, type OpenGrantNeeds, openGrant } from './open-grant.ts'

/** What the upstream's answer comes to, for the client (RFC 6749 §4.1.2): a code of ours, or an error in words of ours. */
export type ClientAnswer = { readonly code: string } | { readonly error: ErrorCode; readonly error_description: string }

/** What answering needs. */
export interface AnswerNeeds extends OpenGrantNeeds {
  /** The one that answers. */
  readonly upstream: ListedUpstream
  readonly environment: Environment
  readonly emit: Emit
}

/** The parameters of a callback that are not the state. */
export interface CallbackValues {
  readonly code?: string
  readonly iss?: string
  readonly error?: string
}

/**
 * Turns the upstream's answer into ours. Throws `UpstreamUnavailable` only when the upstream code was certainly not used, so
 * that the same callback can be tried again; and `StoreUnavailable`.
 */
export async function answerClient(
  needs: AnswerNeeds,
  state: string,
  transaction: Transaction,
  values: CallbackValues,
  rememberAs: string | undefined,
): Promise<ClientAnswer> {
  const { emit, upstream } = needs
  const { clientId } = transaction.request
  const refuse = async (error: ErrorCode, reason: string): Promise<ClientAnswer> => {
    // What came to nothing without a question is asked the next time.
    if (transaction.remembered) await needs.records.rememberedConsents.change(transaction.remembered.id, forgetConsent)
    emit({ type: 'callback.refused', clientId, reason, ...byProvider(upstream.provider) })
    return describe(error)
  }
  // An answer of another server says nothing about this login, be it a code or an error (RFC 9207 §2.4).
  if (values.iss !== undefined && upstream.isForeign(values.iss)) return refuse('server_error', 'upstream_iss_mismatch')
  if (values.error !== undefined) {
    const error = passedOn.find((code) => code === values.error) ?? 'server_error'
    return refuse(error, `upstream_${error}`)
  }
  try {
    return { code: await signIn(needs, state, { ...transaction, rememberAs }, values) }
  } catch (cause) {
    if (cause instanceof StoreUnavailable || (cause instanceof UpstreamUnavailable && !cause.sent)) throw cause
    const judged = judge(cause)
    if (judged) return refuse(judged.error, judged.reason)
    // A hook of the operator's, or a bug. The client is told, as of everything: a page would leave it waiting, and the login stuck.
    emit({ type: 'request.failed', endpoint: 'callback', errorName: cause instanceof Error ? cause.name : typeof cause })
    return refuse('server_error', 'request_failed')
  }
}

/** The upstream's errors that mean the same to our client (RFC 6749 §4.1.2.1); any other is between us and the upstream. */
const passedOn: readonly ErrorCode[] = ['access_denied', 'temporarily_unavailable']

async function signIn(
  needs: AnswerNeeds,
  state: string,
  transaction: Transaction & Consented,
  { code = '', iss }: CallbackValues,
): Promise<string> {
  const { upstream, environment } = needs
  const upstreamClient = upstream.client
  const parameters = { code, state, ...(iss !== undefined && { iss }) }
  const { tokens, evidence } = await upstreamClient.exchangeCode(parameters, state, transaction.upstreamVerifier, transaction.request)
  try {
    const identity = await upstreamClient.identify(tokens.accessToken, evidence)
    // The yes was somebody else's, who uses the same browser.
    if (transaction.remembered && transaction.remembered.subject !== identity.subject)
      throw new OAuthError('interaction_required', 'The person has to be asked.', { reason: 'remembered_for_another_person' })
    return await openGrant(needs, transaction, identity, tokens)
  } catch (cause) {
    // Nobody will use these tokens: they are ended upstream rather than left to be found.
    environment.defer(upstreamClient.revoke(tokens))
    if (cause instanceof UpstreamUnavailable && !cause.sent) throw new UpstreamUnavailable(cause.reason, { cause })
    throw cause
  }
}

function judge(cause: unknown): { error: ErrorCode; reason: string } | undefined {
  if (cause instanceof OAuthError) return { error: cause.code, reason: cause.reason }
  if (cause instanceof UpstreamRefused) return { error: 'server_error', reason: cause.reason }
  if (cause instanceof UpstreamUnavailable) {
    return { error: cause.reason === 'deadline' ? 'temporarily_unavailable' : 'server_error', reason: cause.reason }
  }
  return undefined
}

const descriptions: Partial<Record<ErrorCode, string>> = {
  access_denied: 'The person, or the upstream, said no.',
  temporarily_unavailable: 'The upstream did not answer in time.',
  interaction_required: 'The person has to be asked. Start again.',
}

function describe(error: ErrorCode): ClientAnswer {
  return { error, error_description: descriptions[error] ?? 'The upstream did not answer in a way that can be used.' }
}
