import { invalidRequest } from '../protocol/errors.ts'
import { matchesRedirectUri, type RedirectPolicy, refuseRedirectUri } from '../protocol/redirect-uri.ts'
import type { Client } from '../records/client.ts'

/**
 * The redirect URI of a request, proven to be the client's (OAuth 2.1 §4.1.1); one that registered a single URI may leave it out.
 * Throws `invalid_request`, which must not be redirected (§4.1.2.1).
 */
export function requireRedirectUri(asked: string | undefined, client: Client, redirects: RedirectPolicy): string {
  const [only, ...others] = client.redirectUris
  const redirectUri = asked ?? (others.length === 0 ? only : undefined)
  if (redirectUri === undefined) throw invalidRequest('The parameter redirect_uri is missing.', 'redirect_uri_missing')
  if (!client.redirectUris.some((registered) => matchesRedirectUri(redirectUri, registered))) {
    throw invalidRequest('The redirect URI is not one that the application registered.', 'redirect_uri_unregistered')
  }
  // Again, because what is registered may be older than this release and than the operator's list (threats T25 and T28).
  if (refuseRedirectUri(redirectUri, redirects)) throw invalidRequest('The redirect URI is not allowed.', 'redirect_uri_refused')
  return redirectUri
}
