import { decodeJwt, decodeProtectedHeader } from 'jose'
import { z } from 'zod'
import type { PublicJwk } from '../protocol/jwk-set.ts'
import { refuseToken } from './read-claims.ts'

/** The algorithms of asymmetric keys (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). No secret: whoever can verify by one can sign by it. And no `none`. */
export const jwtAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const

/** One of {@link jwtAlgorithms}. */
export type JwtAlgorithm = (typeof jwtAlgorithms)[number]

/** What a JWT says of itself before anybody has verified it: enough to know whose it is and which key to ask for. */
export interface UnverifiedJwt {
  readonly issuer: string
  readonly algorithm: string
  readonly kid?: string
  readonly type?: string
  readonly isCritical: boolean
}

const header = z.object({
  alg: z.string(),
  kid: z.string().max(256).exactOptional(),
  typ: z.string().exactOptional(),
  crit: z.unknown().optional(),
})
const payload = z.object({ iss: z.string() })

/** Reads a JWT without verifying it (RFC 7515 §7.1, RFC 7519 §4.1); undefined for what is none, or names no issuer. */
export function readUnverified(token: string): UnverifiedJwt | undefined {
  try {
    const { alg: algorithm, kid, typ: type, crit } = header.parse(decodeProtectedHeader(token))
    const { iss: issuer } = payload.parse(decodeJwt(token))
    return { issuer, algorithm, ...(kid !== undefined && { kid }), ...(type !== undefined && { type }), isCritical: crit !== undefined }
  } catch {
    return undefined
  }
}

/** What access tokens call themselves: the name of RFC 9068 §2.1, that of any JWT (RFC 7519 §5.1), or nothing. */
const usualTypes: readonly (string | undefined)[] = ['at+jwt', 'jwt', undefined]

/** What is asked of a header. */
export interface HeaderRules {
  readonly algorithms: readonly string[]
  /** The one `typ` that passes. Default: those of {@link usualTypes}. */
  readonly type?: string | undefined
}

/** Requires a header by the rules, before any key is looked for. Throws `invalid_token`. */
export function requireHeader({ algorithm, type, isCritical }: UnverifiedJwt, rules: HeaderRules): void {
  // Whatever is critical has to be understood, and we understand none of it (RFC 7515 §4.1.11).
  if (isCritical) throw refuseToken('token_extension_critical')
  if (!rules.algorithms.includes(algorithm)) throw refuseToken('token_algorithm')
  const allowed = rules.type === undefined ? usualTypes : [nameOfType(rules.type)]
  if (!allowed.includes(nameOfType(type))) throw refuseToken('token_of_another_type')
}

// The prefix is left out mostly, and case does not count (RFC 7515 §4.1.9).
function nameOfType(type: string | undefined): string | undefined {
  return type?.toLowerCase().replace(/^application\//, '')
}

/**
 * The keys that can have signed this, each under the `kid` of the header. A key without a `kid` is one that the operator gave, and may be any. Throws
 * `invalid_token` when the header names none and several would do: the signer has to say which.
 */
export function fittingKeys(keys: readonly PublicJwk[], { algorithm, kid }: UnverifiedJwt): readonly PublicJwk[] {
  const fitting = keys.filter((key) => isFor(key, algorithm) && (kid === undefined || (key.kid ?? kid) === kid))
  if (kid === undefined && fitting.length > 1) throw refuseToken('token_without_kid')
  return fitting.map(({ kid: _, ...key }) => ({ ...key, ...(kid !== undefined && { kid }) }))
}

/** The curve that goes with an algorithm (RFC 7518 §3.4, RFC 8037 §3.1). */
const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521', EdDSA: 'Ed25519', Ed25519: 'Ed25519' }

function isFor({ kty, crv, alg, use }: PublicJwk, algorithm: string): boolean {
  const curve = curves[algorithm]
  return (alg ?? algorithm) === algorithm && use !== 'enc' && (curve === undefined ? kty === 'RSA' : crv === curve)
}
