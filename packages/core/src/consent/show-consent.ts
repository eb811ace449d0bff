import type { BrowserCookies } from '../http/browser-cookies.ts'
import { browserSecretIn } from '../http/browser-cookies.ts'
import { type Html, pageResponse } from '../http/page.ts'
import type { Environment } from '../ports/environment.ts'
import { hashSecret } from '../protocol/compare.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { Client } from '../records/client.ts'
import type { Records } from '../records/records.ts'
import type { AuthorizationRequest } from '../records/transaction.ts'
import type { Upstreams } from '../upstream/upstreams.ts'
import { choicePage, consentPage } from './page.ts'
import { type SealedRequest, sealRequest } from './sealed-request.ts'

/** What showing the page needs. */
export interface ShowConsentNeeds {
  readonly records: Pick<Records, 'deployment'>
  readonly cookies: BrowserCookies
  readonly serverName: string
  readonly upstreams: Pick<Upstreams, 'listed'>
  readonly action: string
  readonly environment: Environment
}

/**
 * Shows the consent page. The form cookie is kept when the browser brings one, so that pages opened before stay good; nothing
 * is stored, and nothing is granted by any of it. `userCode` is what a device shows, where the answer goes to one.
 */
export function showConsent(
  needs: ShowConsentNeeds,
): (request: AuthorizationRequest, client: Client, browser: Request, userCode?: string) => Promise<Response> {
  const { serverName, upstreams, action } = needs
  return (request, client, browser, userCode) =>
    sendForm(needs, browser, { request }, (sealedRequest) =>
      consentPage({ request, client, serverName, upstreams: upstreams.listed, sealedRequest, action, userCode }),
    )
}

/** Shows the providers alone, where nobody is asked about the client. */
export function showChoice(needs: ShowConsentNeeds, request: AuthorizationRequest, browser: Request): Promise<Response> {
  const { serverName, upstreams, action } = needs
  return sendForm(needs, browser, { request, unasked: true }, (sealedRequest) =>
    choicePage({ serverName, upstreams: upstreams.listed, sealedRequest, action }),
  )
}

async function sendForm(
  { records, cookies, environment }: ShowConsentNeeds,
  browser: Request,
  sealed: Pick<SealedRequest, 'request' | 'unasked'>,
  pageWith: (sealedRequest: string) => Html,
): Promise<Response> {
  const secret = browserSecretIn(cookies.form, browser, environment)
  const id = Buffer.from(environment.randomBytes(32)).toString('base64url')
  const expiresAt = environment.now() + fixedLifetimes.transaction
  const key = (await records.deployment.open()).formKeyFor('consent form')
  const sealedRequest = await sealRequest({ id, ...sealed, browser: hashSecret(secret), expiresAt }, key)
  return pageResponse(pageWith(sealedRequest), {
    headers: {
      'set-cookie': cookies.form.write(secret, fixedLifetimes.formCookie),
      // With no-referrer the form would arrive with `Origin: null`, which tells us nothing.
      'referrer-policy': 'same-origin',
    },
  })
}
