import type { AuthenticateClient } from '../clients/authenticate-client.ts'
import type { ClientAuthentication } from '../clients/read-credentials.ts'
import { invalidGrant, invalidRequest, invalidScope, invalidTarget, type OAuthError } from '../protocol/errors.ts'
import type { Client } from '../records/client.ts'
import type { TokenRefusal } from '../records/redeem-code.ts'
import { missingProof, type Proof } from '../tokens/dpop-proofs.ts'
import type { TokenResponse } from '../tokens/issue-tokens.ts'

/** The parameters of the token endpoint (RFC 6749 §4.1.3 and §6, RFC 7521 §4.1 and §4.2, RFC 7636 §4.5, RFC 8628 §3.4, RFC 8707 §2.2). */
export const tokenNames = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'code',
  'redirect_uri',
  'code_verifier',
  'refresh_token',
  'assertion',
  'device_code',
  'scope',
  'resource',
] as const

/** A token request: its parameters, each at most once, and the client's authentication. */
export interface TokenRequest {
  readonly values: Readonly<Partial<Record<(typeof tokenNames)[number], string>>>
  readonly client: ClientAuthentication
  /** The proof of a key that it brings. A handler uses it up when everything else is good, before it spends anything. */
  readonly proof: Proof | undefined
}

/** Serves one grant type (RFC 6749 §4). */
export type GrantHandler = (request: TokenRequest) => Promise<TokenResponse>

/** The client of a request. Throws as {@link AuthenticateClient}, and `invalid_dpop_proof` for one that takes bound tokens only and brings no proof (RFC 9449 §5.2). */
export async function requireClient(
  authenticateClient: AuthenticateClient,
  { client: authentication, proof }: TokenRequest,
): Promise<Client> {
  const client = await authenticateClient(authentication)
  if (client.bindsTokens && !proof) throw missingProof()
  return client
}

/** The value of a parameter that has to be there. Throws `invalid_request`. */
export function requireParameter({ values }: TokenRequest, name: (typeof tokenNames)[number]): string {
  const value = values[name]
  if (value === undefined) throw invalidRequest(`The parameter ${name} is missing.`, `${name}_missing`)
  return value
}

/** The error for a refusal: one text for everything an attacker could probe. */
export function refuseToken(reason: TokenRefusal | 'not_of_our_grammar' | 'provider_unknown'): OAuthError {
  if (reason === 'code_for_another_resource' || reason === 'refresh_token_for_another_resource') {
    return invalidTarget('The resource is not the one that was granted.', reason)
  }
  if (reason === 'scope_wider_than_granted') return invalidScope('The scope is wider than the one that was granted.', reason)
  return invalidGrant('The code or refresh token is invalid, has expired, or belongs to another client.', reason)
}
