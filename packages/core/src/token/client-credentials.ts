import { invalidScope, OAuthError } from '../protocol/errors.ts'
import { narrowScopes } from '../protocol/scope.ts'
import { subjectOfClient } from '../protocol/subject.ts'
import { askedResource, askedScopes, type GiveGrantNeeds, giveGrant } from './give-grant.ts'
import { type GrantHandler, requireClient } from './grant-handler.ts'

/** What it needs beside. */
export interface ClientCredentialsNeeds extends GiveGrantNeeds {
  /** What a client gets that is listed without scopes. */
  readonly requiredScopes: readonly string[]
}

/**
 * Serves `client_credentials` (RFC 6749 §4.4, SEP-1046): a client that the operator lists for it acts for itself. Nobody is
 * asked, so it gets what it is listed with and nothing else; what it asks for can only be less.
 */
export function clientCredentialsHandler(needs: ClientCredentialsNeeds): GrantHandler {
  const { authenticateClient, requiredScopes } = needs
  return async (request) => {
    const client = await requireClient(authenticateClient, request)
    if (!client.grantTypes.includes('client_credentials'))
      throw new OAuthError('unauthorized_client', 'The client may not use this grant type.', { reason: 'grant_type_not_of_the_client' })
    const own = client.scope ?? requiredScopes
    const scopes = narrowScopes(askedScopes(request) ?? own, own)
    if (scopes.length === 0 && own.length > 0)
      throw invalidScope('None of the scopes is one that the client has.', 'scope_not_of_the_client')
    const { clientName: name } = client
    const identity = { subject: subjectOfClient(client.id), claims: { client_id: client.id, ...(name !== undefined && { name }) } }
    const given = { identity, scopes, resource: askedResource(request, needs) }
    await request.proof?.use()
    return giveGrant(needs, client, given, request.proof?.thumbprint)
  }
}
