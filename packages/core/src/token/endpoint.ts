import { authenticationIn } from '../clients/read-credentials.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { readForm } from '../http/form.ts'
import type { Limiter } from '../http/rate-limit.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { invalidRequest, OAuthError } from '../protocol/errors.ts'
import { parseParameters } from '../protocol/parameters.ts'
import type { DpopProofs } from '../tokens/dpop-proofs.ts'
import { type GrantHandler, tokenNames } from './grant-handler.ts'

/** What the endpoint needs: a handler for each grant type it accepts. */
export interface TokenEndpointNeeds {
  readonly handlers: Readonly<Record<string, GrantHandler>>
  /** Undefined while tokens are not bound: then a proof is not looked at. */
  readonly proofs: DpopProofs | undefined
  /** The address of this endpoint. */
  readonly url: string
  readonly environment: Environment
  readonly emit: Emit
  readonly limiter: Limiter
}

/** The token endpoint (RFC 6749 §3.2): reads the request and hands it to its grant type. */
export function tokenEndpoint({ handlers, proofs, url, environment, emit, limiter }: TokenEndpointNeeds): Handler {
  return openEndpoint({
    name: 'token',
    kind: 'api',
    waitsForOthers: true,
    environment,
    emit,
    limiter,
    limitedAs: 'token',
    async post(request) {
      const { values, repeated } = parseParameters(await readForm(request), tokenNames)
      if (repeated[0]) throw invalidRequest(`The parameter ${repeated[0]} was sent more than once.`, 'parameter_repeated')
      if (values.grant_type === undefined) throw invalidRequest('The parameter grant_type is missing.', 'grant_type_missing')
      const handler = Object.hasOwn(handlers, values.grant_type) ? handlers[values.grant_type] : undefined
      if (!handler) throw new OAuthError('unsupported_grant_type', 'The grant type is not supported.', { reason: 'grant_type_unsupported' })
      const proof = await (proofs?.required ? proofs.demand : proofs?.read)?.(request, { urls: [url] })
      const answer = await handler({ values, client: authenticationIn(request, values), proof })
      const freshNonce = proof?.freshNonce
      return Response.json(answer, {
        headers: { 'cache-control': 'no-store', pragma: 'no-cache', ...(freshNonce !== undefined && { 'dpop-nonce': freshNonce }) },
      })
    },
  })
}
