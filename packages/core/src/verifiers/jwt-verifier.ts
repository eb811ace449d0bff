import type { TokenVerifier, VerifiedToken, VerifierCall } from '../ports/token-verifier.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import { hashSecret } from '../protocol/compare.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import type { PublicJwk } from '../protocol/jwk-set.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { isSecureUrl } from '../protocol/public-url.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { type FindKeys, issuerKeys } from '../upstream/issuer-keys.ts'
import { type JwtFault, jwtFault, verifyJwt } from '../upstream/verify-jwt.ts'
import { type GivenKeys, parseGivenKeys } from './given-keys.ts'
import { fittingKeys, type JwtAlgorithm, jwtAlgorithms, readUnverified, requireHeader, type UnverifiedJwt } from './jwt-header.ts'
import { type AudiencePolicy, type ClaimNames, readClaims, refuseAudience, refuseToken, requireAudience } from './read-claims.ts'

/** Whose JWTs are good, by which keys, and for whom. */
export interface JwtVerifierOptions extends AudiencePolicy, ClaimNames {
  /** The `iss` of its tokens, to the letter. Several for an issuer that goes by several names. */
  readonly issuer: string | readonly string[]
  /** Where its keys are. Default: where its metadata says, by OpenID Connect Discovery or RFC 8414. */
  readonly jwksUri?: string
  /** Its public keys themselves, as a JWK set or PEM: nothing is fetched, and rotating them is up to you. */
  readonly keys?: GivenKeys
  /** Default: every one of an asymmetric key. */
  readonly algorithms?: readonly JwtAlgorithm[]
  /**
   * The `typ` that tokens have. Set it to `at+jwt` for an issuer that follows RFC 9068: its ID tokens, which are for somebody else to read, never pass then.
   * Default: `at+jwt`, `JWT` or none.
   */
  readonly type?: string
  /** Claims that have to have this value, or one of these: `{ token_use: 'access' }`. Default: none. */
  readonly requiredClaims?: Readonly<Record<string, string | readonly string[]>>
}

/** The claims of a token whose signature was verified. */
interface Kept {
  readonly claims: Readonly<Record<string, unknown>>
  readonly until: UnixSeconds
}

/** A signature costs more than all else of a call, and a client shows the same token at each. Some KB each. */
const kept = 2_000
/** So much longer than the keys are taken for current is a key good that was withdrawn. */
const keptFor: Seconds = 60

/**
 * Verifies JWT access tokens by their issuer's keys (RFC 9068 §4). Clocks may differ by 30 s. Throws `ConfigurationError` with every problem of the options.
 */
export class JwtVerifier implements TokenVerifier {
  readonly #options: JwtVerifierOptions
  readonly #issuers: readonly string[]
  readonly #keys: readonly PublicJwk[] | undefined
  readonly #lately = new BoundedCache<Kept>(kept)
  #findKeys: ReadonlyMap<string, FindKeys> | undefined

  constructor(options: JwtVerifierOptions) {
    const problems = refuse(options)
    this.#options = options
    this.#issuers = [options.issuer].flat()
    this.#keys = options.keys === undefined ? undefined : parseGivenKeys(options.keys, problems)
    if (problems.length > 0) throw new ConfigurationError(problems.map((problem) => `JwtVerifier: ${problem}`))
  }

