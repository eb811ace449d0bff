import type { JWTPayload, JWTVerifyOptions } from 'jose'
import type { Environment } from '../ports/environment.ts'
import type { PublicJwk } from '../protocol/jwk-set.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import type { FindKeys } from '../upstream/issuer-keys.ts'
import { type JwtFault, jwtFault, verifyJwt } from '../upstream/verify-jwt.ts'
import { readAssertion } from './read-assertion.ts'

/** The algorithms assertions are signed with (RFC 7518 §3.1, RFC 8037 §3.1). No secret and no `none`: each kind of key has its own. */
export const assertionAlgorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const

/** One of {@link assertionAlgorithms}. */
export type AssertionAlgorithm = (typeof assertionAlgorithms)[number]

/** What an assertion has to be (RFC 7521 §5.2, RFC 7523 §3). */
export interface AssertionRules {
  readonly issuer: string
  /** Default: any, as long as there is one. */
  readonly subject?: string
  /** Whom it is for: to the letter, and alone. */
  readonly audience: string
  /** Whether the audience may stand in a list, by itself. */
  readonly audienceInList: boolean
  /** The `typ` of the header. Default: any. */
  readonly type?: string
  readonly algorithms: readonly AssertionAlgorithm[]
  /** How far ahead its end may be, and how long ago its beginning. */
  readonly longest: Seconds
  readonly findKeys: FindKeys
}

/** An assertion that was verified, and not used up yet. */
export interface VerifiedAssertion {
  readonly claims: JWTPayload
  readonly subject: string
  /** What makes it this one among those of its issuer (RFC 7519 §4.1.7). */
  readonly id: string
  /** When it is refused for its age by every host: the leeway, and again as much because hosts' clocks are apart. */
  readonly endsAt: UnixSeconds
}

/** An assertion is no good: `reason` names the check, for the operator and for nobody else. */
export class AssertionRefused extends Error {
  override readonly name = 'AssertionRefused'
  readonly reason: string

  constructor(reason: string, cause?: unknown) {
    super(`the assertion was refused: ${reason}`, { cause })
    this.reason = reason
  }
}

/** Verifies assertions: signature, issuer, subject, audience, age and id. Nothing is used up. Throws {@link AssertionRefused}, and what finding keys rejects with. */
export type VerifyAssertion = (assertion: string, rules: AssertionRules) => Promise<VerifiedAssertion>

/** Makes the verifier that every kind of assertion goes through (RFC 7523 §3). */
export function verifyAssertion({ environment }: { readonly environment: Environment }): VerifyAssertion {
  return async (assertion, rules) => {
    const unverified = readAssertion(assertion)
    if (!unverified) throw new AssertionRefused('assertion_malformed')
    // Before keys are asked for, which may mean a request to somebody else.
    if (unverified.issuer !== rules.issuer) throw new AssertionRefused('assertion_of_another_issuer')
    const keys = await rules.findKeys(unverified.kid)
    const now = environment.now()
    const claims = await verifySignature(assertion, keys, {
      issuer: rules.issuer,
      ...(rules.subject !== undefined && { subject: rules.subject }),
      ...(rules.type !== undefined && { typ: rules.type }),
      algorithms: [...rules.algorithms],
      clockTolerance: fixedLifetimes.leeway,
      currentDate: new Date(now * 1000),
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'jti'],
    })
    return requireRules(claims, rules, now)
  }
}

async function verifySignature(
  assertion: string,
  keys: readonly PublicJwk[],
  options: JWTVerifyOptions & { readonly algorithms: string[] },
): Promise<JWTPayload> {
  try {
    return await verifyJwt(assertion, keys, options)
  } catch (cause) {
    throw new AssertionRefused(reasonOf(jwtFault(cause)), cause)
  }
}

function reasonOf(fault: JwtFault): string {
  if (fault.is === 'expired') return 'assertion_expired'
  if (fault.is === 'signature') return 'assertion_signature_wrong'
  if (fault.is === 'missing') return 'assertion_malformed'
  if (fault.claim === 'nbf' || fault.claim === 'iat') return 'assertion_from_the_future'
  return fault.claim === 'sub' ? 'assertion_of_another_subject' : 'assertion_malformed'
}

function requireRules(claims: JWTPayload, rules: AssertionRules, now: UnixSeconds): VerifiedAssertion {
  const { aud, sub, jti, exp = 0, iat } = claims
  const refuse = (reason: string) => new AssertionRefused(reason)
  // A list of several lets one server replay at another what it was sent (threat T74).
  const audience = rules.audienceInList && Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  if (audience !== rules.audience) throw refuse('assertion_for_another_audience')
  if (typeof sub !== 'string' || sub === '' || typeof jti !== 'string' || jti === '' || jti.length > 256)
    throw refuse('assertion_malformed')
  if (!Number.isSafeInteger(Math.ceil(exp)) || exp - now > rules.longest + fixedLifetimes.leeway) throw refuse('assertion_too_long')
  if (iat !== undefined && iat - now > fixedLifetimes.leeway) throw refuse('assertion_from_the_future')
  if (iat !== undefined && now - iat > rules.longest + fixedLifetimes.leeway) throw refuse('assertion_too_old')
  return { claims, subject: sub, id: jti, endsAt: Math.ceil(exp) + 2 * fixedLifetimes.leeway }
}
