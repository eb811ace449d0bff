import { readAssertion } from '../assertions/read-assertion.ts'
import type { ClientAuthenticationMethod } from '../protocol/client-metadata.ts'
import { invalidRequest } from '../protocol/errors.ts'

/** The parameters by which a client authenticates (RFC 6749 §2.3.1, RFC 7521 §4.2). */
export const clientNames = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'] as const

/** The client authentication in a request to an endpoint that asks for it, as it was sent (RFC 6749 §2.3, §3.2.1; RFC 7521 §4.2). */
export interface ClientAuthentication {
  /** What it came in, whose address counts where others have to be asked about the client. */
  readonly request?: Request | undefined
  readonly authorization: string | undefined
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  readonly assertion?: string | undefined
  readonly assertionType?: string | undefined
}

/** What a request brings to authenticate its client: the header, and those of {@link clientNames} among its parameters. */
export function authenticationIn(
  request: Request,
  values: Readonly<Partial<Record<(typeof clientNames)[number], string>>>,
): ClientAuthentication {
  return {
    request,
    authorization: request.headers.get('authorization') ?? undefined,
    clientId: values.client_id,
    clientSecret: values.client_secret,
    assertion: values.client_assertion,
    assertionType: values.client_assertion_type,
  }
}

/** Who a request says it comes from, and by which method it proves it. */
export interface ClientCredentials {
  readonly clientId: string
  readonly method: ClientAuthenticationMethod
  /** The secret, or the assertion; empty when the client brings none. */
  readonly proof: string
}

/**
 * Reads the credentials; undefined when a header cannot be read as `Basic` credentials, or an assertion not as one of a client.
 * Throws `invalid_request` when a request names no client, or authenticates in two ways (RFC 6749 §2.3: "MUST NOT use more than
 * one authentication method").
 */
export function readCredentials(sent: ClientAuthentication): ClientCredentials | undefined {
  const { authorization, clientId, clientSecret, assertion, assertionType } = sent
  const ways = [authorization, clientSecret, assertion ?? assertionType].filter((way) => way !== undefined)
  if (ways.length > 1) throw invalidRequest('The client authenticates in two ways.', 'two_client_authentications')
  if (authorization !== undefined) return sameClient(clientId, readBasic(authorization))
  if (assertion !== undefined || assertionType !== undefined) return sameClient(clientId, readClientAssertion(assertion, assertionType))
  if (clientId === undefined) throw invalidRequest('The parameter client_id is missing.', 'client_id_missing')
  return { clientId, method: clientSecret === undefined ? 'none' : 'client_secret_post', proof: clientSecret ?? '' }
}

// `client_id` may be left out beside both, and must not name somebody else (RFC 6749 §3.2.1, RFC 7521 §4.2).
function sameClient(clientId: string | undefined, credentials: ClientCredentials | undefined): ClientCredentials | undefined {
  return clientId === undefined || clientId === credentials?.clientId ? credentials : undefined
}

/** Says that a client's assertion is a JWT (RFC 7523 §2.2). */
const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

// Whose it is, as it says itself: everything in it is verified once the client and its keys are found.
function readClientAssertion(assertion = '', type = ''): ClientCredentials | undefined {
  const clientId = type === jwtBearer ? readAssertion(assertion)?.subject : undefined
  return clientId ? { clientId, method: 'private_key_jwt', proof: assertion } : undefined
}

/** The scheme in any case, one blank, and base64 to the letter; anything more lenient would give one secret several spellings. */
const basicHeader = /^basic +([A-Za-z0-9+/]+={0,2})$/i

// Clients that form-encode the two, as RFC 6749 §2.3.1 asks, and those that do not: our ids and secrets are the same in both.
function readBasic(authorization: string): ClientCredentials | undefined {
  const [, encoded] = basicHeader.exec(authorization) ?? []
  const bytes = Buffer.from(encoded ?? '', 'base64')
  const text = bytes.toString('utf8')
  const colon = text.indexOf(':')
  if (encoded === undefined || bytes.toString('base64') !== encoded || colon < 1) return undefined
  const [clientId, secret] = [formDecoded(text.slice(0, colon)), formDecoded(text.slice(colon + 1))]
  return clientId === undefined || secret === undefined ? undefined : { clientId, method: 'client_secret_basic', proof: secret }
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