  async verify(token: string, call: VerifierCall): Promise<VerifiedToken | undefined> {
    const unverified = readUnverified(token)
    if (!unverified) return undefined
    this.#findKeys ??= this.#openKeys(call)
    const findKeys = this.#findKeys.get(unverified.issuer)
    if (!findKeys) return undefined
    // Before keys are looked for, which may mean a request to somebody else.
    requireHeader(unverified, { algorithms: jwtAlgorithms, ...this.#options })
    const claims = await this.#claimsOf(token, unverified, findKeys, call)
    requireAccessToken(claims, this.#options.requiredClaims)
    const resource = requireAudience(claims.aud, call.resources, this.#options)
    const { issuer } = unverified
    return { ...readClaims(claims, this.#options), expiresAt: Math.floor(Number(claims.exp)), issuer, ...(resource && { resource }) }
  }

  async #claimsOf(token: string, unverified: UnverifiedJwt, findKeys: FindKeys, call: VerifierCall): Promise<Kept['claims']> {
    const now = call.environment.now()
    const name = hashSecret(token)
    const known = this.#lately.find(name)
    if (known && now < known.until) {
      if (Number(known.claims.exp) + fixedLifetimes.leeway <= now) throw refuseToken('token_expired')
      return known.claims
    }
    const keys = fittingKeys(await findKeys(unverified.kid), unverified)
    const claims = await verifySignature(token, unverified, keys, call)
    this.#lately.keep(name, { claims, until: now + keptFor })
    return claims
  }

  #openKeys(call: VerifierCall): ReadonlyMap<string, FindKeys> {
    const { jwksUri } = this.#options
    const known = { ...(this.#keys && { jwks: this.#keys }), ...(jwksUri !== undefined && { jwksUri }) }
    const [first = ''] = this.#issuers
    const shared = issuerKeys({ issuer: first, ...known }, call)
    const isDiscovered = !this.#keys && jwksUri === undefined
    return new Map(this.#issuers.map((issuer) => [issuer, isDiscovered ? issuerKeys({ issuer }, call) : shared]))
  }
}

async function verifySignature(
  token: string,
  { issuer, algorithm }: UnverifiedJwt,
  keys: readonly PublicJwk[],
  { environment }: VerifierCall,
): Promise<Readonly<Record<string, unknown>>> {
  const options = {
    issuer,
    algorithms: [algorithm],
    clockTolerance: fixedLifetimes.leeway,
    currentDate: new Date(environment.now() * 1000),
    requiredClaims: ['sub', 'exp'],
  }
  return verifyJwt(token, keys, options).catch((cause: unknown) => {
    throw refuseToken(reasonOf(jwtFault(cause)), cause)
  })
}

function reasonOf(fault: JwtFault): string {
  if (fault.is === 'expired') return 'token_expired'
  if (fault.is === 'signature') return 'token_signature_wrong'
  return fault.is === 'wrong' && fault.claim === 'nbf' ? 'token_from_the_future' : 'token_malformed'
}

// The hash of an access token, or of a code, is in ID tokens alone (OpenID Connect Core §3.3.2.11).
function requireAccessToken(claims: Readonly<Record<string, unknown>>, required: JwtVerifierOptions['requiredClaims'] = {}): void {
  if (claims.at_hash !== undefined || claims.c_hash !== undefined) throw refuseToken('token_of_another_type')
  const wrong = Object.entries(required).find(([name, values]) => ![values].flat().some((value) => value === claims[name]))
  if (wrong) throw refuseToken('token_of_another_type')
}

function refuse(options: JwtVerifierOptions): string[] {
  const { issuer, jwksUri, keys, algorithms = jwtAlgorithms } = options
  const issuers = [issuer].flat()
  const problems = refuseAudience(options)
  if (issuers.length === 0 || !issuers.every((one) => typeof one === 'string' && one !== ''))
    problems.push('issuer is missing: the iss of the tokens, to the letter')
  else if (jwksUri === undefined && keys === undefined && !issuers.every(isSecureUrl))
    problems.push('issuer is not an https URL (http is accepted on loopback only), so that its keys cannot be found: name a jwksUri')
  if (jwksUri !== undefined && !isSecureUrl(jwksUri)) problems.push('jwksUri is not an https URL (http is accepted on loopback only)')
  if (jwksUri !== undefined && keys !== undefined) problems.push('there are keys and a jwksUri: give one of them')
  if (!Array.isArray(algorithms) || algorithms.length === 0 || !algorithms.every((one) => jwtAlgorithms.includes(one)))
    problems.push(`algorithms has others than ${jwtAlgorithms.join(', ')}`)
  return problems
}
