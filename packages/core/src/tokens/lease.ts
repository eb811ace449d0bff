import type { Environment } from '../ports/environment.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { timedId } from '../protocol/identifiers.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { Collection } from '../records/collection.ts'
import { type Lease, releaseLease } from '../records/lease.ts'

/** What is done with the lease of a grant, and what those do who wait for it. */
export interface LeaseWork<Answer> {
  holding(): Promise<Answer>
  /** Looks whether the holder is done; undefined goes on waiting. */
  waiting(): Promise<{ readonly answer: Answer } | undefined>
}

/**
 * Runs `holding` on one host at a time. The others look in from time to time, and one of them takes over when the holder
 * gave up. Throws `UpstreamUnavailable` when nothing came of it in the lease's time.
 */
export async function withLease<Answer>(
  leases: Collection<Lease>,
  environment: Environment,
  grantId: string,
  { holding, waiting }: LeaseWork<Answer>,
): Promise<Answer> {
  // A second longer than any lease that was there at the start: this clock counts whole ones, and the store's does not.
  const until = environment.now() + fixedLifetimes.lease + 1
  for (let pause = 25; ; pause = Math.min(pause * 2, 250)) {
    const holder = timedId(environment.now(), environment.randomBytes(10))
    const held = await leases.create(grantId, { holder, endsAt: environment.now() + fixedLifetimes.lease })
    if (held) {
      try {
        return await holding()
      } finally {
        // Beside the request; should it fail, the lease ends by itself.
        environment.defer(leases.change(grantId, (lease) => releaseLease(lease, holder), held))
      }
    }
    const waited = await waiting()
    if (waited) return waited.answer
    if (environment.now() >= until) throw new UpstreamUnavailable('lease_not_freed')
    await environment.sleep(pause)
  }
}
