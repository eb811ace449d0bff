import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Environment } from '../ports/environment.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import { invalidToken, type OAuthError } from '../protocol/errors.ts'
import { timedId } from '../protocol/identifiers.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { formatScope, parseScope } from '../protocol/scope.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { isKid, type SigningKey } from './keys.ts'

/** What an access token of ours says (RFC 9068 §2.2), in our words. */
export interface AccessTokenClaims {
  readonly subject: string
  readonly clientId: string
  readonly scopes: readonly string[]
  /** The one resource it is for (RFC 8707 §2). */
  readonly resource: string
  readonly expiresAt: UnixSeconds
  readonly issuedAt: UnixSeconds
  /** Its `jti`. */
  readonly tokenId: string
  readonly grantId: string
  readonly generation: number
  /** The thumbprint of the key that has to be proven to use it (RFC 9449 §6.1); absent for a bearer token. */
  readonly boundTo?: string
}

/** Signs and verifies access tokens. */
export interface AccessTokens {
  sign(claims: Omit<AccessTokenClaims, 'expiresAt' | 'issuedAt' | 'tokenId'>, lifetime: Seconds): Promise<string>
  /** Throws `invalid_token`; the reason names the check. Nothing is asked of the store. */
  verify(token: string): Promise<AccessTokenClaims>
}

/** What access tokens are made with. */
export interface AccessTokenNeeds {
  readonly issuer: string
  readonly signingKeys: readonly [SigningKey, ...SigningKey[]]
  readonly environment: Environment
}

const payloadShape = z.object({
  sub: z.string(),
  client_id: z.string(),
  scope: z.string(),
  aud: z.string(),
  exp: z.number(),
  iat: z.number(),
  jti: z.string(),
  gid: z.string(),
  gen: z.number(),
  // Of any other kind of binding we know nothing, so such a token is not taken.
  cnf: z.object({ jkt: z.string() }).optional(),
})

/** Tokens verified lately, so that the second verification costs no signature; at most 1 KB each. */
const cached = 10_000

/** Opens the access tokens of an issuer (RFC 9068): `typ: at+jwt`, one audience, a key found by its `kid`. */
export function accessTokens(needs: AccessTokenNeeds): AccessTokens {
  const { issuer, environment } = needs
  const [signing] = needs.signingKeys
  const verified = new BoundedCache<AccessTokenClaims>(cached)
  return {
    sign({ subject, clientId, scopes, resource, grantId, generation, boundTo }, lifetime) {
      const now = environment.now()
      const binding = boundTo === undefined ? {} : { cnf: { jkt: boundTo } }
      return new SignJWT({ client_id: clientId, scope: formatScope(scopes), gid: grantId, gen: generation, ...binding })
        .setProtectedHeader({ alg: signing.algorithm, typ: 'at+jwt', kid: signing.kid })
        .setIssuer(issuer)
        .setAudience(resource)
        .setSubject(subject)
        .setJti(timedId(now, environment.randomBytes(10)))
        .setIssuedAt(now)
        .setExpirationTime(now + lifetime)
        .sign(signing.sign)
    },
    async verify(token) {
      const known = verified.find(token)
      if (known && known.expiresAt + fixedLifetimes.leeway > environment.now()) return known
      const claims = await verifySignature(needs, token)
      verified.keep(token, claims)
      return claims
    },
  }
}

async function verifySignature({ issuer, signingKeys, environment }: AccessTokenNeeds, token: string): Promise<AccessTokenClaims> {
  const { payload } = await jwtVerify(token, ({ kid, alg }) => findKey(signingKeys, kid, alg), {
    issuer,
    typ: 'at+jwt',
    algorithms: [...new Set(signingKeys.map((key) => key.algorithm))],
    clockTolerance: fixedLifetimes.leeway,
    currentDate: new Date(environment.now() * 1000),
    requiredClaims: ['sub', 'aud', 'exp', 'iat', 'jti', 'client_id'],
  }).catch((cause: unknown) => {
    throw refuseToken(cause)
  })
  return parsePayload(payload)
}

// The algorithm is the key's, whatever the header says; the header's own keys and URLs are not looked at (threats T64 and T65).
function findKey(signingKeys: readonly SigningKey[], kid: unknown, algorithm: unknown): SigningKey['verify'] {
  const key = isKid(kid) ? signingKeys.find((candidate) => candidate.kid === kid) : undefined
  if (key?.algorithm !== algorithm || !key) throw new errors.JWSInvalid('no key of ours')
  return key.verify
}

function parsePayload(payload: JWTPayload): AccessTokenClaims {
  const { success, data } = payloadShape.safeParse(payload)
  const scopes = success ? parseScope(data.scope) : undefined
  if (!success || !scopes) throw refuseToken(undefined)
  return {
    subject: data.sub,
    clientId: data.client_id,
    scopes,
    resource: data.aud,
    expiresAt: data.exp,
    issuedAt: data.iat,
    tokenId: data.jti,
    grantId: data.gid,
    generation: data.gen,
    ...(data.cnf && { boundTo: data.cnf.jkt }),
  }
}

function refuseToken(cause: unknown): OAuthError {
  const expired = cause instanceof errors.JWTExpired
  return invalidToken('The access token is invalid or has expired.', expired ? 'token_expired' : 'token_not_ours', cause)
}
