import { authenticationIn, type ClientAuthentication, clientNames, readCredentials } from '../clients/read-credentials.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { readForm } from '../http/form.ts'
import type { Limiter } from '../http/rate-limit.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { hashSecret, isSameSecret } from '../protocol/compare.ts'
import { invalidClient, invalidRequest, OAuthError } from '../protocol/errors.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { formatScope } from '../protocol/scope.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { Proof } from '../tokens/dpop-proofs.ts'
import type { VerifyAccessToken } from '../tokens/verify-access-token.ts'

/** A resource server elsewhere that may ask about tokens: those for its own resource. */
export interface KnownResourceServer {
  readonly resource: string
  readonly secretHash: string
}

/** What the endpoint needs. */
export interface IntrospectEndpointNeeds {
  readonly issuer: string
  /** By the id that they authenticate with. */
  readonly resourceServers: ReadonlyMap<string, KnownResourceServer>
  readonly accessTokens: AccessTokens
  readonly verify: VerifyAccessToken
  readonly environment: Environment
  readonly emit: Emit
  readonly limiter: Limiter
}

/**
 * Introspection (RFC 7662): tells a resource server elsewhere what we know of an access token for it, as our own gate would judge
 * it. Whatever else it asks about is not active, and nothing says why (§2.2, §4). It never calls the upstream.
 */
export function introspectEndpoint(needs: IntrospectEndpointNeeds): Handler {
  const { resourceServers, environment, emit, limiter } = needs
  return openEndpoint({
    name: 'introspect',
    kind: 'api',
    environment,
    emit,
    limiter,
    limitedAs: 'introspect',
    async post(request) {
      const { values, repeated } = parseParameters(await readForm(request), [...clientNames, 'token', 'token_type_hint'] as const)
      if (repeated[0]) throw invalidRequest(`The parameter ${repeated[0]} was sent more than once.`, 'parameter_repeated')
      const { resource } = requireResourceServer(resourceServers, authenticationIn(request, values))
      if (values.token === undefined) throw invalidRequest('The parameter token is missing.', 'token_missing')
      return Response.json(await describeToken(needs, values.token, resource), { headers: { pragma: 'no-cache' } })
    },
  })
}

// Without authentication the endpoint would tell anybody which of the tokens they guess or find are good (RFC 7662 §2.1, §4).
function requireResourceServer(
  resourceServers: IntrospectEndpointNeeds['resourceServers'],
  authentication: ClientAuthentication,
): KnownResourceServer {
  const credentials = readCredentials(authentication)
  if (!credentials) throw refuse('client_authentication_malformed')
  const server = resourceServers.get(credentials.clientId)
  if (!server) throw refuse('client_unknown')
  const { method, proof } = credentials
  if (method !== 'client_secret_basic' && method !== 'client_secret_post') throw refuse('client_authentication_by_another_method')
  if (!isSameSecret(hashSecret(proof), server.secretHash)) throw refuse('client_secret_wrong')
  return server
}

function refuse(reason: string): OAuthError {
  return invalidClient('The resource server is unknown or did not authenticate.', reason)
}

async function describeToken({ issuer, accessTokens, verify }: IntrospectEndpointNeeds, token: string, resource: string): Promise<object> {
  try {
    const claims = await accessTokens.verify(token)
    await verify(token, [{ uri: resource }], proofLeftTo(claims.boundTo))
    return {
      active: true,
      iss: issuer,
      aud: claims.resource,
      sub: claims.subject,
      client_id: claims.clientId,
      scope: formatScope(claims.scopes),
      exp: claims.expiresAt,
      iat: claims.issuedAt,
      jti: claims.tokenId,
      ...(claims.boundTo === undefined ? { token_type: 'Bearer' } : { token_type: 'DPoP', cnf: { jkt: claims.boundTo } }),
    }
  } catch (cause) {
    if (cause instanceof OAuthError && cause.code === 'invalid_token') return { active: false }
    throw cause
  }
}

// Whoever asks was shown the proof, and is told by `cnf` which key it has to be of (RFC 9449 §6.2).
function proofLeftTo(thumbprint: string | undefined): Proof | undefined {
  return thumbprint === undefined ? undefined : { thumbprint, use: async () => {} }
}
