import { isBrowserSecret } from '../http/browser-cookies.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { refuseForeignForm } from '../http/foreign-form.ts'
import { readForm } from '../http/form.ts'
import { movingPage, pageResponse } from '../http/page.ts'
import type { Limiter } from '../http/rate-limit.ts'
import { byProvider, type Emit } from '../ports/events.ts'
import { hashSecret, isSameSecret } from '../protocol/compare.ts'
import { accessDenied, invalidRequest } from '../protocol/errors.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { redirectTo } from '../protocol/redirect-uri.ts'
import type { Upstreams } from '../upstream/upstreams.ts'
import { type Approval, type BeginLoginNeeds, beginLogin } from './begin-login.ts'
import { openRequest, type SealedRequest } from './sealed-request.ts'

/** What the endpoint needs. */
export interface ConsentEndpointNeeds extends BeginLoginNeeds {
  readonly issuer: string
  /** The origin our own forms come from. */
  readonly origin: string
  readonly upstreams: Upstreams
  readonly emit: Emit
  readonly limiter: Limiter
}

/**
 * Consent: takes the person's answer, from the page we showed in this very browser. A yes, or the provider that the person chose, makes the transaction and the login
 * cookie, and moves on to the upstream; a no moves back to the client. It never calls the upstream.
 */
export function consentEndpoint(needs: ConsentEndpointNeeds): Handler {
  const { issuer, environment, emit, limiter } = needs
  return openEndpoint({
    name: 'consent',
    kind: 'page',
    environment,
    emit,
    limiter,
    limitedAs: 'consent',
    async post(request) {
      refuseForeignForm(request, needs.origin)
      const { values } = parseParameters(await readForm(request), ['request', 'decision', 'provider'] as const)
      const secret = needs.cookies.form.read(request)
      if (!isBrowserSecret(secret))
        throw accessDenied('This page was not opened in this browser, or its cookie is gone.', 'form_cookie_missing')
      const key = (await needs.records.deployment.open()).formKeyFor('consent form')
      const sealed = await openRequest(values.request ?? '', key, needs.environment.now())
      if (!isSameSecret(sealed.browser, hashSecret(secret))) {
        throw accessDenied('This page was opened in another browser.', 'form_of_another_browser')
      }
      if (values.decision !== 'deny') return approve(needs, sealed, { formSecret: secret, provider: requireProvider(needs, values) })
      emit({ type: 'consent.denied', clientId: sealed.request.clientId })
      const { redirectUri, state } = sealed.request
      const answer = { error: 'access_denied', error_description: 'The person said no.', state, iss: issuer }
      return pageResponse(
        movingPage('Denied', 'The application is told that you said no.', 'Go back to the application', redirectTo(redirectUri, answer)),
      )
    },
  })
}

async function approve(
  needs: ConsentEndpointNeeds,
  { id, request, unasked }: SealedRequest,
  by: Pick<Approval, 'formSecret' | 'provider'>,
): Promise<Response> {
  const { location, cookie, upstreamName, again } = await beginLogin(needs, { id, request, ...by })
  const approved = { clientId: request.clientId, ...byProvider(by.provider) }
  if (!again)
    needs.emit(unasked ? { type: 'consent.skipped', because: 'external', ...approved } : { type: 'consent.approved', ...approved })
  return pageResponse(movingPage(`On to ${upstreamName}`, `You sign in with ${upstreamName} now.`, `Go on to ${upstreamName}`, location), {
    headers: { 'set-cookie': cookie },
  })
}

// The button of one provider is a yes as well. One for all, or a page that was shown while there was one, means the first.
function requireProvider(
  { upstreams }: ConsentEndpointNeeds,
  { decision, provider }: { readonly decision?: string; readonly provider?: string },
): string | undefined {
  if (provider === undefined && decision === 'approve') return upstreams.listed[0].provider
  if (provider === undefined || decision !== undefined) throw invalidRequest('The answer is neither yes nor no.', 'decision_unknown')
  return provider
}
