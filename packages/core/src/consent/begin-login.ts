import { createHmac } from 'node:crypto'
import { type BrowserCookies, loginSecretOf } from '../http/browser-cookies.ts'
import type { Environment } from '../ports/environment.ts'
import { hashSecret } from '../protocol/compare.ts'
import { invalidRequest } from '../protocol/errors.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { Records } from '../records/records.ts'
import { type AuthorizationRequest, newTransaction, type Transaction } from '../records/transaction.ts'
import type { UpstreamClient } from '../upstream/upstream-client.ts'

/** What beginning a login needs. */
export interface BeginLoginNeeds {
  readonly records: Pick<Records, 'deployment' | 'transactions'>
  readonly cookies: BrowserCookies
  readonly upstreamClient: Pick<UpstreamClient, 'authorizationUrl'>
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
}

/** A login that has begun: where its browser goes, with which cookie; and whether this very approval had begun it before. */
export interface BegunLogin {
  readonly location: string
  readonly cookie: string
  readonly again: boolean
}

/**
 * Makes the transaction and the login cookie. Prepare, then publish: once the transaction is there, the state and the cookie that
 * go out are good. The same approval makes the same transaction, so a double click begins one login; when that login has come
 * back from the upstream, the approval is used up, and throws `invalid_request`.
 */
export async function beginLogin(needs: BeginLoginNeeds, { id, request, formSecret, remembered }: Approval): Promise<BegunLogin> {
  const { records, cookies, upstreamClient, environment } = needs
  const { formKeyFor } = await records.deployment.open()
  const derive = (purpose: string): string => createHmac('sha256', formKeyFor(purpose)).update(id).digest('base64url')
  const [state, upstreamVerifier] = [derive('upstream state'), derive('upstream verifier')]
  const login = loginSecretOf(formSecret, formKeyFor('login cookie'))
  const approval = { request, browser: hashSecret(login), upstreamVerifier, ...(remembered && { remembered }) }
  const made = await records.transactions.create(state, newTransaction(approval, environment.now()))
  const found = made ?? (await records.transactions.read(state))
  if (found.record?.status.is !== 'approved') throw invalidRequest('This page was answered already.', 'form_used')
  return {
    location: upstreamClient.authorizationUrl(state, upstreamVerifier, request.scopes),
    cookie: cookies.login.write(login, fixedLifetimes.transaction),
    again: made === undefined,
  }
}
