import type { AuthorizeName } from '../clients/authorization-request.ts'
import type { FindClient } from '../clients/find-client.ts'
import { invalidClient, invalidRequest, OAuthError } from '../protocol/errors.ts'
import { parseRequestUri } from '../protocol/identifiers.ts'
import type { Parameters } from '../protocol/parameters.ts'
import type { Client } from '../records/client.ts'
import type { PushedRequest } from '../records/pushed-request.ts'
import type { Records } from '../records/records.ts'

/** What reading needs. */
export interface ReadRequestNeeds {
  readonly findClient: FindClient
  readonly records: Pick<Records, 'pushedRequests'>
  /** Whether clients may push their requests, or have to; undefined: they cannot. */
  readonly pushedRequests: 'allowed' | 'required' | undefined
  /** Whether clients may register, so that one that is unknown can help itself. */
  readonly registrationIsOpen: boolean
}

/** A request and the client it names, neither of them proven to belong to the other. */
export interface ReadRequest {
  readonly client: Client
  readonly parameters: Parameters<AuthorizeName>
  /** Whether the client may not ask in this way: it has to push its request, and did not (RFC 9126 §5 and §6). */
  readonly refused: boolean
}

/**
 * Reads what is asked for: from the URL, or from the record it refers to and from nowhere else (RFC 9126 §4, RFC 9101 §6.3).
 * Throws errors that must not be redirected.
 */
export async function readRequest(
  { findClient, records, pushedRequests, registrationIsOpen }: ReadRequestNeeds,
  sent: Parameters<AuthorizeName>,
  request: Request,
): Promise<ReadRequest> {
  const { values, repeated } = sent
  const reference = pushedRequests && values.request_uri !== undefined ? parseRequestUri(values.request_uri) : undefined
  if (repeated.includes('client_id') || (reference === undefined && repeated.includes('redirect_uri'))) {
    throw invalidRequest('The client or its redirect URI was sent more than once.', 'parameter_repeated')
  }
  if (values.client_id === undefined) throw invalidRequest('The parameter client_id is missing.', 'client_id_missing')
  const [client, pushed] = await Promise.all([
    findClient(values.client_id, request),
    reference === undefined ? undefined : records.pushedRequests.find(reference),
  ])
  if (!client) throw invalidClient(registrationIsOpen ? hasToRegister : cannotRegister, 'client_unknown')
  if (reference !== undefined) return { client, parameters: { values: valuesOf(pushed, client), repeated: [] }, refused: false }
  return { client, parameters: sent, refused: pushedRequests === 'required' || (pushedRequests && client.pushesRequests) === true }
}

const hasToRegister = 'The application is not registered here, or no longer. It has to register again.'
const cannotRegister = 'The application is not known here, and cannot register itself. Ask whoever runs this server.'

// One text for what is over, what never was and what another client pushed (RFC 9126 §7.2).
function valuesOf(pushed: PushedRequest | undefined, client: Client): PushedRequest['values'] {
  if (pushed?.clientId === client.id) return pushed.values
  const reason = pushed ? 'pushed_request_of_another_client' : 'pushed_request_unknown'
  throw new OAuthError('invalid_request_uri', 'This login was not started, or too long ago. Start again in the application.', { reason })
}
