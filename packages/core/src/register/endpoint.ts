import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { readJson } from '../http/form.ts'
import type { Limiter } from '../http/rate-limit.ts'
import type { Emit } from '../ports/events.ts'
import { parseClientMetadata, type RegistrationPolicy } from '../protocol/client-metadata.ts'
import { formatScope } from '../protocol/scope.ts'
import type { Client } from '../records/client.ts'
import { type RegisterNeeds, registerClient } from './register-client.ts'

/** What the endpoint needs. */
export interface RegisterEndpointNeeds extends RegisterNeeds {
  readonly policy: RegistrationPolicy
  readonly emit: Emit
  readonly limiter: Limiter
}

/**
 * Registration (RFC 7591): a client says what it is and is given an id. Nobody is asked and nothing is trusted: what a
 * client may do is decided by the person, on the consent page.
 */
export function registerEndpoint({ policy, emit, limiter, ...needs }: RegisterEndpointNeeds): Handler {
  return openEndpoint({
    name: 'register',
    kind: 'api',
    emit,
    limiter,
    limitedAs: 'register',
    async post(request) {
      const { client, secret } = await registerClient(needs, parseClientMetadata(await readJson(request), policy))
      emit({ type: 'client.registered', clientId: client.id, clientName: client.clientName })
      return Response.json(describeClient(client, secret), { status: 201, headers: { pragma: 'no-cache' } })
    },
  })
}

/** The registration response: everything registered, as it is now, and no member that is null (RFC 7591 §3.2.1, gotcha G6). */
function describeClient(client: Client, secret: string | undefined): Record<string, unknown> {
  return {
    client_id: client.id,
    client_id_issued_at: client.createdAt,
    redirect_uris: client.redirectUris,
    ...(client.clientName !== undefined && { client_name: client.clientName }),
    grant_types: client.grantTypes,
    response_types: ['code'],
    token_endpoint_auth_method: client.authentication,
    // It ends with the registration, which lives while it is used: 0, for never (RFC 7591 §3.2.1).
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    ...(client.jwks && { jwks: { keys: client.jwks } }),
    ...(client.jwksUri !== undefined && { jwks_uri: client.jwksUri }),
    ...(client.scope && { scope: formatScope(client.scope) }),
    ...(client.applicationType && { application_type: client.applicationType }),
    ...(client.pushesRequests && { require_pushed_authorization_requests: true }),
  }
}
