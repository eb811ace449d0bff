import type { Seconds } from './time.ts'

/** The algorithms a proof may be signed by: never a shared secret, never none (RFC 9449 §11.6; the list is ours, the one of our own keys). */
export const proofAlgorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const

/** One of {@link proofAlgorithms}. */
export type ProofAlgorithm = (typeof proofAlgorithms)[number]

/** How far the `iat` of a proof may be from now, either way (RFC 9449 §11.1; the length is SEP-1932's). */
export const proofWindow: Seconds = 300

/** Whether `text` can be the SHA-256 thumbprint of a key (RFC 7638 §3, RFC 9449 §10). */
export function isThumbprint(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

/** Whether `htu` is the address `url`, both normalised and without query and fragment (RFC 9449 §4.3, RFC 3986 §6.2.2 and §6.2.3). */
export function matchesTarget(htu: string, url: string): boolean {
  const target = normalTarget(htu)
  return target !== undefined && target === normalTarget(url)
}

// A URL parser sees to the case of scheme and host, the default port and dot segments, and leaves percent-encoding as it was.
function normalTarget(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { origin, pathname } = new URL(text)
  return `${origin}${pathname.replace(/%[0-9a-f]{2}/gi, normalOctet)}`
}

function normalOctet(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return /[A-Za-z0-9._~-]/.test(character) ? character : encoded.toUpperCase()
}
