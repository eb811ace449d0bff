import { z } from 'zod'
import { requireClientKeys } from '../protocol/client-keys.ts'
import { type ClientMetadata, cleanName, type RegistrationPolicy, requireGrantTypes } from '../protocol/client-metadata.ts'
import { unsafeClientUri } from '../protocol/client-uris.ts'
import { refuseRedirectUri } from '../protocol/redirect-uri.ts'
import { narrowScopes, parseScope } from '../protocol/scope.ts'
import { DocumentUnusable } from './guarded-fetch.ts'

/** What a document is judged by. */
export interface DocumentPolicy extends Omit<RegistrationPolicy, 'redirectUris'> {
  readonly allowLoopback: boolean
}

// Members that we do not know are ignored, and a member that is null is not there.
const shape = z.looseObject({
  client_id: z.string(),
  client_name: z.string(),
  redirect_uris: z.array(z.string()),
  token_endpoint_auth_method: z.string().nullish(),
  token_endpoint_auth_methods_supported: z.array(z.string()).nullish(),
  grant_types: z.array(z.string()).nullish(),
  response_types: z.array(z.string()).nullish(),
  scope: z.string().nullish(),
  application_type: z.unknown().optional(),
  jwks: z.unknown().optional(),
  jwks_uri: z.string().nullish(),
  require_pushed_authorization_requests: z.unknown().optional(),
  dpop_bound_access_tokens: z.unknown().optional(),
})

type Document = z.infer<typeof shape>

/**
 * The client that the document at `url` describes (draft-ietf-oauth-client-id-metadata-document-00 §4.1, MCP 2025-11-25). The
 * operator's list of redirect URIs is not asked here but with each request, since the list can change before the document
 * does. Throws {@link DocumentUnusable}.
 */
export function parseDocument(url: string, json: unknown, policy: DocumentPolicy): ClientMetadata {
  const { success, data } = shape.safeParse(json)
  if (!success) throw new DocumentUnusable('malformed')
  if (data.client_id !== url) throw new DocumentUnusable('names_another_client')
  // Everybody can read the document, so what is in it is no secret (§4.1).
  if (Object.keys(data).some((name) => name.startsWith('client_secret'))) throw new DocumentUnusable('has_a_secret')
  if (unsafeClientUri(data) !== undefined) throw new DocumentUnusable('client_uri_refused')
  const clientName = cleanName(data.client_name)
  if (clientName === '') throw new DocumentUnusable('without_name')
  const scope = narrowScopes(parseScope(data.scope ?? '') ?? [], policy.validScopes)
  return {
    redirectUris: usableRedirectUris(data, policy),
    clientName,
    grantTypes: usableGrantTypes(data, policy),
    ...parseAuthentication(data, policy),
    ...(scope.length > 0 && { scope }),
    ...((data.application_type === 'native' || data.application_type === 'web') && { applicationType: data.application_type }),
    ...(policy.dpop && data.dpop_bound_access_tokens === true && { bindsTokens: true }),
    ...(policy.pushedRequests && data.require_pushed_authorization_requests === true && { pushesRequests: true }),
  }
}

// One document is for all servers, and lists what other servers take: what cannot be used here is left out.
function usableRedirectUris(data: Document, { redirectSchemes }: DocumentPolicy): readonly string[] {
  const usable = data.redirect_uris.filter((uri) => refuseRedirectUri(uri, { redirectSchemes }) === undefined)
  if (usable.length === 0) throw new DocumentUnusable('without_redirect_uri')
  return usable
}

function usableGrantTypes(data: Document, policy: DocumentPolicy): ClientMetadata['grantTypes'] {
  try {
    return requireGrantTypes(data.grant_types ?? undefined, data.response_types ?? undefined, policy)
  } catch (cause) {
    throw new DocumentUnusable('grant_types_unsupported', { cause })
  }
}

/** The methods by which a client that everybody can read proves itself (draft §4.1, §6.2), the preferred one first. */
function parseAuthentication(
  data: Document,
  policy: DocumentPolicy,
): Pick<ClientMetadata, 'authentication' | 'authenticationChoices' | 'jwks' | 'jwksUri'> {
  const { token_endpoint_auth_method: preferred, token_endpoint_auth_methods_supported: supported } = data
  if (preferred?.startsWith('client_secret')) throw new DocumentUnusable('authentication_by_secret')
  const keys = parseKeys(data, policy)
  const listed = preferred ? [preferred, ...(supported ?? [])] : (supported ?? ['none'])
  const hasKeys = keys.jwks !== undefined || keys.jwksUri !== undefined
  const usable = [...new Set(listed)].filter(
    (method): method is 'none' | 'private_key_jwt' => method === 'none' || (method === 'private_key_jwt' && hasKeys),
  )
  const [authentication, ...others] = usable
  if (authentication === undefined) throw new DocumentUnusable('authentication_unsupported')
  return { authentication, ...(others.length > 0 && { authenticationChoices: usable }), ...keys }
}

function parseKeys({ jwks, jwks_uri: jwksUri }: Document, policy: DocumentPolicy): Pick<ClientMetadata, 'jwks' | 'jwksUri'> {
  if (jwks == null && jwksUri == null) return {}
  try {
    return requireClientKeys(jwks ?? undefined, jwksUri ?? undefined, policy)
  } catch (cause) {
    throw new DocumentUnusable('keys_refused', { cause })
  }
}
