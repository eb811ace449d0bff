import { UpstreamUnavailable } from '../ports/upstream.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import { type Grant, isOfLogin } from '../records/grant.ts'
import type { UpstreamClientOf } from '../upstream/upstreams.ts'

/**
 * Whether the provider of a grant is listed here. One that is not was taken out of the options, and its people with it; the grant stays as it is, for the day
 * when it is listed again. Throws `UpstreamUnavailable` for a grant that is younger than a roll-out: a host that has the new options already may have opened it.
 */
export function isOfListedProvider(clientOf: UpstreamClientOf<never>, grant: Grant | undefined, now: UnixSeconds): boolean {
  if (!isOfLogin(grant) || clientOf(grant.identity.provider)) return true
  if (now - grant.createdAt < fixedLifetimes.rollOut) throw new UpstreamUnavailable('provider_unknown')
  return false
}
