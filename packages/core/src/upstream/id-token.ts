import { createHash } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { z } from 'zod'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { type OpenId, UpstreamRefused, UpstreamUnavailable } from '../ports/upstream.ts'
import { isSameSecret } from '../protocol/compare.ts'
import type { PublicJwk } from '../protocol/jwk-set.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { EndpointFinder } from './find-endpoints.ts'
import { issuerKeys } from './issuer-keys.ts'
import { type JwtFault, jwtFault, verifyJwt } from './verify-jwt.ts'

/** Algorithms of asymmetric keys (RFC 7518 §3.1, RFC 8037 §3.1): with one of a secret, whoever knows our client secret could sign. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/** What verifying needs. */
export interface IdTokenNeeds {
  readonly finder: EndpointFinder
  readonly clientId: string
  readonly environment: Environment
  readonly emit: Emit
}

/** What an ID token has to belong to. */
export interface IdTokenOf {
  readonly nonce: string
  readonly accessToken: string
}

/**
 * Verifies an ID token and answers its claims (OpenID Connect Core §3.1.3.7): signature, issuer, audience and authorized party, age, nonce, and the access token
 * beside it where it names one (§3.1.3.8). Rejects with `UpstreamRefused`, or `UpstreamUnavailable` when its keys cannot be read.
 */
export type VerifyIdToken = (idToken: string | undefined, of: IdTokenOf) => Promise<Readonly<Record<string, unknown>>>

/** Makes the verifier. Keys are read when they are first needed, and again when somebody signs with one that is not among them. */
export function idTokenVerifier(openId: OpenId, { finder, clientId, environment, emit }: IdTokenNeeds): VerifyIdToken {
  const jwksUri = async (): Promise<string> => (await finder.find()).jwksUri ?? ''
  const findKeys = issuerKeys({ issuer: openId.issuer, jwksUri }, { environment, emit })
  return async (idToken, of) => {
    if (idToken === undefined) throw new UpstreamUnavailable('id_token_missing')
    const { kid, issuer } = readUnverified(openId, idToken)
    const keys = (await findKeys(kid)).filter((key) => isOf(openId, issuer, key))
    const options = {
      issuer,
      audience: clientId,
      algorithms,
      clockTolerance: fixedLifetimes.leeway,
      currentDate: new Date(environment.now() * 1000),
      requiredClaims: ['iss', 'aud', 'exp', 'iat'],
    }
    const claims = await verifyJwt(idToken, keys, options).catch((cause: unknown) => {
      // Without the cause: jose's has all that the token says of the person.
      throw new UpstreamRefused(reasonOf(jwtFault(cause)))
    })
    requireOurs(claims, clientId, of)
    return claims
  }
}

const header = z.object({ kid: z.string().exactOptional() })

function readUnverified({ issuer, issuerOf }: OpenId, idToken: string): { kid: string | undefined; issuer: string } {
  try {
    const { kid } = header.parse(decodeProtectedHeader(idToken))
    const expected = issuerOf ? issuerOf(decodeJwt(idToken)) : issuer
    if (expected !== undefined) return { kid, issuer: expected }
  } catch (cause) {
    throw new UpstreamRefused('id_token_malformed', cause)
  }
  throw new UpstreamRefused('id_token_of_another_issuer')
}

// Where many issuers share a set, a key may be that of one of them.
// @see https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-the-issuer
function isOf({ documentIssuer }: OpenId, expected: string, { issuer }: PublicJwk): boolean {
  return documentIssuer === undefined || issuer === undefined || issuer === documentIssuer || issuer === expected
}

function reasonOf(fault: JwtFault): string {
  if (fault.is === 'expired') return 'id_token_expired'
  if (fault.is === 'signature') return 'id_token_signature_wrong'
  if (fault.claim === 'iss') return 'id_token_of_another_issuer'
  return fault.claim === 'aud' ? 'id_token_for_another_client' : 'id_token_malformed'
}

function requireOurs(claims: Readonly<Record<string, unknown>>, clientId: string, { nonce, accessToken }: IdTokenOf): void {
  const { aud, azp, at_hash: hash } = claims
  // Several audiences, and nobody says which of them asked for it.
  const party = azp ?? (Array.isArray(aud) && aud.length > 1 ? undefined : clientId)
  if (party !== clientId) throw new UpstreamRefused('id_token_for_another_client')
  if (typeof claims.nonce !== 'string' || !isSameSecret(claims.nonce, nonce)) throw new UpstreamRefused('id_token_of_another_login')
  if (hash !== undefined && !hashesOf(accessToken).includes(String(hash))) throw new UpstreamRefused('id_token_of_another_access_token')
}

// The hash is that of the signature's algorithm; the others are no easier to meet.
function hashesOf(accessToken: string): string[] {
  return ['sha256', 'sha384', 'sha512'].map((name) => {
    const digest = createHash(name).update(accessToken).digest()
    return digest.subarray(0, digest.length / 2).toString('base64url')
  })
}
