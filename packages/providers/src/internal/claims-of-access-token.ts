import { requireObject } from '../oauth.ts'

/**
 * The claims of an access token that is a JWT; none where it is not. It came from the token endpoint, over TLS, for a code of ours, so its signature has nothing to add (OpenID Connect Core §3.1.3.7 has
 * the same of an ID token). Never for a token that somebody brings.
 */
export function claimsOfAccessToken(accessToken: string): Readonly<Record<string, unknown>> {
  try {
    return requireObject(JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()))
  } catch {
    return {}
  }
}
