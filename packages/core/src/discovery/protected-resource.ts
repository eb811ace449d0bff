import { proofAlgorithms } from '../protocol/dpop.ts'
import { resourceScopes } from '../protocol/scope.ts'

/** The protected resource metadata document (RFC 9728 §2). */
export interface ProtectedResourceMetadata {
  readonly resource: string
  readonly authorization_servers: string[]
  /** The baseline, not the catalogue: what a client should ask for first (MCP 2025-11-25, scope selection). */
  readonly scopes_supported?: string[]
  readonly bearer_methods_supported: string[]
  /** By which proofs of a key may be signed, and whether every token needs one. */
  readonly dpop_signing_alg_values_supported?: string[]
  readonly dpop_bound_access_tokens_required?: true
  readonly resource_name: string
}

/** What the document is made from. */
export interface ProtectedResourceNeeds {
  readonly resource: string
  /** The issuers whose tokens are taken; one at least. */
  readonly authorizationServers: readonly string[]
  readonly requiredScopes: readonly string[]
  readonly serverName: string
  readonly dpop: { readonly required: boolean } | undefined
}

/** Makes the document. `offline_access` is between a client and its authorization server, so a resource never lists it (SEP-2207). */
export function protectedResourceMetadata({
  resource,
  authorizationServers,
  requiredScopes,
  serverName,
  dpop,
}: ProtectedResourceNeeds): ProtectedResourceMetadata {
  const scopes = resourceScopes(requiredScopes)
  return {
    resource,
    authorization_servers: [...authorizationServers],
    ...(scopes.length > 0 && { scopes_supported: [...scopes] }),
    bearer_methods_supported: ['header'],
    ...(dpop && { dpop_signing_alg_values_supported: [...proofAlgorithms] }),
    ...(dpop?.required && { dpop_bound_access_tokens_required: true }),
    resource_name: serverName,
  }
}
