/** The name of an OAuth error (RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 7591 §3.2.2, RFC 8628 §3.5, RFC 8707 §2, RFC 9101 §10.6, RFC 9449 §12.2, OpenID Connect Core §3.1.2.6). */
export type ErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'invalid_request_uri'
  | 'interaction_required'
  | 'authorization_pending'
  | 'slow_down'
  | 'expired_token'
  | 'access_denied'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'invalid_redirect_uri'
  | 'invalid_client_metadata'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'

/** The statuses that are not 400, for an error that is not sent by redirect (the same sections as {@link ErrorCode}). */
const statusOf: Partial<Record<ErrorCode, number>> = {
  invalid_client: 401,
  access_denied: 403,
  server_error: 500,
  temporarily_unavailable: 503,
  invalid_token: 401,
  insufficient_scope: 403,
}

/** What MCP's SDK v2 looks for to know an `OAuthError` of another copy of itself. */
const sdkBrands = Symbol.for('mcp.sdk.errorBrands')

/**
 * A refusal that OAuth has a name for. `description` goes over the wire and is the same for every check an attacker could
 * probe; `reason` names the check and goes to events only.
 *
 * Carries what MCP's SDK v2 recognises as its own error, so that its `requireBearerAuth` answers 401 and not 500.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: ErrorCode
  readonly reason: string

  constructor(code: ErrorCode, description: string, { reason, cause }: { reason: string; cause?: unknown }) {
    super(description, { cause })
    this.code = code
    this.reason = reason
    Object.defineProperty(this, sdkBrands, { value: new Set(['mcp.OAuthError']) })
  }

  get status(): number {
    return statusOf[this.code] ?? 400
  }

  /** The JSON body of RFC 6749 §5.2. */
  toResponseObject(): { error: ErrorCode; error_description: string } {
    return { error: this.code, error_description: this.message }
  }
}

type Refusal = (description: string, reason: string, cause?: unknown) => OAuthError

const refusal =
  (code: ErrorCode): Refusal =>
  (description, reason, cause) =>
    new OAuthError(code, description, { reason, cause })

/** The request is malformed (RFC 6749 §5.2). */
export const invalidRequest: Refusal = refusal('invalid_request')
/** The grant, code or refresh token is not good for this client, or no longer (RFC 6749 §5.2). */
export const invalidGrant: Refusal = refusal('invalid_grant')
/** The client is unknown or did not prove itself (RFC 6749 §5.2). */
export const invalidClient: Refusal = refusal('invalid_client')
/** The scopes asked for cannot be given (RFC 6749 §5.2). */
export const invalidScope: Refusal = refusal('invalid_scope')
/** The resource asked for is not one of ours, or not the one granted (RFC 8707 §2). */
export const invalidTarget: Refusal = refusal('invalid_target')
/** The access token is not good, or no longer (RFC 6750 §3.1). */
export const invalidToken: Refusal = refusal('invalid_token')
/** The proof of a key is missing, or is not good for this request (RFC 9449 §5). */
export const invalidDpopProof: Refusal = refusal('invalid_dpop_proof')
/** The person, the operator or the upstream said no (RFC 6749 §4.1.2.1). */
export const accessDenied: Refusal = refusal('access_denied')

/** The proof of a key needs this nonce, which goes out as `DPoP-Nonce` (RFC 9449 §8). */
export class DpopNonceWanted extends OAuthError {
  readonly nonce: string

  constructor(nonce: string, reason: string) {
    super('use_dpop_nonce', 'The DPoP proof needs the nonce in the header DPoP-Nonce.', { reason })
    this.nonce = nonce
  }
}

/** The options cannot be used: `problems` lists every one of them, each with what mends it (ours). */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(`Drawbridge cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`, options)
    this.problems = problems
  }
}
