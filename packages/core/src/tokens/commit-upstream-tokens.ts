import type { Environment } from '../ports/environment.ts'
import { StoreUnavailable } from '../ports/store.ts'
import type { UpstreamTokens } from '../ports/upstream.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { Seconds } from '../protocol/time.ts'
import type { Outcome, Seen, Step } from '../records/collection.ts'
import type { Grant } from '../records/grant.ts'
import type { Records } from '../records/records.ts'
import { type Applied, applyUpstreamTokens } from '../records/upstream-steps.ts'

/** What committing needs. */
export interface CommitNeeds {
  readonly records: Pick<Records, 'grants'>
  readonly environment: Environment
  /** Tells whoever waits that the store takes too long; the commit goes on. */
  late(cause: StoreUnavailable): void
}

/** Upstream tokens that were refreshed just now, and the step that is to find them in the grant. */
export interface Commit<Answer> {
  readonly grantId: string
  /** The `seq` of the tokens they were refreshed from. */
  readonly from: number
  readonly tokens: UpstreamTokens
  readonly step: Step<Grant, Answer>
  readonly seen: Seen<Grant>
}

/** What became of the tokens, and what the step said. */
export interface Committed<Answer> {
  readonly applied: Applied
  readonly answer: Answer
}

/** Whoever waits for it waits no longer for the store: a request takes 2 s, its other calls to the store included. */
const patience: Seconds = 1.5

/**
 * Writes refreshed upstream tokens and what a step makes of the grant that has them, by one change. The upstream has already
 * forgotten the old ones, so this is tried until the lease ends, whatever the store does and whoever has gone meanwhile.
 */
export async function commitUpstreamTokens<Answer>(
  { records, environment, late }: CommitNeeds,
  commit: Commit<Answer>,
): Promise<Committed<Answer>> {
  const until = environment.now() + fixedLifetimes.lease
  environment.deadline(patience).addEventListener('abort', () => late(new StoreUnavailable('the store did not take new tokens in time')))
  for (let seen: Seen<Grant> | undefined = commit.seen; ; seen = undefined) {
    try {
      return await records.grants.change(commit.grantId, (grant, now) => applyThen(commit, grant, now), seen)
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable) || environment.now() >= until) throw cause
      await environment.sleep(100)
    }
  }
}

function applyThen<Answer>(
  { from, tokens, step }: Commit<Answer>,
  grant: Grant | undefined,
  now: number,
): Outcome<Grant, Committed<Answer>> {
  const refreshed = applyUpstreamTokens(grant, from, tokens, now)
  const current = refreshed.next === 'gone' ? undefined : (refreshed.next ?? grant)
  const then = step(current, now)
  const next = then.next ?? refreshed.next
  return { ...(next !== undefined && { next }), answer: { applied: refreshed.answer, answer: then.answer } }
}
