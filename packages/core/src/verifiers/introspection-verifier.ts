import type { TokenVerifier, VerifiedToken, VerifierCall } from '../ports/token-verifier.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import { hashSecret } from '../protocol/compare.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { isSecureUrl } from '../protocol/public-url.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { type AskIntrospection, openIntrospection } from './ask-introspection.ts'
import { type AudiencePolicy, type ClaimNames, readClaims, refuseAudience, refuseToken, requireAudience } from './read-claims.ts'

/** Whom to ask about tokens, and as whom. */
export interface IntrospectionVerifierOptions extends AudiencePolicy, ClaimNames {
  /** The issuer's introspection endpoint (RFC 7662). */
  readonly endpoint: string
  /** Our own registration there. */
  readonly clientId: string
  readonly clientSecret: string
  /** How the endpoint wants them. Default: `client_secret_basic`. */
  readonly authentication?: 'client_secret_basic' | 'client_secret_post'
  /** The issuer, to the letter. An answer that names another one is refused. Default: none is expected, and whoever the answer names is believed. */
  readonly issuer?: string
  /** Seconds for which a good token is not asked about again; a revocation takes as long to be seen. Default: 0, each call asks. */
  readonly cacheFor?: Seconds
}

/** An answer that is still believed. */
interface Kept {
  readonly claims: Readonly<Record<string, unknown>>
  readonly until: UnixSeconds
}

/** Answers kept, where `cacheFor` is set; at most some KB each. */
const kept = 10_000

/**
 * Verifies access tokens by asking their issuer about each (RFC 7662). It is asked within 10 s, and an answer has 256 KB at most. Throws `ConfigurationError` with
 * every problem of the options.
 */
export class IntrospectionVerifier implements TokenVerifier {
  readonly #options: IntrospectionVerifierOptions
  readonly #answers = new BoundedCache<Kept>(kept)
  #ask: AskIntrospection | undefined

  constructor(options: IntrospectionVerifierOptions) {
    const problems = refuse(options)
    if (problems.length > 0) throw new ConfigurationError(problems.map((problem) => `IntrospectionVerifier: ${problem}`))
    this.#options = options
  }

  async verify(token: string, call: VerifierCall): Promise<VerifiedToken | undefined> {
    const claims = await this.#claimsOf(token, call)
    if (!claims) return undefined
    const { issuer: expected } = this.#options
    const { iss, exp } = claims
    if (expected !== undefined && iss !== undefined && iss !== expected) throw refuseToken('token_of_another_issuer')
    requireAge(claims, call.environment.now())
    const resource = requireAudience(claims.aud, call.resources, this.#options)
    const issuer = typeof iss === 'string' ? iss : (expected ?? new URL(this.#options.endpoint).origin)
    const expiresAt = typeof exp === 'number' ? { expiresAt: Math.floor(exp) } : {}
    return { ...readClaims(claims, this.#options), ...expiresAt, issuer, ...(resource && { resource }) }
  }

  // Only what is good is kept: a token that is not active now may be the next second, when its issuer's hosts have met.
  async #claimsOf(token: string, call: VerifierCall): Promise<Kept['claims'] | undefined> {
    const { cacheFor = 0 } = this.#options
    const now = call.environment.now()
    const name = hashSecret(token)
    const known = cacheFor > 0 ? this.#answers.find(name) : undefined
    if (known && now < known.until) return known.claims
    this.#ask ??= openIntrospection(this.#options, call)
    const claims = await this.#ask(token)
    if (claims && cacheFor > 0) this.#answers.keep(name, { claims, until: now + cacheFor })
    return claims
  }
}

// An issuer that calls a token active and over has a clock of its own, or caches: what it says of the end holds.
function requireAge({ exp, nbf }: Readonly<Record<string, unknown>>, now: UnixSeconds): void {
  if ((exp !== undefined && typeof exp !== 'number') || (nbf !== undefined && typeof nbf !== 'number'))
    throw new UpstreamUnavailable('answer_not_usable')
  if (exp !== undefined && exp + fixedLifetimes.leeway <= now) throw refuseToken('token_expired')
  if (nbf !== undefined && nbf - fixedLifetimes.leeway > now) throw refuseToken('token_from_the_future')
}

function refuse(options: IntrospectionVerifierOptions): string[] {
  const { endpoint, clientId, clientSecret, authentication = 'client_secret_basic', cacheFor = 0 } = options
  const problems = refuseAudience(options)
  if (!isSecureUrl(endpoint)) problems.push('endpoint is not an https URL (http is accepted on loopback only)')
  if (!clientId) problems.push('clientId is missing: an introspection endpoint answers nobody it does not know')
  if (!clientSecret) problems.push('clientSecret is missing')
  if (authentication !== 'client_secret_basic' && authentication !== 'client_secret_post')
    problems.push("authentication is neither 'client_secret_basic' nor 'client_secret_post'")
  if (!Number.isInteger(cacheFor) || cacheFor < 0) problems.push('cacheFor is not a whole number of seconds that can be used')
  return problems
}
