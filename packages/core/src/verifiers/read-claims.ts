import type { VerifiedToken } from '../ports/token-verifier.ts'
import { invalidToken, type OAuthError } from '../protocol/errors.ts'
import { canonicalResource } from '../protocol/resource.ts'
import { isScope } from '../protocol/scope.ts'

/** Which tokens are for us, by what they name as their audience. */
export interface AudiencePolicy {
  /** What tokens have to name. Default: the resource itself, the MCP endpoint's URL, as RFC 8707 has it. */
  readonly audience?: string | readonly string[]
  /**
   * Accepts tokens whatever they are for. **Dangerous: every token that the issuer gave anybody, for any of its other applications, opens this MCP server.** Only for an issuer
   * that serves nothing else. Default: false.
   */
  readonly dangerouslyAcceptAnyAudience?: boolean
}

/** Where claims say what they say. */
export interface ClaimNames {
  /** The claims that hold scopes, as text or as a list; all of them count. Default: `scope` and `scp`. */
  readonly scopeClaims?: readonly string[]
  /** The claims that name the client; the first that is there counts. Default: `client_id` and `azp`. */
  readonly clientIdClaims?: readonly string[]
}

/** The one thing that a client is told of a token that is not good: which check failed is the operator's affair. */
export function refuseToken(reason: string, cause?: unknown): OAuthError {
  return invalidToken('The access token is invalid or has expired.', reason, cause)
}

/** What is wrong with an audience policy. */
export function refuseAudience({ audience, dangerouslyAcceptAnyAudience }: AudiencePolicy): string[] {
  if (audience === undefined) return []
  const named = [audience].flat()
  const isGood = named.length > 0 && named.every((one) => typeof one === 'string' && one !== '')
  if (!isGood) return ['audience names nobody: a text or a list of texts, or nothing at all for the URL of the MCP endpoint']
  return dangerouslyAcceptAnyAudience ? ['audience and dangerouslyAcceptAnyAudience contradict each other'] : []
}

/**
 * The resource that a token is for, of `resources` (RFC 8707 §2, RFC 9068 §4); undefined when it names none of them and is good by the policy. Throws
 * `invalid_token` for a token for anybody else, or for nobody (spec row R37).
 */
export function requireAudience(aud: unknown, resources: readonly string[], policy: AudiencePolicy): string | undefined {
  const named = [aud].flat().filter((one) => typeof one === 'string')
  // Issuers write the URL of a resource as they were told it, and that can be in another of its forms.
  const resource = resources.find((uri) => named.some((one) => one === uri || canonicalResource(one) === uri))
  if (policy.dangerouslyAcceptAnyAudience) return resource
  const isMeant = policy.audience === undefined ? resource !== undefined : named.some((one) => [policy.audience].flat().includes(one))
  if (!isMeant) throw refuseToken('token_for_another_resource')
  return resource
}

/** Who a token is about, to whom it was given, and what for. Throws `invalid_token` where it does not say. */
export function readClaims(
  claims: Readonly<Record<string, unknown>>,
  { scopeClaims = ['scope', 'scp'], clientIdClaims = ['client_id', 'azp'] }: ClaimNames,
): Pick<VerifiedToken, 'subject' | 'clientId' | 'scopes' | 'claims'> {
  const { sub } = claims
  const clientId = clientIdClaims.map((name) => claims[name]).find((value) => typeof value === 'string' && value !== '')
  if (typeof sub !== 'string' || sub === '') throw refuseToken('token_without_subject')
  if (typeof clientId !== 'string') throw refuseToken('token_without_client')
  // It is good only with a proof of its key, and keeping proofs from being used twice takes a store (RFC 9449 §7.2, RFC 8705 §3).
  if (claims.cnf !== undefined) throw refuseToken('token_without_proof')
  const scopes = scopeClaims
    .flatMap((name) => [claims[name]].flat())
    .flatMap((value) => (typeof value === 'string' ? value.split(' ') : []))
  return { subject: sub, clientId, scopes: [...new Set(scopes.filter(isScope))], claims }
}
