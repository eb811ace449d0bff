import {
  type AuthorizeName,
  authorizeNames,
  parseAuthorizationRequest,
  type RequestPolicy,
  returnableState,
} from '../clients/authorization-request.ts'
import type { FindClient } from '../clients/find-client.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import type { Limiter } from '../http/rate-limit.ts'
import { seeOther } from '../http/redirect.ts'
import type { Emit } from '../ports/events.ts'
import { invalidClient, invalidRequest, OAuthError } from '../protocol/errors.ts'
import { type Parameters, parseParameters } from '../protocol/parameters.ts'
import { matchesRedirectUri, type RedirectPolicy, redirectTo, refuseRedirectUri } from '../protocol/redirect-uri.ts'
import type { Client } from '../records/client.ts'
import type { AuthorizationRequest } from '../records/transaction.ts'

/** Asks the person; the consent room does it. */
export type ShowConsent = (request: AuthorizationRequest, client: Client, browser: Request) => Promise<Response>

/** What the endpoint needs. */
export interface AuthorizeEndpointNeeds {
  readonly issuer: string
  readonly findClient: FindClient
  readonly policy: RequestPolicy & RedirectPolicy
  readonly showConsent: ShowConsent
  readonly emit: Emit
  readonly limiter: Limiter
}

/**
 * Authorization (RFC 6749 §4.1.1): judges what a client asks for and shows the person the question. It writes nothing, so it
 * can be asked any number of times. Until the redirect URI is known to be the client's, errors go to a page and nowhere else.
 */
export function authorizeEndpoint({ issuer, findClient, policy, showConsent, emit, limiter }: AuthorizeEndpointNeeds): Handler {
  return openEndpoint({
    name: 'authorize',
    kind: 'page',
    emit,
    limiter,
    limitedAs: 'authorize',
    async get(request) {
      const parameters = parseParameters(new URL(request.url).searchParams, authorizeNames)
      const { client, redirectUri } = await proveTarget(parameters, findClient, policy)
      let asked: AuthorizationRequest
      try {
        asked = parseAuthorizationRequest(parameters, client, redirectUri, policy)
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error
        emit({ type: 'request.refused', endpoint: 'authorize', error: error.code, reason: error.reason, clientId: client.id })
        const answer = { error: error.code, error_description: error.message, state: returnableState(parameters), iss: issuer }
        return seeOther(redirectTo(redirectUri, answer))
      }
      return showConsent(asked, client, request)
    },
  })
}

/** The client and its redirect URI, proven to belong together (OAuth 2.1 §4.1.1). Throws errors that must not be redirected (§4.1.2.1). */
async function proveTarget(
  { values, repeated }: Parameters<AuthorizeName>,
  findClient: FindClient,
  redirects: RedirectPolicy,
): Promise<{ client: Client; redirectUri: string }> {
  if (repeated.includes('client_id') || repeated.includes('redirect_uri')) {
    throw invalidRequest('The client or its redirect URI was sent more than once.', 'parameter_repeated')
  }
  if (values.client_id === undefined) throw invalidRequest('The parameter client_id is missing.', 'client_id_missing')
  const client = await findClient(values.client_id)
  if (!client) throw invalidClient('The application is not registered here, or no longer. It has to register again.', 'client_unknown')
  const [only, ...others] = client.redirectUris
  const redirectUri = values.redirect_uri ?? (others.length === 0 ? only : undefined)
  if (redirectUri === undefined) throw invalidRequest('The parameter redirect_uri is missing.', 'redirect_uri_missing')
  if (!client.redirectUris.some((registered) => matchesRedirectUri(redirectUri, registered))) {
    throw invalidRequest('The redirect URI is not one that the application registered.', 'redirect_uri_unregistered')
  }
  // Again, because what is registered may be older than this release and than the operator's list (threats T25 and T28).
  if (refuseRedirectUri(redirectUri, redirects)) throw invalidRequest('The redirect URI is not allowed.', 'redirect_uri_refused')
  return { client, redirectUri }
}
