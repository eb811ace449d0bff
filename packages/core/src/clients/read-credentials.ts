import type { ClientAuthenticationMethod } from '../protocol/client-metadata.ts'
import { invalidRequest } from '../protocol/errors.ts'

/** The parameters by which a client authenticates (RFC 6749 §2.3.1, RFC 7521 §4.2). */
export const clientNames = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'] as const

/** The client authentication in a request to an endpoint that asks for it, as it was sent (RFC 6749 §2.3, §3.2.1; RFC 7521 §4.2). */
export interface ClientAuthentication {
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
  /** Empty when the client brings none. */
  readonly secret: string
}

/**
 * Reads the credentials; undefined when a header cannot be read as `Basic` credentials. Throws `invalid_request` when a request
 * names no client, or authenticates in two ways (RFC 6749 §2.3: "MUST NOT use more than one authentication method").
 */
export function readCredentials({ authorization, clientId, clientSecret }: ClientAuthentication): ClientCredentials | undefined {
  if (authorization !== undefined) {
    if (clientSecret !== undefined) throw invalidRequest('The client authenticates in two ways.', 'two_client_authentications')
    const basic = readBasic(authorization)
    return basic && (clientId === undefined || clientId === basic.clientId) ? { ...basic, method: 'client_secret_basic' } : undefined
  }
  if (clientId === undefined) throw invalidRequest('The parameter client_id is missing.', 'client_id_missing')
  return { clientId, method: clientSecret === undefined ? 'none' : 'client_secret_post', secret: clientSecret ?? '' }
}

/** The scheme in any case, one blank, and base64 to the letter; anything more lenient would give one secret several spellings. */
const basicHeader = /^basic +([A-Za-z0-9+/]+={0,2})$/i

// Clients that form-encode the two, as RFC 6749 §2.3.1 asks, and those that do not: our ids and secrets are the same in both.
function readBasic(authorization: string): { clientId: string; secret: string } | undefined {
  const [, encoded] = basicHeader.exec(authorization) ?? []
  const bytes = Buffer.from(encoded ?? '', 'base64')
  const text = bytes.toString('utf8')
  const colon = text.indexOf(':')
  if (encoded === undefined || bytes.toString('base64') !== encoded || colon < 1) return undefined
  const [clientId, secret] = [formDecoded(text.slice(0, colon)), formDecoded(text.slice(colon + 1))]
  return clientId === undefined || secret === undefined ? undefined : { clientId, secret }
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
