import type { Environment } from '../ports/environment.ts'
import { byProvider, type Emit } from '../ports/events.ts'
import { StoreUnavailable } from '../ports/store.ts'
import { UpstreamRefused, UpstreamUnavailable } from '../ports/upstream.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Seen } from '../records/collection.ts'
import { type Grant, isOfLogin, isUpstreamDue, type LoginGrant } from '../records/grant.ts'
import type { Records } from '../records/records.ts'
import { confirmGeneration } from '../records/rotate-refresh-token.ts'
import { noteIdentity, noteUnreachable } from '../records/upstream-steps.ts'
import type { UpstreamClientOf } from '../upstream/upstreams.ts'
import type { GrantEnding } from './end-grant.ts'
import { withLease } from './lease.ts'
import type { UpstreamTokensKeeper } from './upstream-tokens.ts'

/** Looks after a grant beside the requests that use it, so that none of them waits for the upstream. */
export type WatchGrant = (grantId: string, generation: number, seen: Seen<Grant>) => void

/** What watching needs. */
export interface WatchNeeds {
  readonly records: Pick<Records, 'grants' | 'leases'>
  readonly keeper: UpstreamTokensKeeper
  readonly clientOf: UpstreamClientOf<'identify'>
  readonly ending: GrantEnding
  readonly environment: Environment
  readonly emit: Emit
}

/** After a failure the upstream is left alone for this long, per grant and process. */
const pause = 30

/**
 * Confirms the generation of the token that was used; refreshes upstream tokens that are due; and asks an upstream whose
 * tokens never expire, every 15 minutes, whether it still knows the person.
 */
export function watchGrant(needs: WatchNeeds): WatchGrant {
  const { records, environment, emit } = needs
  const busyUntil = new BoundedCache<UnixSeconds>(10_000)
  const confirmation = openConfirmation(records)

  const askAndRest = async (grantId: string, seen: Seen<Grant>): Promise<void> => {
    try {
      await ask(needs, grantId, seen)
    } finally {
      busyUntil.keep(grantId, environment.now() + pause)
    }
  }

  return (grantId, generation, seen) => {
    const grant = seen.record
    if (!grant) return
    const now = environment.now()
    const unconfirmed = confirmation.isDue(grant, generation)
    const alone = isAskingDue(grant, now) && (busyUntil.find(grantId) ?? 0) <= now
    if (!unconfirmed && !alone) return
    if (alone) busyUntil.keep(grantId, now + fixedLifetimes.lease)
    environment.defer(
      (async () => {
        if (unconfirmed) await confirmation.confirm(grantId, generation, seen)
        if (alone) await askAndRest(grantId, unconfirmed ? await records.grants.read(grantId) : seen)
      })().catch((cause: unknown) => {
        const name = cause instanceof Error ? cause.name : 'unknown'
        if (cause instanceof StoreUnavailable) emit({ type: 'store.unavailable', endpoint: 'watch-grant', reason: name })
        else emit({ type: 'request.failed', endpoint: 'watch-grant', errorName: name })
      }),
    )
  }
}

function isAskingDue({ upstream }: Grant, now: UnixSeconds): boolean {
  if (!upstream) return false
  return upstream.refreshToken !== undefined ? isUpstreamDue(upstream, now) : now - upstream.checkedAt > fixedLifetimes.identityCheck
}

/** Confirms generations, each once: of the requests that all read the grant before that, the first one writes. */
interface Confirmation {
  isDue(grant: Grant, generation: number): boolean
  confirm(grantId: string, generation: number, seen: Seen<Grant>): Promise<void>
}

function openConfirmation({ grants }: Pick<Records, 'grants'>): Confirmation {
  const confirmed = new BoundedCache<number>(10_000)
  return {
    isDue: ({ id, refresh }, generation) => !refresh.confirmed && refresh.generation === generation && confirmed.find(id) !== generation,
    async confirm(grantId, generation, seen) {
      confirmed.keep(grantId, generation)
      try {
        await grants.change(grantId, (grant, now) => confirmGeneration(grant, generation, now), seen)
      } catch (cause) {
        confirmed.forget(grantId)
        throw cause
      }
    },
  }
}

async function ask(needs: WatchNeeds, grantId: string, seen: Seen<Grant>): Promise<void> {
  try {
    if (seen.record?.upstream?.refreshToken === undefined) await askIdentity(needs, grantId)
    else await needs.keeper.changeFresh(grantId, () => ({ answer: undefined }), seen)
  } catch (cause) {
    // The keeper has told the operator and noted it; the request that this goes beside has its answer already.
    if (!(cause instanceof UpstreamUnavailable)) throw cause
  }
}

async function askIdentity({ records, clientOf, ending, environment, emit }: WatchNeeds, grantId: string): Promise<void> {
  const isDue = (grant: Grant | undefined): grant is LoginGrant =>
    isOfLogin(grant) && environment.now() - grant.upstream.checkedAt > fixedLifetimes.identityCheck
  await withLease<void>(records.leases, environment, grantId, {
    async holding() {
      const grant = await records.grants.find(grantId)
      const upstreamClient = clientOf(grant?.identity.provider)
      if (!isDue(grant) || !upstreamClient) return
      try {
        const identity = await upstreamClient.identify(grant.upstream.accessToken, { known: grant.identity })
        if (identity.subject !== grant.identity.subject) await ending.end(grantId, 'upstream_names_another_person')
        else await records.grants.change(grantId, (current, now) => noteIdentity(current, identity, now))
      } catch (cause) {
        if (cause instanceof UpstreamRefused) return void (await ending.end(grantId, 'upstream_refused'))
        if (!(cause instanceof UpstreamUnavailable)) throw cause
        emit({ type: 'upstream.failed', operation: 'identify', reason: cause.reason, ...byProvider(grant.identity.provider) })
        await records.grants.change(grantId, noteUnreachable)
      }
    },
    waiting: async () => (isDue(await records.grants.find(grantId)) ? undefined : { answer: undefined }),
  })
}
