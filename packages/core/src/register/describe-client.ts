import { formatScope } from '../protocol/scope.ts'
import type { Client } from '../records/client.ts'
import type { ClientSecrets } from './client-secrets.ts'

/**
 * The client information response: everything registered, as it is now, and no member that is null (RFC 7591 §3.2.1, gotcha G6). A client that
 * may change what it registered is told where, and by which token (RFC 7592 §3).
 */
export function describeClient(client: Client, { secret, registrationToken }: ClientSecrets, baseUrl: string): Record<string, unknown> {
  return {
    client_id: client.id,
    client_id_issued_at: client.createdAt,
    ...(registrationToken !== undefined && {
      registration_client_uri: `${baseUrl}/register/client?client_id=${client.id}`,
      registration_access_token: registrationToken,
    }),
    redirect_uris: client.redirectUris,
    ...(client.clientName !== undefined && { client_name: client.clientName }),
    grant_types: client.grantTypes,
    response_types: client.grantTypes.includes('authorization_code') ? ['code'] : [],
    token_endpoint_auth_method: client.authentication,
    // It ends with the registration, which lives while it is used: 0, for never (RFC 7591 §3.2.1).
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    ...(client.jwks && { jwks: { keys: client.jwks } }),
    ...(client.jwksUri !== undefined && { jwks_uri: client.jwksUri }),
    ...(client.scope && { scope: formatScope(client.scope) }),
    ...(client.applicationType && { application_type: client.applicationType }),
    ...(client.bindsTokens && { dpop_bound_access_tokens: true }),
    ...(client.pushesRequests && { require_pushed_authorization_requests: true }),
  }
}
