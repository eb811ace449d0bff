import type { AuthenticateClient } from '../clients/authenticate-client.ts'
import { authenticationIn, clientNames } from '../clients/read-credentials.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { readForm } from '../http/form.ts'
import type { Limiter } from '../http/rate-limit.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { isSameSecret } from '../protocol/compare.ts'
import { invalidRequest, OAuthError } from '../protocol/errors.ts'
import { parseRefreshToken } from '../protocol/identifiers.ts'
import { parseParameters } from '../protocol/parameters.ts'
import type { Grant } from '../records/grant.ts'
import type { Records } from '../records/records.ts'
import { macOf } from '../records/rotate-refresh-token.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { GrantEnding } from '../tokens/end-grant.ts'

/** What the endpoint needs. */
export interface RevokeEndpointNeeds {
  readonly authenticateClient: AuthenticateClient
  readonly accessTokens: AccessTokens
  readonly records: Pick<Records, 'grants'>
  readonly ending: GrantEnding
  readonly environment: Environment
  readonly emit: Emit
  readonly limiter: Limiter
}

/** A token, as far as it can be read without the store: its grant, and whether it is really of that grant. */
interface Named {
  readonly grantId: string
  isOf(grant: Grant): boolean
}

/**
 * Revocation (RFC 7009): either kind of token ends the whole grant, and the hint is not needed. A token that is unknown, no
 * longer good, or another client's is answered with 200 and changes nothing (§2.1, §2.2).
 */
export function revokeEndpoint(needs: RevokeEndpointNeeds): Handler {
  const { authenticateClient, accessTokens, records, ending, environment, emit, limiter } = needs
  return openEndpoint({
    name: 'revoke',
    kind: 'api',
    waitsForOthers: true,
    environment,
    emit,
    limiter,
    limitedAs: 'token',
    async post(request) {
      const { values, repeated } = parseParameters(await readForm(request), [...clientNames, 'token', 'token_type_hint'] as const)
      if (repeated[0]) throw invalidRequest(`The parameter ${repeated[0]} was sent more than once.`, 'parameter_repeated')
      if (values.token === undefined) throw invalidRequest('The parameter token is missing.', 'token_missing')
      const named = await readToken(accessTokens, values.token)
      const [client, seen] = await Promise.all([
        authenticateClient(authenticationIn(request, values)),
        named && records.grants.read(named.grantId),
      ])
      const grant = seen?.record
      if (named && grant?.clientId === client.id && named.isOf(grant)) await ending.end(named.grantId, 'revoked_by_client', seen)
      return new Response(null, { status: 200 })
    },
  })
}

async function readToken(accessTokens: AccessTokens, token: string): Promise<Named | undefined> {
  const parts = parseRefreshToken(token)
  if (parts) return { grantId: parts.grantId, isOf: (grant) => isSameSecret(parts.mac, macOf(grant, parts.generation)) }
  try {
    const { grantId } = await accessTokens.verify(token)
    return { grantId, isOf: () => true }
  } catch (cause) {
    if (cause instanceof OAuthError) return undefined
    throw cause
  }
}
