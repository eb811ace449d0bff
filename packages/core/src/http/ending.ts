import type { MiddlewareHandler } from 'hono'
import { inTime } from '../ports/in-time.ts'
import type { Seconds } from '../protocol/time.ts'
import { TookTooLong } from './answer-of.ts'
import type { EndpointParts } from './endpoint.ts'

/**
 * The last resort, where only the store is waited for: each call to it ends in half a second and each hook in one, so whatever is
 * under way for as long as the slowest client's body is stuck (invariant I9).
 */
export const longestRequest: Seconds = 10

/**
 * The last resort, where others are waited for: the claim of a callback that is not coming back, or the lease of a host that is
 * gone, and the upstream after it. Less than the minute after which most of what stands in front of a server gives up.
 */
const longestWithOthers: Seconds = 40

/**
 * Ends a request that takes too long, with {@link TookTooLong}. Nothing is torn: what it had begun goes on beside it, and whoever
 * tries again finds what came of that.
 */
export function ending({ waitsForOthers, environment }: Pick<EndpointParts, 'waitsForOthers' | 'environment'>): MiddlewareHandler {
  const within = inTime(environment, waitsForOthers ? longestWithOthers : longestRequest)
  return async (_, next) => {
    const work = next()
    await within(work, () => {
      environment.defer(work)
      return new TookTooLong()
    })
  }
}
