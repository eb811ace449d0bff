import type { Environment } from '../ports/environment.ts'
import { type Identity, NoUpstream, type UpstreamAccess, type UpstreamTokens, UpstreamUnavailable } from '../ports/upstream.ts'
import { invalidToken } from '../protocol/errors.ts'
import type { Outcome, Seen } from '../records/collection.ts'
import { type Grant, isOfLogin } from '../records/grant.ts'
import type { Records } from '../records/records.ts'
import type { UpstreamClient } from '../upstream/calls.ts'
import { upstreamAccess } from '../upstream/upstream-access.ts'
import type { UpstreamClientOf } from '../upstream/upstreams.ts'
import { isOfListedProvider } from './listed-provider.ts'
import type { UpstreamTokensKeeper } from './upstream-tokens.ts'

/** The upstream, in the name of the person, for a tool: its access token is good for some minutes at least. */
export interface UpstreamHandle extends UpstreamAccess {
  readonly identity: Identity
  /** Which upstream it is, by the key of its provider, where there are several. */
  readonly provider?: string
  /**
   * Asks the upstream's token endpoint, as ourselves, for another token: with `grantType` and what it needs, the access token above among it (RFC 6749 §4.5,
   * token exchange RFC 8693, Entra's on-behalf-of). Nothing of it is kept. Rejects with `UpstreamRefused` and `UpstreamUnavailable`.
   */
  exchange(grantType: string, parameters: Readonly<Record<string, string>>): Promise<UpstreamTokens>
}

/** What handing it out needs. */
export interface UpstreamHandleNeeds {
  readonly records: Pick<Records, 'grants'>
  readonly keeper: UpstreamTokensKeeper
  readonly clientOf: UpstreamClientOf<'exchangeGrant'>
  readonly environment: Environment
}

/**
 * The upstream of a grant, its tokens refreshed first when they are due. Throws `invalid_token` when the grant has ended or its provider is not listed any more, and
 * `UpstreamUnavailable` when the token has ended and the upstream cannot be reached; and {@link NoUpstream}, when nobody logged in for it.
 */
export async function upstreamHandle(
  { records, keeper, clientOf, environment }: UpstreamHandleNeeds,
  grantId: string,
): Promise<UpstreamHandle> {
  const seen = await records.grants.read(grantId)
  if (!isOfListedProvider(clientOf, seen.record, environment.now()))
    throw invalidToken('The upstream of this access token is not used here any more.', 'provider_unknown')
  const grant = await freshGrant(keeper, grantId, seen, environment)
  if (!grant) throw invalidToken('The grant of this access token has ended.', 'grant_ended')
  if (!isOfLogin(grant)) throw new NoUpstream()
  const { accessToken, scopes } = grant.upstream
  return {
    ...upstreamAccess(accessToken, scopes, environment),
    identity: grant.identity,
    ...(grant.identity.provider !== undefined && { provider: grant.identity.provider }),
    exchange: exchanging(clientOf(grant.identity.provider)),
  }
}

function exchanging(client: Pick<UpstreamClient, 'exchangeGrant'> | undefined): UpstreamHandle['exchange'] {
  return async (...asked) => {
    if (!client) throw new NoUpstream()
    return client.exchangeGrant(...asked)
  }
}

// A token that is due but not over is better than no answer while the upstream cannot be reached.
async function freshGrant(
  keeper: UpstreamTokensKeeper,
  grantId: string,
  seen: Seen<Grant>,
  environment: Environment,
): Promise<Grant | undefined> {
  try {
    return await keeper.changeFresh(grantId, (grant): Outcome<Grant, Grant | undefined> => ({ answer: grant }), seen)
  } catch (cause) {
    const stillGood = (seen.record?.upstream?.expiresAt ?? 0) > environment.now()
    if (cause instanceof UpstreamUnavailable && stillGood) return seen.record
    throw cause
  }
}
