import type { AuthenticateClient } from '../clients/authenticate-client.ts'
import type { Identity } from '../ports/upstream.ts'
import { invalidScope, invalidTarget } from '../protocol/errors.ts'
import { timedId } from '../protocol/identifiers.ts'
import { fixedLifetimes, type Lifetimes } from '../protocol/lifetimes.ts'
import { findResource } from '../protocol/resource.ts'
import { parseScope } from '../protocol/scope.ts'
import type { Client } from '../records/client.ts'
import { newDirectGrant } from '../records/direct-grant.ts'
import type { Records } from '../records/records.ts'
import { type IssueNeeds, issueTokens, type TokenResponse } from '../tokens/issue-tokens.ts'
import type { TokenRequest } from './grant-handler.ts'

/** What giving a grant at once needs. */
export interface GiveGrantNeeds extends IssueNeeds, ResourcePolicy {
  readonly authenticateClient: AuthenticateClient
  readonly records: Pick<Records, 'clients' | 'grants' | 'lists'>
  readonly lifetimes: Lifetimes
}

/** Who is given what, every check passed. */
export interface Given {
  readonly identity: Identity
  readonly scopes: readonly string[]
  readonly resource: string
}

/**
 * Gives a grant that needs no login, and its one access token, bound to the key with the thumbprint `boundTo`, if there is one. There is no refresh token: whoever got this one the same way gets
 * the next (RFC 6749 §4.4.3, RFC 7521 §4.1).
 */
export async function giveGrant(needs: GiveGrantNeeds, client: Client, given: Given, boundTo?: string): Promise<TokenResponse> {
  const { records, lifetimes, environment, emit } = needs
  const now = environment.now()
  const id = timedId(now, environment.randomBytes(10))
  const refreshSecret = Buffer.from(environment.randomBytes(32)).toString('base64url')
  const grant = newDirectGrant({ id, clientId: client.id, refreshSecret, ...given }, lifetimes, now)
  const stays = lifetimes.accessToken + fixedLifetimes.leeway
  await Promise.all([
    records.grants.create(id, grant),
    records.lists.add({ kind: 'subject-grants', id: given.identity.subject }, id, stays),
    records.lists.add({ kind: 'client-grants', id: client.id }, id, stays),
  ])
  emit({ type: 'grant.opened', clientId: client.id, grantId: id, subject: given.identity.subject })
  return issueTokens(needs, client, grant, grant.scopes, boundTo)
}

/** The scopes a request names; undefined when it names none. Throws `invalid_scope` for characters that no scope has (RFC 6749 §3.3). */
export function askedScopes({ values }: TokenRequest): readonly string[] | undefined {
  if (values.scope === undefined) return undefined
  const scopes = parseScope(values.scope)
  if (!scopes) throw invalidScope('The parameter scope has characters that no scope has.', 'scope_malformed')
  // No refresh token is given here, so there is nothing that `offline_access` could be granted for (SEP-2207).
  const asked = scopes.filter((scope) => scope !== 'offline_access')
  return asked.length > 0 ? asked : undefined
}

/** Which resources there are, and the one of a request that names none. */
export interface ResourcePolicy {
  readonly resources: readonly string[]
  readonly defaultResource: string | undefined
}

/** The resource a request names, or the default (RFC 8707 §2.2). Throws `invalid_target`. */
export function askedResource({ values }: TokenRequest, { resources, defaultResource }: ResourcePolicy): string {
  const resource = values.resource === undefined ? defaultResource : findResource(values.resource, resources)
  if (resource !== undefined) return resource
  throw invalidTarget('The resource is not one of this server.', values.resource === undefined ? 'resource_missing' : 'resource_unknown')
}
