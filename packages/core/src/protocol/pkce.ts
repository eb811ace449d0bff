import { hashSecret, isSameSecret } from './compare.ts'

/** Whether `text` is a code challenge as S256 makes it: 43 characters of base64url (RFC 7636 §4.2). */
export function isChallenge(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

/** Whether `text` is a code verifier: 43 to 128 unreserved characters (RFC 7636 §4.1). */
export function isVerifier(text: string): boolean {
  return /^[A-Za-z0-9._~-]{43,128}$/.test(text)
}

/** The challenge made from `verifier` by S256 (RFC 7636 §4.2). */
export function challengeOf(verifier: string): string {
  return hashSecret(verifier)
}

/** Whether `verifier` is the one `challenge` was made from, by S256 (RFC 7636 §4.6). */
export function matchesChallenge(verifier: string, challenge: string): boolean {
  return isVerifier(verifier) && isSameSecret(challengeOf(verifier), challenge)
}

/** The nonce of the login that has `verifier` (OpenID Connect Core §3.1.2.1): nobody else can know it, and nothing more has to be kept. */
export function nonceOf(verifier: string): string {
  return hashSecret(`nonce:${verifier}`)
}
