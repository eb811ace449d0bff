import type { AuthenticateClient } from '../clients/authenticate-client.ts'
import { authorizeNames, parseAuthorizationRequest, type RequestPolicy } from '../clients/authorization-request.ts'
import { authenticationIn, clientNames } from '../clients/read-credentials.ts'
import { requireRedirectUri } from '../clients/require-redirect-uri.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { readForm } from '../http/form.ts'
import type { Limiter } from '../http/rate-limit.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { invalidDpopProof, invalidRequest } from '../protocol/errors.ts'
import { formatRequestUri } from '../protocol/identifiers.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { parseParameters } from '../protocol/parameters.ts'
import type { RedirectPolicy } from '../protocol/redirect-uri.ts'
import { newPushedRequest } from '../records/pushed-request.ts'
import type { Records } from '../records/records.ts'
import type { DpopProofs, Proof } from '../tokens/dpop-proofs.ts'

/** What the endpoint needs. */
export interface PushEndpointNeeds {
  readonly authenticateClient: AuthenticateClient
  readonly policy: RequestPolicy & RedirectPolicy
  /** Undefined while tokens are not bound: then a proof is not looked at. */
  readonly proofs: DpopProofs | undefined
  /** The address of this endpoint. */
  readonly url: string
  readonly records: Pick<Records, 'pushedRequests'>
  readonly environment: Environment
  readonly emit: Emit
  readonly limiter: Limiter
}

/** Those that an authorization request has in a URL, and those by which its client proves itself. */
const names = [...new Set([...authorizeNames, ...clientNames])]

/**
 * Pushed authorization requests (RFC 9126): takes from the client itself what would come through a browser, judges it as the
 * authorization endpoint will, and answers with a reference. It asks no person; errors are answered here and redirect nobody.
 */
export function pushEndpoint(needs: PushEndpointNeeds): Handler {
  const { authenticateClient, policy, records, environment, emit, limiter } = needs
  return openEndpoint({
    name: 'push',
    kind: 'api',
    waitsForOthers: true,
    environment,
    emit,
    limiter,
    limitedAs: 'token',
    async post(request) {
      const { values, repeated } = parseParameters(await readForm(request), names)
      if (repeated[0]) throw invalidRequest(`The parameter ${repeated[0]} was sent more than once.`, 'parameter_repeated')
      const client = await authenticateClient(authenticationIn(request, values))
      // A reference to a reference (RFC 9126 §2.1: "MUST NOT be provided").
      if (values.request_uri !== undefined) throw invalidRequest('The parameter request_uri cannot be pushed.', 'request_uri_pushed')
      const proof = await readProof(needs, request, values.dpop_jkt)
      const redirectUri = requireRedirectUri(values.redirect_uri, client, policy)
      // What proves the client is left out of what is kept.
      const asked: Record<string, string> = Object.fromEntries(authorizeNames.map((name) => [name, values[name]]).filter(isSent))
      if (proof) asked.dpop_jkt = proof.thumbprint
      parseAuthorizationRequest({ values: asked, repeated: [] }, client, redirectUri, policy)
      await proof?.use()
      const secret = Buffer.from(environment.randomBytes(32)).toString('base64url')
      await records.pushedRequests.create(secret, newPushedRequest(client.id, asked, environment.now()))
      const answer = { request_uri: formatRequestUri(secret), expires_in: fixedLifetimes.pushedRequest }
      return Response.json(answer, { status: 201, headers: { pragma: 'no-cache' } })
    },
  })
}

// A proof says which key the code is to be bound to, in place of the parameter (RFC 9449 §10.1).
async function readProof({ proofs, url }: PushEndpointNeeds, request: Request, thumbprint: string | undefined): Promise<Proof | undefined> {
  const proof = await proofs?.read(request, { urls: [url] })
  if (!proof || thumbprint === undefined || thumbprint === proof.thumbprint) return proof
  throw invalidDpopProof('The DPoP proof is of another key than the parameter dpop_jkt.', 'proof_of_another_key')
}

function isSent(pair: readonly (string | undefined)[]): pair is [string, string] {
  return pair[1] !== undefined
}
