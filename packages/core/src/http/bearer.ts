import { invalidRequest, invalidToken } from '../protocol/errors.ts'
import { formatScope } from '../protocol/scope.ts'

/** What an `Authorization` header holds: nothing that is for us, something malformed, or a token (RFC 6750 §2.1). */
export type BearerCredentials = { readonly is: 'absent' } | { readonly is: 'malformed' } | { readonly is: 'token'; readonly token: string }

/** Reads the bearer token of a request; two headers arrive joined by a comma and are malformed (RFC 6750 §3.1). */
export function readBearer(request: Request): BearerCredentials {
  const header = request.headers.get('authorization')
  if (header === null || !/^bearer(\s|$)/i.test(header)) return { is: 'absent' }
  const [, token] = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header) ?? []
  return token === undefined ? { is: 'malformed' } : { is: 'token', token }
}

/** The token of a request that needs one. Throws `invalid_token` with this description when there is none, and `invalid_request` when it is malformed. */
export function requireBearer(request: Request, description: string): string {
  const credentials = readBearer(request)
  if (credentials.is === 'absent') throw invalidToken(description, 'credentials_missing')
  if (credentials.is === 'malformed') throw invalidRequest('The Authorization header is malformed.', 'credentials_malformed')
  return credentials.token
}

/** The parts of a challenge. Without `error` when no credentials were sent (OAuth 2.1 §5.3.2). */
export interface Challenge {
  readonly error?: string
  readonly description?: string
  readonly scopes: readonly string[]
  readonly metadataUrl: string
}

/**
 * The value of `WWW-Authenticate` (RFC 6750 §3, RFC 9728 §5.1). Clients read it with less than a parser: one blank after the
 * scheme, `error_description` last, and never an empty `scope` (gotchas G13 to G15).
 */
export function formatChallenge(challenge: Challenge): string {
  return `Bearer ${challengeParameters(challenge).join(', ')}`
}

/** The parts of a challenge, in the order in which clients can read them; `more` comes before the description. */
export function challengeParameters({ error, description, scopes, metadataUrl }: Challenge, more?: string): string[] {
  return [
    error && `error="${error}"`,
    scopes.length > 0 && `scope="${formatScope(scopes)}"`,
    `resource_metadata="${metadataUrl}"`,
    more,
    description && `error_description="${description}"`,
  ].filter((part): part is string => typeof part === 'string')
}
