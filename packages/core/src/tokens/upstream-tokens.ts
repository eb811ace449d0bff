import type { Environment } from '../ports/environment.ts'
import { byProvider, type Emit } from '../ports/events.ts'
import { UpstreamRefused, type UpstreamTokens, UpstreamUnavailable } from '../ports/upstream.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import { hashSecret } from '../protocol/compare.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import type { Outcome, Seen, Step } from '../records/collection.ts'
import { type Grant, isOfLogin, isUpstreamDue, type LoginGrant } from '../records/grant.ts'
import type { Records } from '../records/records.ts'
import { noteUnreachable } from '../records/upstream-steps.ts'
import type { UpstreamClientOf } from '../upstream/upstreams.ts'
import { type CommitNeeds, commitUpstreamTokens } from './commit-upstream-tokens.ts'
import type { GrantEnding } from './end-grant.ts'
import { withLease } from './lease.ts'

/** Keeps the upstream's tokens fresh: one refresh at a time over all hosts, and nobody else waits for more than that one. */
export interface UpstreamTokensKeeper {
  /**
   * Changes a grant whose upstream tokens are to be fresh afterwards. A refresh that is due comes first, and its result and
   * the step are written by one change. Throws `UpstreamUnavailable`, and then the step was not run; and `StoreUnavailable`,
   * when the store keeps them waiting for too long. When the upstream says no, the grant ends and the step sees none.
   */
  changeFresh<Answer>(grantId: string, step: Step<Grant, Answer>, from: Seen<Grant>): Promise<Answer>
}

/** What keeping them needs. */
export interface UpstreamTokensNeeds {
  readonly records: Pick<Records, 'grants' | 'leases'>
  readonly clientOf: UpstreamClientOf<'refresh' | 'revoke'>
  readonly ending: GrantEnding
  readonly environment: Environment
  readonly emit: Emit
}

/** What a refresh needs that somebody waits for. */
interface AwaitedNeeds extends UpstreamTokensNeeds, Pick<CommitNeeds, 'late'> {
  /** By their hashes, upstream refresh tokens that the upstream refused and whose grant could not be ended then; and until when that is remembered. */
  readonly dead: BoundedCache<UnixSeconds>
}

/** A store that was away is back by then. What is forgotten sooner is asked once more, and refused once more. */
const rememberedAsDead: Seconds = 600

/** Opens the keeper. */
export function upstreamTokens(needs: UpstreamTokensNeeds): UpstreamTokensKeeper {
  const { records, environment } = needs
  const { grants } = records
  const underWay = new Map<string, Promise<unknown>>()
  const dead = new BoundedCache<UnixSeconds>(1000)

  return {
    async changeFresh<Answer>(grantId: string, step: Step<Grant, Answer>, from: Seen<Grant>): Promise<Answer> {
      if (!isDue(from, environment)) return grants.change(grantId, step, from)
      const running = underWay.get(grantId)
      if (running) {
        await running
        return grants.change(grantId, step)
      }
      const answered = new Promise<Answer>((resolve, reject) => {
        const refreshing = refreshAlone({ ...needs, dead, late: reject }, grantId, step).finally(() => underWay.delete(grantId))
        refreshing.then(resolve, reject)
        // The refresh goes on when whoever asked for it has gone, or was told: the upstream may have spent its token already.
        environment.defer(refreshing.then(() => {}))
      })
      underWay.set(grantId, answered)
      return answered
    },
  }
}

function isDue({ record }: Seen<Grant>, environment: Environment): boolean {
  return record?.upstream?.refreshToken !== undefined && isUpstreamDue(record.upstream, environment.now())
}

function refreshAlone<Answer>(needs: AwaitedNeeds, grantId: string, step: Step<Grant, Answer>): Promise<Answer> {
  const { records, environment } = needs
  const { grants } = records
  return withLease(records.leases, environment, grantId, {
    // The lease is held: what was read before it may be old, so the grant is read again.
    async holding() {
      const seen = await grants.read(grantId)
      return isDue(seen, environment) && isOfLogin(seen.record)
        ? refresh(needs, seen.record, step, seen)
        : grants.change(grantId, step, seen)
    },
    async waiting() {
      const seen = await grants.read(grantId)
      return isDue(seen, environment) ? undefined : { answer: await grants.change(grantId, step, seen) }
    },
  })
}

async function refresh<Answer>(needs: AwaitedNeeds, grant: LoginGrant, step: Step<Grant, Answer>, seen: Seen<Grant>): Promise<Answer> {
  const { records, clientOf, dead, environment, emit } = needs
  const { refreshToken = '', seq } = grant.upstream
  const named = byProvider(grant.identity.provider)
  const upstreamClient = clientOf(grant.identity.provider)
  // Whoever asks for it has looked; another upstream must not see these tokens.
  if (!upstreamClient) throw new UpstreamUnavailable('provider_unknown')
  // An upstream that ends everything when a dead token comes back must not see it twice.
  if ((dead.find(hashSecret(refreshToken)) ?? 0) > environment.now()) return refused(needs, grant, step)
  let tokens: UpstreamTokens
  try {
    tokens = await upstreamClient.refresh(refreshToken, { scopes: grant.upstream.scopes, resource: grant.resource })
  } catch (cause) {
    if (cause instanceof UpstreamUnavailable) {
      emit({ type: 'upstream.failed', operation: 'refresh', reason: cause.reason, ...named })
      environment.defer(records.grants.change(grant.id, noteUnreachable))
    }
    if (!(cause instanceof UpstreamRefused)) throw cause
    emit({ type: 'upstream.failed', operation: 'refresh', reason: cause.reason, ...named })
    return refused(needs, grant, step)
  }
  const { applied, answer } = await commitUpstreamTokens(needs, { grantId: grant.id, from: seq, tokens, step, seen })
  if (applied === 'kept') emit({ type: 'upstream.refreshed', grantId: grant.id, ...named })
  // Nobody will use the new tokens: they are ended upstream rather than left to be found. Not where another refresh was first:
  // its tokens may be the same ones, or of the same family, and they are in use.
  if (applied === 'gone')
    environment.defer(
      upstreamClient.revoke(tokens).catch(() => emit({ type: 'upstream.failed', operation: 'revoke', reason: 'not_revoked', ...named })),
    )
  return answer
}

// Another host without our lease may have refreshed in between; then its tokens are good and the no was about the old ones.
async function refused<Answer>(
  { records, ending, dead, environment }: AwaitedNeeds,
  grant: LoginGrant,
  step: Step<Grant, Answer>,
): Promise<Answer> {
  const name = hashSecret(grant.upstream.refreshToken ?? '')
  dead.keep(name, environment.now() + rememberedAsDead)
  const { ended, answer } = await records.grants.change(grant.id, (current, now): Outcome<Grant, { ended: boolean; answer: Answer }> => {
    if (current?.upstream?.seq === grant.upstream.seq) return { next: 'gone', answer: { ended: true, answer: step(undefined, now).answer } }
    const { next, answer } = step(current, now)
    return { ...(next !== undefined && { next }), answer: { ended: false, answer } }
  })
  dead.forget(name)
  if (ended) ending.ended(grant, 'upstream_refused')
  return answer
}
