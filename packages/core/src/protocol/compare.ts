import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether two secrets are the same, in a time that does not tell where they differ (ours; RFC 9700 §4.9 asks for no oracle). */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(createHash('sha256').update(one).digest(), createHash('sha256').update(other).digest())
}

/** The SHA-256 of `text`, base64url: how a secret is stored when it only has to be recognised (ours). */
export function hashSecret(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
