import { AssertionRefused } from '../assertions/verify-assertion.ts'
import { hashSecret, isSameSecret } from '../protocol/compare.ts'
import { invalidClient, type OAuthError } from '../protocol/errors.ts'
import { type Client, mayAuthenticateBy } from '../records/client.ts'
import type { FindClient } from './find-client.ts'
import type { ProveByAssertion } from './prove-by-assertion.ts'
import { type ClientAuthentication, type ClientCredentials, readCredentials } from './read-credentials.ts'

/** The client that makes a request. Throws `invalid_client`, and `invalid_request` for what cannot be read. */
export type AuthenticateClient = (authentication: ClientAuthentication) => Promise<Client>

/** What authenticating needs. */
export interface AuthenticateClientNeeds {
  readonly findClient: FindClient
  readonly proveByAssertion: ProveByAssertion
}

/**
 * Makes the one door for clients: the client that makes a request, by the method it registered and no other (OAuth 2.1 §2.4, RFC 7591 §2). Throws `invalid_client`
 * with one text for an unknown client, a wrong secret or assertion and a wrong method, so that none of them can be told apart.
 */
export function authenticateClient({ findClient, proveByAssertion }: AuthenticateClientNeeds): AuthenticateClient {
  return async (authentication) => {
    const credentials = readCredentials(authentication)
    if (!credentials) throw refuse('client_authentication_malformed')
    const client = await findClient(credentials.clientId, authentication.request)
    if (!client) throw refuse('client_unknown')
    if (!mayAuthenticateBy(client, credentials.method)) throw refuse('client_authentication_by_another_method')
    await prove((by, proof) => proveByAssertion(by, proof, authentication.request), client, credentials)
    return client
  }
}

async function prove(proveByAssertion: ProveByAssertion, client: Client, { method, proof }: ClientCredentials): Promise<void> {
  if (method === 'none') return
  if (method === 'private_key_jwt') {
    return proveByAssertion(client, proof).catch((cause: unknown) => {
      throw cause instanceof AssertionRefused ? refuse(`client_${cause.reason}`) : cause
    })
  }
  if (!isSameSecret(hashSecret(proof), client.secretHash ?? '')) throw refuse('client_secret_wrong')
}

function refuse(reason: string): OAuthError {
  return invalidClient('The client is unknown or did not authenticate as it registered.', reason)
}
