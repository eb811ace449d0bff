import type { BrowserCookies } from '../http/browser-cookies.ts'
import { isBrowserSecret } from '../http/browser-cookies.ts'
import { pageResponse } from '../http/page.ts'
import type { Environment } from '../ports/environment.ts'
import { hashSecret } from '../protocol/compare.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { Client } from '../records/client.ts'
import type { DeploymentDoor } from '../records/deployment-door.ts'
import type { AuthorizationRequest } from '../records/transaction.ts'
import { consentPage } from './page.ts'
import { sealRequest } from './sealed-request.ts'

/** What showing the page needs. */
export interface ShowConsentNeeds {
  readonly deployment: DeploymentDoor
  readonly cookies: BrowserCookies
  readonly serverName: string
  readonly upstreamName: string
  readonly action: string
  readonly environment: Environment
}

/**
 * Shows the consent page. The form cookie is kept when the browser brings one, so that pages opened before stay good; nothing
 * is stored, and nothing is granted by any of it.
 */
export function showConsent(
  needs: ShowConsentNeeds,
): (request: AuthorizationRequest, client: Client, browser: Request) => Promise<Response> {
  const { deployment, cookies, serverName, upstreamName, action, environment } = needs
  return async (request, client, browser) => {
    const brought = cookies.form.read(browser)
    const secret = isBrowserSecret(brought) ? brought : Buffer.from(environment.randomBytes(32)).toString('base64url')
    const key = (await deployment.open()).formKeyFor('consent form')
    const sealedRequest = await sealRequest(
      { request, browser: hashSecret(secret), expiresAt: environment.now() + fixedLifetimes.transaction },
      key,
    )
    return pageResponse(consentPage({ request, client, serverName, upstreamName, sealedRequest, action }), {
      headers: {
        'set-cookie': cookies.form.write(secret, fixedLifetimes.formCookie),
        // With no-referrer the form would arrive with `Origin: null`, which tells us nothing.
        'referrer-policy': 'same-origin',
      },
    })
  }
}
