import type { Environment } from '../ports/environment.ts'
import { type Identity, UpstreamUnavailable } from '../ports/upstream.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import { invalidToken } from '../protocol/errors.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import type { Seen } from '../records/collection.ts'
import { type Grant, isUpstreamOver } from '../records/grant.ts'
import type { Records } from '../records/records.ts'
import type { UpstreamClientOf } from '../upstream/upstreams.ts'
import type { AccessTokenClaims, AccessTokens } from './access-token.ts'
import type { DpopPolicy, Proof } from './dpop-proofs.ts'
import { isOfListedProvider } from './listed-provider.ts'
import type { WatchGrant } from './watch-grant.ts'

/** Who calls, as MCP's SDKs have it: the result of a verification, and what tools see. */
export interface AuthInfo {
  readonly token: string
  readonly clientId: string
  /** The granted scopes. Not readonly, because the SDKs' own type is not. */
  scopes: string[]
  readonly expiresAt: UnixSeconds
  readonly resource: URL
  /** Where the metadata of the resource is: MCP's SDK v2 names it in challenges of its own (RFC 9728 §5.1). */
  readonly resourceMetadataUrl?: string
  readonly extra: AuthInfoExtra
}

/** What we add to an {@link AuthInfo}. */
export interface AuthInfoExtra extends Record<string, unknown> {
  readonly subject: string
  /** What the upstream says of the person; of a token of another issuer, its claims. */
  readonly identity: Identity
  /** The grant of the token; absent for a token that another issued. */
  readonly grantId?: string
  /** Who issued the token, where it was not this server: the same subject of two issuers is two people. */
  readonly issuer?: string
  /** The id of the request, as its events have it; absent where only the token was verified. */
  readonly requestId?: string
}

/** What a token can be for. */
export interface TokenResource {
  readonly uri: string
  /** Where its metadata is; absent for a resource elsewhere. */
  readonly metadataUrl?: string
}

/** Verifies an access token for one of `resources`. One that is bound to a key is good only with a proof of that key, which is used up; any other only without one. */
export type VerifyAccessToken = (token: string, resources: readonly TokenResource[], proof?: Proof) => Promise<AuthInfo>

/** What verifying needs. */
export interface VerifyNeeds {
  readonly accessTokens: AccessTokens
  readonly records: Pick<Records, 'grants'>
  readonly watch: WatchGrant
  readonly clientOf: UpstreamClientOf<never>
  /** How long a grant that was read is taken for unchanged. */
  readonly cacheFor: Seconds
  readonly staleFor: Seconds
  readonly dpop: DpopPolicy | undefined
  readonly environment: Environment
}

/**
 * Makes the verifier (RFC 9068 §4). Every verification reads the grant, so that a revocation holds on the next request on
 * every host. Throws `invalid_token` when the token or its grant is no good; trouble that passes stays what it is, and is
 * never taken for a no (invariant I6).
 */
export function verifyAccessToken(needs: VerifyNeeds): VerifyAccessToken {
  const { accessTokens, records, watch, clientOf, cacheFor, staleFor, dpop, environment } = needs
  const lately = new BoundedCache<{ until: UnixSeconds; seen: Seen<Grant> }>(10_000)

  // A token of a newer generation than what is kept has been rotated since: that grant is read again, to be confirmed.
  async function readGrant({ grantId, generation }: AccessTokenClaims): Promise<Seen<Grant>> {
    const known = cacheFor > 0 ? lately.find(grantId) : undefined
    const isNewer = generation > (known?.seen.record?.refresh.generation ?? 0)
    if (known && !isNewer && known.until > environment.now()) return known.seen
    const seen = await records.grants.read(grantId)
    if (cacheFor > 0 && seen.record) lately.keep(grantId, { until: environment.now() + cacheFor, seen })
    return seen
  }

  return async (token, resources, proof) => {
    const claims = await accessTokens.verify(token)
    const resource = resources.find(({ uri }) => uri === claims.resource)
    if (!resource) throw refuse('token_for_another_resource')
    refuseBinding(claims, proof, dpop)
    const [seen] = await Promise.all([readGrant(claims), proof?.use()])
    const grant = seen.record
    const now = environment.now()
    if (!grant || grant.clientId !== claims.clientId) throw refuse('grant_ended')
    if (!isOfListedProvider(clientOf, grant, now)) throw refuse('provider_unknown')
    if (isUpstreamOver(grant.upstream, now)) throw refuse('upstream_token_ended')
    const unreachableSince = grant.upstream?.unreachableSince
    watch(claims.grantId, claims.generation, seen)
    if (unreachableSince !== undefined && now - unreachableSince > staleFor) throw new UpstreamUnavailable('stale')
    return describe(token, claims, grant, resource)
  }
}

// A bound token never passes for a bearer token, not even after binding was turned off (RFC 9449 §7.2).
function refuseBinding({ boundTo }: AccessTokenClaims, proof: Proof | undefined, dpop: DpopPolicy | undefined): void {
  if (boundTo === undefined && (proof || dpop?.required)) throw refuse('token_not_bound')
  if (boundTo !== undefined && !proof) throw refuse('token_without_proof')
  if (boundTo !== proof?.thumbprint) throw refuse('token_of_another_key')
}

function describe(token: string, claims: AccessTokenClaims, grant: Grant, { metadataUrl }: TokenResource): AuthInfo {
  return {
    token,
    clientId: claims.clientId,
    scopes: [...claims.scopes],
    expiresAt: claims.expiresAt,
    resource: new URL(claims.resource),
    ...(metadataUrl !== undefined && { resourceMetadataUrl: metadataUrl }),
    extra: { subject: claims.subject, identity: grant.identity, grantId: claims.grantId },
  }
}

function refuse(reason: string): Error {
  return invalidToken('The access token is invalid or has expired.', reason)
}
