import type { BrowserCookies } from '../http/browser-cookies.ts'
import { browserSecretIn } from '../http/browser-cookies.ts'
import { pageResponse } from '../http/page.ts'
import type { Environment } from '../ports/environment.ts'
import { hashSecret } from '../protocol/compare.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { Client } from '../records/client.ts'
import type { Records } from '../records/records.ts'
import type { AuthorizationRequest } from '../records/transaction.ts'
import { consentPage } from './page.ts'
import { sealRequest } from './sealed-request.ts'

/** What showing the page needs. */
export interface ShowConsentNeeds {
  readonly records: Pick<Records, 'deployment'>
  readonly cookies: BrowserCookies
  readonly serverName: string
  readonly upstreamName: string
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
  const { records, cookies, serverName, upstreamName, action, environment } = needs
  return async (request, client, browser, userCode) => {
    const secret = browserSecretIn(cookies.form, browser, environment)
    const id = Buffer.from(environment.randomBytes(32)).toString('base64url')
    const expiresAt = environment.now() + fixedLifetimes.transaction
    const key = (await records.deployment.open()).formKeyFor('consent form')
    const sealedRequest = await sealRequest({ id, request, browser: hashSecret(secret), expiresAt }, key)
    return pageResponse(consentPage({ request, client, serverName, upstreamName, sealedRequest, action, userCode }), {
      headers: {
        'set-cookie': cookies.form.write(secret, fixedLifetimes.formCookie),
        // With no-referrer the form would arrive with `Origin: null`, which tells us nothing.
        'referrer-policy': 'same-origin',
      },
    })
  }
}
