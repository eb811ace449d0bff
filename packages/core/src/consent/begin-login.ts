import { createHmac } from 'node:crypto'
import { type BrowserCookies, loginSecretOf } from '../http/browser-cookies.ts'
import type { Environment } from '../ports/environment.ts'
import { hashSecret } from '../protocol/compare.ts'
import { invalidRequest } from '../protocol/errors.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { Records } from '../records/records.ts'
import { type AuthorizationRequest, newTransaction, type Transaction } from '../records/transaction.ts'
import type { Upstreams } from '../upstream/upstreams.ts'

/** What beginning a login needs. */
export interface BeginLoginNeeds {
  readonly records: Pick<Records, 'deployment' | 'transactions'>
  readonly cookies: BrowserCookies
  readonly upstreams: Pick<Upstreams, 'of'>
  readonly environment: Environment
}

/** A request that may go upstream. */
export interface Approval {
  /** Unguessable, and nobody's but ours: the state and the verifier are made from it. */
  readonly id: string
  readonly request: AuthorizationRequest
  /** The form cookie of the browser that goes. */
  readonly formSecret: string
  readonly remembered?: Transaction['remembered']
  /** With whom the person signs in, where there are several. */
  readonly provider: string | undefined
}

/** A login that has begun: where its browser goes, with which cookie; and whether this very approval had begun it before. */
export interface BegunLogin {
  readonly location: string
  readonly cookie: string
  readonly upstreamName: string
  readonly again: boolean
}

/**
 * Makes the transaction and the login cookie. Prepare, then publish: once the transaction is there, the state and the cookie that
 * go out are good. The same approval makes the same transaction, so a double click begins one login; when that login has come
 * back from the upstream, the approval is used up, and throws `invalid_request`. With another provider it is another approval: who
 * comes back from one upstream and chooses another goes on.
 */
export async function beginLogin(needs: BeginLoginNeeds, { id, request, formSecret, remembered, provider }: Approval): Promise<BegunLogin> {
  const { records, cookies, upstreams, environment } = needs
  const upstream = upstreams.of(provider)
  if (!upstream) throw invalidRequest('This page is out of date. Start again in the application.', 'provider_unknown')
  const { formKeyFor } = await records.deployment.open()
  const of = provider === undefined ? id : `${id} ${provider}`
  const derive = (purpose: string): string => createHmac('sha256', formKeyFor(purpose)).update(of).digest('base64url')
  const [state, upstreamVerifier] = [derive('upstream state'), derive('upstream verifier')]
  const login = loginSecretOf(formSecret, formKeyFor('login cookie'))
  const to = provider === undefined ? {} : { provider }
  const approval = { request, ...to, browser: hashSecret(login), upstreamVerifier, ...(remembered && { remembered }) }
  // Where the upstream is may not be known yet, and then nothing has begun.
  const location = await upstream.client.authorizationUrl(state, upstreamVerifier, request)
  const made = await records.transactions.create(state, newTransaction(approval, environment.now()))
  const found = made ?? (await records.transactions.read(state))
  if (found.record?.status.is !== 'approved') throw invalidRequest('This page was answered already.', 'form_used')
  return {
    location,
    cookie: cookies.login.write(login, fixedLifetimes.transaction),
    upstreamName: upstream.name,
    again: made === undefined,
  }
}
