import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { z } from 'zod'
import { hashSecret } from '../protocol/compare.ts'
import { matchesTarget, type ProofAlgorithm, proofAlgorithms, proofWindow } from '../protocol/dpop.ts'
import { invalidDpopProof, type OAuthError } from '../protocol/errors.ts'
import { hasPrivateMember, type PublicJwk } from '../protocol/jwk-set.ts'
import type { UnixSeconds } from '../protocol/time.ts'

/** The request that a proof has to be for. */
export interface ProofTarget {
  readonly method: string
  /** The addresses that it may name, as configured: never from `Host`. */
  readonly urls: readonly string[]
  /** The access token that goes with it, at a resource. */
  readonly accessToken?: string
}

/** A proof that holds: the key it proves, and what keeps it from being used again. */
export interface VerifiedProof {
  /** The SHA-256 thumbprint of the key (RFC 7638). */
  readonly thumbprint: string
  readonly jti: string
  readonly issuedAt: UnixSeconds
  readonly nonce: string | undefined
}

/** An RSA key of 4096 bits and everything else a proof has come to half of it. */
const longestProof = 4096

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/)
const coordinate = base64url.length(43)
const rsaKey = z.object({ kty: z.literal('RSA'), n: base64url.max(700), e: base64url.max(6) })

/** The keys that an algorithm takes, with the members that count and no others; long exponents would only keep us busy. */
const keyShapes: Readonly<Record<ProofAlgorithm, z.ZodType<PublicJwk>>> = {
  ES256: z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate }),
  EdDSA: z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: coordinate }),
  RS256: rsaKey,
  PS256: rsaKey,
}

const headerShape = z.object({ alg: z.enum(proofAlgorithms), jwk: z.looseObject({}) })

const payloadShape = z.object({
  jti: z.string().min(1).max(256),
  htm: z.string(),
  htu: z.string().max(2048),
  iat: z.number(),
  ath: z.string().optional(),
  nonce: z.string().optional(),
})

/**
 * Verifies a DPoP proof by the key it brings (RFC 9449 §4.3), all but its nonce and that it was not used before. Throws
 * `invalid_dpop_proof`, with one text; the reason names the check.
 */
export async function verifyProof(text: string, target: ProofTarget, now: UnixSeconds): Promise<VerifiedProof> {
  // Two headers arrive joined by a comma, which no proof has in it.
  if (text.length > longestProof || !/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(text)) throw refuse('proof_malformed')
  const { key, payload } = await verifySignature(text, now)
  const { success, data } = payloadShape.safeParse(payload)
  if (!success) throw refuse('proof_malformed')
  if (data.htm !== target.method) throw refuse('proof_for_another_method')
  if (!target.urls.some((url) => matchesTarget(data.htu, url))) throw refuse('proof_for_another_address')
  if (Math.abs(now - data.iat) > proofWindow) throw refuse('proof_out_of_time')
  if (target.accessToken !== undefined && data.ath !== hashSecret(target.accessToken)) throw refuse('proof_for_another_token')
  return { thumbprint: await calculateJwkThumbprint({ ...key }), jti: data.jti, issuedAt: data.iat, nonce: data.nonce }
}

// The algorithm decides which key it takes, so that none can be used for another (threats T64 and T65).
async function verifySignature(text: string, now: UnixSeconds): Promise<{ key: PublicJwk; payload: unknown }> {
  try {
    const { alg, jwk } = headerShape.parse(decodeProtectedHeader(text))
    if (hasPrivateMember(jwk)) throw new TypeError('a private key')
    const key = keyShapes[alg].parse(jwk)
    const options = { typ: 'dpop+jwt', algorithms: [alg], currentDate: new Date(now * 1000), clockTolerance: proofWindow }
    const { payload } = await jwtVerify(text, await importJWK({ ...key }, alg), options)
    return { key, payload }
  } catch (cause) {
    throw refuse('proof_malformed', cause)
  }
}

function refuse(reason: string, cause?: unknown): OAuthError {
  return invalidDpopProof('The DPoP proof is missing, or not good for this request.', reason, cause)
}
