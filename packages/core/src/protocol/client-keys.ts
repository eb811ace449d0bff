import { OAuthError } from './errors.ts'
import { type PublicJwk, parseJwkSet } from './jwk-set.ts'
import { isLoopbackUri } from './redirect-uri.ts'

/** The keys of a client: at most one of the two (RFC 7591 §2). */
export type ClientKeys = { readonly jwks: readonly PublicJwk[] } | { readonly jwksUri: string }

/** Where keys may be: with `allowLoopback` also on this machine, over http (ours, for development). */
export interface KeysPlace {
  readonly allowLoopback: boolean
}

/** A client has one key, and another while it rotates; some keep one for each kind (ours). */
const mostKeys = 10

/**
 * Parses the keys of a client that proves itself by them (RFC 7591 §2: `jwks` and `jwks_uri` exclude each other, and one of them
 * has to be there). Throws `invalid_client_metadata`.
 */
export function requireClientKeys(jwks: unknown, jwksUri: unknown, place: KeysPlace = { allowLoopback: false }): ClientKeys {
  if ((jwks === undefined) === (jwksUri === undefined)) throw refuse('A client that signs gives its keys as jwks or as jwks_uri.')
  if (jwksUri !== undefined) {
    if (typeof jwksUri !== 'string' || !isKeysUrl(jwksUri, place)) throw refuse('The field jwks_uri is not an https URL.')
    return { jwksUri }
  }
  const keys = parseJwkSet(jwks)
  if (!keys || keys.length === 0 || keys.length > mostKeys) throw refuse('The field jwks is not a set of 1 to 10 public keys.')
  return { jwks: keys }
}

/**
 * Whether a client's keys may be at `url`: https, or where it is allowed http on this machine; no credentials, no fragment (ours;
 * where it leads is looked at when it is fetched).
 */
function isKeysUrl(url: string, { allowLoopback }: KeysPlace): boolean {
  if (!/^https?:\/\/[^/?#\\@\s]+([/?][^#\\\s]*)?$/i.test(url) || url.length > 2048 || !URL.canParse(url)) return false
  return /^https:/i.test(url) || (allowLoopback && isLoopbackUri(url))
}

function refuse(description: string): OAuthError {
  return new OAuthError('invalid_client_metadata', description, { reason: 'client_keys_malformed' })
}
