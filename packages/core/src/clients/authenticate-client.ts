import { invalidClient, invalidRequest, type OAuthError } from '../protocol/errors.ts'
import type { Client } from '../records/client.ts'
import type { FindClient } from './find-client.ts'

/** The client authentication in a request to the token or revocation endpoint (RFC 6749 §2.3, §3.2.1). */
export interface ClientAuthentication {
  readonly authorization: string | undefined
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
}

/**
 * The client that makes a request. Clients of this server are public: they name themselves and bring no secret (OAuth 2.1
 * §2.4). Throws `invalid_client` with one text for an unknown client and for a secret nobody asked for.
 */
export async function authenticateClient(
  find: FindClient,
  { authorization, clientId, clientSecret }: ClientAuthentication,
): Promise<Client> {
  if (authorization !== undefined) throw refuse('client_authentication_by_header')
  if (clientId === undefined) throw invalidRequest('The parameter client_id is missing.', 'client_id_missing')
  const client = await find(clientId)
  if (!client) throw refuse('client_unknown')
  if (clientSecret !== undefined) throw refuse('client_secret_of_a_public_client')
  return client
}

function refuse(reason: string): OAuthError {
  return invalidClient('The client is unknown or did not authenticate as it registered.', reason)
}
