import { createLocalJWKSet, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import type { PublicJwk } from '../protocol/jwk-set.ts'

/**
 * Verifies a JWT by one of `keys`, and its claims by `options` (RFC 7515 §5.2, RFC 7519 §7.2). Rejects with an error of jose, which
 * `jwtFault` puts into words. `options.algorithms` has to be set: without it the signer would choose.
 */
export async function verifyJwt(
  jwt: string,
  keys: readonly PublicJwk[],
  options: JWTVerifyOptions & { readonly algorithms: string[] },
): Promise<JWTPayload> {
  const find = createLocalJWKSet({ keys: keys.map((key) => ({ ...key })) })
  const { payload } = await jwtVerify(jwt, find, options).catch((cause: unknown) => tryEach(cause, jwt, options))
  return payload
}

/** Who has more keys of a kind names them: each that is tried costs a verification, and strangers publish as many as they like. */
const mostTried = 10

// Without a `kid` several keys may be the one: each of the right kind is tried.
async function tryEach(several: unknown, jwt: string, options: JWTVerifyOptions): Promise<{ payload: JWTPayload }> {
  if (!(several instanceof errors.JWKSMultipleMatchingKeys)) throw several
  let left = mostTried
  for await (const key of several) {
    if (left === 0) break
    left -= 1
    try {
      return await jwtVerify(jwt, key, options)
    } catch (cause) {
      if (!(cause instanceof errors.JWSSignatureVerificationFailed)) throw cause
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

/** What is wrong with a JWT that `verifyJwt` refused: its age, one of its claims, or anything about the signature. */
export type JwtFault =
  | { readonly is: 'expired' }
  | { readonly is: 'signature' }
  | { readonly is: 'missing' | 'wrong'; readonly claim: string }

/** Puts what `verifyJwt` rejected with into words that hold nothing of the JWT. */
export function jwtFault(cause: unknown): JwtFault {
  if (cause instanceof errors.JWTExpired) return { is: 'expired' }
  if (!(cause instanceof errors.JWTClaimValidationFailed)) return { is: 'signature' }
  return { is: cause.reason === 'missing' ? 'missing' : 'wrong', claim: cause.claim }
}
