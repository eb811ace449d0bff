import type { JWK } from 'jose'
import { type AssertionAlgorithm, assertionAlgorithms } from '../assertions/verify-assertion.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { parseJwkSet } from '../protocol/jwk-set.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { subjectOfIssuer } from '../protocol/subject.ts'
import type { Seconds } from '../protocol/time.ts'
import type { IdentityClaims, IdentityOfAssertion, TrustedIssuer } from '../token/redeem-assertion.ts'
import { type IssuerKeysOf, issuerKeys } from '../upstream/issuer-keys.ts'

/** An issuer whose identity assertions are taken: the enterprise's own identity provider. */
export interface TrustedIssuerOptions {
  /** As in its assertions, to the letter. https, or http on loopback. */
  readonly issuer: string
  /** Its keys, or where they are. Default: where its metadata says, found below `issuer`. */
  readonly jwks?: { readonly keys: readonly JWK[] }
  readonly jwksUri?: string
  /** What it signs with. Default: ES256, EdDSA, RS256 and PS256, each with its own kind of key. */
  readonly algorithms?: readonly AssertionAlgorithm[]
  /** What it calls us. Default: our issuer. */
  readonly audience?: string
  /** The longest that an assertion may live. Default: 300, since it is made for one request. */
  readonly longest?: Seconds
}

/** Identity assertions of enterprises (SEP-990). */
export interface IdentityAssertionOptions {
  readonly trustedIssuers: readonly TrustedIssuerOptions[]
  /**
   * Who somebody is here whom an issuer vouches for, by all that its assertion says; undefined refuses. Give the upstream's subject where the person is to be
   * the same as after a login. Default: a subject of issuer and `sub`, that no upstream has.
   */
  readonly subject?: IdentityOfAssertion
  /** Lets clients use them that cannot prove who they are: whoever has a copy of an assertion, and is first, gets its token. Default: false. */
  readonly allowPublicClients?: boolean
}

/** The identity assertions that are taken, parsed once. */
export interface IdentityAssertions {
  readonly trustedIssuers: readonly (Omit<TrustedIssuer, 'findKeys' | 'audience'> &
    IssuerKeysOf & { readonly audience: string | undefined })[]
  readonly identityOf: IdentityOfAssertion
  readonly allowPublicClients: boolean
}

/** Parses the option. */
export function parseIdentityAssertions(options: IdentityAssertionOptions, problems: string[]): IdentityAssertions {
  const { trustedIssuers, subject = identityOfClaims, allowPublicClients = false } = options
  const issuers = Array.isArray(trustedIssuers) ? trustedIssuers : []
  if (issuers.length === 0) problems.push('extensions.identityAssertions.trustedIssuers lists no issuer')
  if (new Set(issuers.map(({ issuer }) => issuer)).size < issuers.length)
    problems.push('extensions.identityAssertions.trustedIssuers lists an issuer twice')
  if (typeof subject !== 'function') problems.push('extensions.identityAssertions.subject is not a function')
  return {
    trustedIssuers: issuers.map((issuer) => parseIssuer(issuer, problems)),
    identityOf: subject,
    allowPublicClients: allowPublicClients === true,
  }
}

function parseIssuer(options: TrustedIssuerOptions, problems: string[]): IdentityAssertions['trustedIssuers'][number] {
  const { issuer, jwks, jwksUri, algorithms = assertionAlgorithms, audience, longest = fixedLifetimes.clientAssertion } = options
  const refuse = (problem: string) => problems.push(`the trusted issuer ${JSON.stringify(issuer)} ${problem}`)
  if (!isUrl(issuer)) refuse('is not an https URL (http is accepted on loopback only)')
  if (jwksUri !== undefined && !isUrl(jwksUri)) refuse('has a jwksUri that is not an https URL (http is accepted on loopback only)')
  if (jwks !== undefined && jwksUri !== undefined) refuse('has jwks and a jwksUri: it has one of them')
  const keys = jwks === undefined ? undefined : parseJwkSet(jwks)
  if (jwks !== undefined && !keys?.length) refuse('has jwks that are not a set of public keys')
  if (!Array.isArray(algorithms) || algorithms.length === 0 || !algorithms.every((one) => assertionAlgorithms.includes(one)))
    refuse(`has other algorithms than ${assertionAlgorithms.join(', ')}`)
  if (!Number.isInteger(longest) || longest <= 0) refuse('has a longest that is not a whole number of seconds')
  return { issuer, algorithms, audience, longest, ...(keys && { jwks: keys }), ...(jwksUri !== undefined && { jwksUri }) }
}

function isUrl(text: unknown): boolean {
  return (
    typeof text === 'string' &&
    URL.canParse(text) &&
    /^(https:\/\/[^/?#@\s]+|http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?)(\/[^?#\s]*)?$/.test(text)
  )
}

/** The claims that say who somebody is, of those an issuer may add. */
const kept = ['email', 'email_verified', 'name', 'preferred_username'] as const

function identityOfClaims(claims: IdentityClaims): { subject: string; claims: Record<string, unknown> } {
  const { iss, sub } = claims
  const said = Object.fromEntries(kept.flatMap((name) => (claims[name] === undefined ? [] : [[name, claims[name]]])))
  return { subject: subjectOfIssuer(iss, sub), claims: { iss, sub, ...said } }
}

/** The issuers with what finds their keys. */
export function openIssuers(
  { trustedIssuers }: IdentityAssertions,
  { issuer: us, ...needs }: { readonly issuer: string; readonly environment: Environment; readonly emit: Emit },
): ReadonlyMap<string, TrustedIssuer> {
  return new Map(
    trustedIssuers.map((trusted) => [
      trusted.issuer,
      { ...trusted, audience: trusted.audience ?? us, findKeys: issuerKeys(trusted, needs) },
    ]),
  )
}
