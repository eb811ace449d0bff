import { authorizeNames, parseAuthorizationRequest, type RequestPolicy, returnableState } from '../clients/authorization-request.ts'
import { requireRedirectUri } from '../clients/require-redirect-uri.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import type { Limiter } from '../http/rate-limit.ts'
import { seeOther } from '../http/redirect.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { invalidRequest, OAuthError } from '../protocol/errors.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { type RedirectPolicy, redirectTo } from '../protocol/redirect-uri.ts'
import type { Client } from '../records/client.ts'
import type { AuthorizationRequest } from '../records/transaction.ts'
import { type ReadRequestNeeds, readRequest } from './read-request.ts'

/** Asks the person, or goes on where no question is due; the consent room does it. `prompt` is the parameter of that name. */
export type AskConsent = (
  request: AuthorizationRequest,
  client: Client,
  browser: Request,
  sent: { readonly prompt?: string; readonly resource?: string },
) => Promise<Response>

/** What the endpoint needs. */
export interface AuthorizeEndpointNeeds extends ReadRequestNeeds {
  readonly issuer: string
  readonly policy: RequestPolicy & RedirectPolicy
  readonly askConsent: AskConsent
  readonly environment: Environment
  readonly emit: Emit
  readonly limiter: Limiter
}

/**
 * Authorization (RFC 6749 §4.1.1): judges what a client asks for and shows the person the question. It writes nothing itself, so it
 * can be asked any number of times. Until the redirect URI is known to be the client's, errors go to a page and nowhere else.
 */
export function authorizeEndpoint(needs: AuthorizeEndpointNeeds): Handler {
  const { issuer, policy, askConsent, environment, emit, limiter } = needs
  return openEndpoint({
    name: 'authorize',
    kind: 'page',
    waitsForOthers: true,
    senderCounts: true,
    environment,
    emit,
    limiter,
    limitedAs: 'authorize',
    async get(request) {
      const sent = parseParameters(new URL(request.url).searchParams, authorizeNames)
      const { client, parameters, refused } = await readRequest(needs, sent, request)
      const redirectUri = requireRedirectUri(parameters.values.redirect_uri, client, policy)
      let asked: AuthorizationRequest
      try {
        if (refused) throw invalidRequest('The request has to be pushed first.', 'request_not_pushed')
        asked = parseAuthorizationRequest(parameters, client, redirectUri, policy)
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error
        emit({ type: 'request.refused', endpoint: 'authorize', error: error.code, reason: error.reason, clientId: client.id })
        const answer = { error: error.code, error_description: error.message, state: returnableState(parameters), iss: issuer }
        return seeOther(redirectTo(redirectUri, answer))
      }
      return askConsent(asked, client, request, parameters.values)
    },
  })
}
