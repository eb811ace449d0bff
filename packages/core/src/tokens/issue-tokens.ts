import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { formatRefreshToken } from '../protocol/identifiers.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { formatScope } from '../protocol/scope.ts'
import type { Seconds } from '../protocol/time.ts'
import { type Client, isClientDue, renewClient } from '../records/client.ts'
import type { Grant } from '../records/grant.ts'
import type { Records } from '../records/records.ts'
import { macOf } from '../records/rotate-refresh-token.ts'
import type { AccessTokens } from './access-token.ts'

/** A successful token response (RFC 6749 §5.1). */
export interface TokenResponse {
  readonly access_token: string
  /** `DPoP` for an access token that is bound to a key (RFC 9449 §5). */
  readonly token_type: 'Bearer' | 'DPoP'
  readonly expires_in: Seconds
  /** Always there: clients take the granted scopes from it (RFC 6749 §5.1; gotcha G5). */
  readonly scope: string
  readonly refresh_token?: string
}

/** What issuing needs. */
export interface IssueNeeds {
  readonly accessTokens: AccessTokens
  readonly records: Pick<Records, 'clients' | 'lists'>
  readonly accessTokenLifetime: Seconds
  readonly environment: Environment
  readonly emit: Emit
}

/**
 * Issues the tokens of a grant's newest generation, the access token bound to the key with the thumbprint `boundTo`, if there is one. The same generation always
 * has the same refresh token.
 */
export async function issueTokens(
  { accessTokens, records, accessTokenLifetime, environment, emit }: IssueNeeds,
  client: Client,
  grant: Grant,
  scopes: readonly string[] = grant.scopes,
  boundTo?: string,
): Promise<TokenResponse> {
  const { generation, allowed } = grant.refresh
  const claims = { subject: grant.identity.subject, clientId: grant.clientId, resource: grant.resource, grantId: grant.id }
  const binding = boundTo === undefined ? {} : { boundTo }
  const accessToken = await accessTokens.sign({ ...claims, scopes, generation, ...binding }, accessTokenLifetime)
  if (isClientDue(client, environment.now())) environment.defer(keepClient(records, client.id))
  emit({ type: 'token.issued', clientId: client.id, grantId: grant.id, generation })
  return {
    access_token: accessToken,
    token_type: boundTo === undefined ? 'Bearer' : 'DPoP',
    expires_in: accessTokenLifetime,
    scope: formatScope(scopes),
    ...(allowed && { refresh_token: formatRefreshToken({ grantId: grant.id, generation, mac: macOf(grant, generation) }) }),
  }
}

// Beside the request: should it fail, the next refresh tries again, months before the registration ends.
async function keepClient({ clients, lists }: IssueNeeds['records'], clientId: string): Promise<void> {
  await lists.add({ kind: 'clients' }, clientId, fixedLifetimes.client)
  await clients.change(clientId, renewClient)
}
