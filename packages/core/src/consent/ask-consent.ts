import { browserSecretIn, isBrowserSecret } from '../http/browser-cookies.ts'
import { seeOther } from '../http/redirect.ts'
import { byProvider, type Emit } from '../ports/events.ts'
import { StoreUnreadable } from '../ports/store.ts'
import { hashSecret } from '../protocol/compare.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { coversScopes } from '../protocol/scope.ts'
import type { Client } from '../records/client.ts'
import type { Records } from '../records/records.ts'
import { rememberedConsentId } from '../records/remembered-consent.ts'
import type { AuthorizationRequest } from '../records/transaction.ts'
import type { Upstreams } from '../upstream/upstreams.ts'
import { type Approval, type BeginLoginNeeds, beginLogin } from './begin-login.ts'
import { type ShowConsentNeeds, showChoice, showConsent } from './show-consent.ts'

/** When people are asked: at every login, at the first of its kind in a browser, or elsewhere and not by us. */
export type ConsentMode = 'always' | 'remembered' | 'external'

/** What asking needs. */
export interface AskConsentNeeds extends ShowConsentNeeds, BeginLoginNeeds {
  readonly records: Pick<Records, 'deployment' | 'transactions' | 'rememberedConsents' | 'grants'>
  readonly upstreams: Upstreams
  readonly consentMode: ConsentMode
  /** Whether a yes for this redirect URI may be remembered. */
  readonly remembers: (redirectUri: string) => boolean
  readonly emit: Emit
}

/**
 * Asks the person, unless the mode has it that no question is due: then the login begins at once, in this browser and bound to
 * it as after a yes, or, where nothing says with whom, when the person has chosen that. `sent` is what the client itself sent: its wish about the question (OpenID Connect Core §3.1.2.1), and the resource it means.
 */
export function askConsent(
  needs: AskConsentNeeds,
): (
  request: AuthorizationRequest,
  client: Client,
  browser: Request,
  sent: { readonly prompt?: string; readonly resource?: string },
) => Promise<Response> {
  const show = showConsent(needs)
  return async (request, client, browser, { prompt, resource }) => {
    const [first, ...others] = needs.upstreams.listed
    // While the person reads.
    for (const { client: upstream } of needs.upstreams.listed) upstream.prepare()
    if (needs.consentMode === 'external')
      return others.length > 0 ? showChoice(needs, request, browser) : goOn(needs, request, browser, { provider: first.provider })
    // A client that asks for a question gets one, whichever it means: consent, login or select_account. And one that names no
    // resource may have been sent here by another server, to which it would bring our token: the page says whose it is (threat T6).
    const remembered = prompt === undefined && resource !== undefined ? await findRemembered(needs, request, browser) : undefined
    return remembered ? goOn(needs, request, browser, remembered) : show(request, client, browser)
  }
}

/** How a login goes on without a question: by whose remembered yes, and with which provider. */
type Way = Pick<Approval, 'remembered' | 'provider'>

async function findRemembered(
  { records, cookies, upstreams, remembers }: AskConsentNeeds,
  request: AuthorizationRequest,
  browser: Request,
): Promise<Way | undefined> {
  const secret = cookies.consent.read(browser)
  if (!remembers(request.redirectUri) || !isBrowserSecret(secret) || !isOfThePerson(browser)) return undefined
  const id = rememberedConsentId(hashSecret(secret), request)
  const consent = await records.rememberedConsents.find(id).catch(askAgain)
  if (!consent || !coversScopes(consent.scopes, request.scopes)) return undefined
  const grant = await records.grants.find(consent.grantId)
  if (!grant) return undefined
  const { subject, provider } = grant.identity
  // The yes was for one upstream. Where that has gone, or has a name that it had not then, the person says it again.
  return upstreams.listed.some((upstream) => upstream.provider === provider) ? { remembered: { id, subject }, provider } : undefined
}

// A yes that cannot be read is none; the record stays where it is, for the key that opens it.
function askAgain(cause: unknown): undefined {
  if (!(cause instanceof StoreUnreadable)) throw cause
}

// Typed in, opened by a program, or from a page of ours. A browser that does not say, another site that sends people here, and a
// page that is loaded before anybody asked for it, are shown the question (threat T6).
function isOfThePerson({ headers }: Request): boolean {
  return ['none', 'same-origin'].includes(headers.get('sec-fetch-site') ?? '') && !headers.has('sec-purpose')
}

async function goOn(needs: AskConsentNeeds, request: AuthorizationRequest, browser: Request, way: Way): Promise<Response> {
  const { cookies, environment, emit } = needs
  const formSecret = browserSecretIn(cookies.form, browser, environment)
  const id = Buffer.from(environment.randomBytes(32)).toString('base64url')
  const { location, cookie } = await beginLogin(needs, { id, request, formSecret, ...way })
  const because = way.remembered ? 'remembered' : 'external'
  emit({ type: 'consent.skipped', clientId: request.clientId, because, ...byProvider(way.provider) })
  return seeOther(location, [cookies.form.write(formSecret, fixedLifetimes.formCookie), cookie])
}
