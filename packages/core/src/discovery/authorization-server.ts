import { assertionAlgorithms } from '../assertions/verify-assertion.ts'
import { deviceGrantType } from '../protocol/device-code.ts'
import { proofAlgorithms } from '../protocol/dpop.ts'

/**
 * The authorization server metadata document (RFC 8414 §2), as MCP clients read it. A type and not an interface, which MCP's SDK
 * would not take where it wants this document: its own allows any other member.
 */
export type AuthorizationServerMetadata = {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  /** Absent where registration is closed. */
  readonly registration_endpoint?: string
  readonly revocation_endpoint: string
  /** Only where there are resource servers elsewhere, who alone may use it (RFC 7662, RFC 8414 §2). */
  readonly introspection_endpoint?: string
  readonly introspection_endpoint_auth_methods_supported?: string[]
  /** Where requests are pushed to, and whether they have to be (RFC 9126 §5). */
  readonly pushed_authorization_request_endpoint?: string
  readonly require_pushed_authorization_requests?: true
  /** Where a device without a browser begins (RFC 8628 §4). */
  readonly device_authorization_endpoint?: string
  /** Its keys verify our tokens; empty while a secret signs them and we alone can (RFC 9068 §4). */
  readonly jwks_uri: string
  readonly scopes_supported: string[]
  readonly response_types_supported: string[]
  readonly response_modes_supported: string[]
  readonly grant_types_supported: string[]
  /** Which profiles of a grant type are taken (Identity Assertion JWT Authorization Grant §7.2). */
  readonly authorization_grant_profiles_supported?: string[]
  readonly token_endpoint_auth_methods_supported: string[]
  readonly token_endpoint_auth_signing_alg_values_supported: string[]
  readonly revocation_endpoint_auth_methods_supported: string[]
  readonly revocation_endpoint_auth_signing_alg_values_supported: string[]
  readonly code_challenge_methods_supported: string[]
  /** By which proofs of a key may be signed, where tokens can be bound to one (RFC 9449 §5.1). */
  readonly dpop_signing_alg_values_supported?: string[]
  /** Only where URLs are clients (draft-ietf-oauth-client-id-metadata-document-00 §5). */
  readonly client_id_metadata_document_supported?: true
  /** We send `iss` with every answer of the authorization endpoint (RFC 9207 §3). */
  readonly authorization_response_iss_parameter_supported: true
  /** What readers of the OpenID Connect form of this document demand; no id tokens are issued (OpenID Connect Discovery §3). */
  readonly subject_types_supported: string[]
  readonly id_token_signing_alg_values_supported: string[]
}

/** What the document is made from. */
export interface AuthorizationServerNeeds {
  readonly issuer: string
  readonly baseUrl: string
  readonly scopes: readonly string[]
  /** Grant types beyond those of a login. */
  readonly directGrantTypes: readonly string[]
  readonly identityAssertions: object | undefined
  readonly pushedRequests: 'allowed' | 'required' | undefined
  readonly dpop: object | undefined
  /** Whose clients may be URLs; undefined for nobody's. */
  readonly documentHosts: object | undefined
  readonly registration: { readonly isOpen: boolean }
  readonly resourceServers: { readonly size: number }
  readonly deviceGrant: boolean
}

/** `none` first: it is what a program on somebody's computer should choose. */
const authenticationMethods: readonly string[] = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']

/** Makes the document. Every list is what the endpoints really accept. */
export function authorizationServerMetadata(needs: AuthorizationServerNeeds): AuthorizationServerMetadata {
  const { issuer, baseUrl, scopes, registration, pushedRequests, dpop, deviceGrant, documentHosts } = needs
  const { directGrantTypes, identityAssertions, resourceServers } = needs
  return {
    issuer,
    authorization_endpoint: `${baseUrl}/authorize`,
    token_endpoint: `${baseUrl}/token`,
    ...(registration.isOpen && { registration_endpoint: `${baseUrl}/register` }),
    revocation_endpoint: `${baseUrl}/revoke`,
    ...(pushedRequests && { pushed_authorization_request_endpoint: `${baseUrl}/par` }),
    ...(pushedRequests === 'required' && { require_pushed_authorization_requests: true }),
    ...(resourceServers.size > 0 && {
      introspection_endpoint: `${baseUrl}/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    }),
    ...(deviceGrant && { device_authorization_endpoint: `${baseUrl}/device_authorization` }),
    jwks_uri: `${baseUrl}/.well-known/jwks.json`,
    scopes_supported: [...scopes],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token', ...directGrantTypes, ...(deviceGrant ? [deviceGrantType] : [])],
    ...(identityAssertions && { authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'] }),
    token_endpoint_auth_methods_supported: [...authenticationMethods],
    token_endpoint_auth_signing_alg_values_supported: [...assertionAlgorithms],
    revocation_endpoint_auth_methods_supported: [...authenticationMethods],
    revocation_endpoint_auth_signing_alg_values_supported: [...assertionAlgorithms],
    code_challenge_methods_supported: ['S256'],
    ...(dpop && { dpop_signing_alg_values_supported: [...proofAlgorithms] }),
    ...(documentHosts && { client_id_metadata_document_supported: true }),
    authorization_response_iss_parameter_supported: true,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  }
}
