import type { ClientAuthenticationMethod } from '../protocol/client-metadata.ts'
import { invalidRequest } from '../protocol/errors.ts'

/** The client authentication in a request to the token or revocation endpoint, as it was sent (RFC 6749 §2.3, §3.2.1). */
export interface ClientAuthentication {
  readonly authorization: string | undefined
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
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
