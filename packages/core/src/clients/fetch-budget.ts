import type { Environment } from '../ports/environment.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'

/** Fetches under way at once: each has 5 s, so hosts that never answer hold up few others. */
const atOnce = 32

/**
 * Fetches from one origin in a minute, good or bad. A vendor with a document for each of its people stays below it, and nobody
 * can make us flood a host. It counts and does not judge: whoever mends a document can use it at once (spec row R126).
 */
const perOrigin = 60
const window: Seconds = 60

/** Lets a fetch begin; undefined when there are too many, otherwise what to call at its end. */
export type FetchBudget = (origin: string) => (() => void) | undefined

/** Makes a {@link FetchBudget} for this process. */
export function fetchBudget(environment: Pick<Environment, 'now'>): FetchBudget {
  const counts = new BoundedCache<{ readonly until: UnixSeconds; count: number }>(1000)
  let underWay = 0
  return (origin) => {
    const now = environment.now()
    const known = counts.find(origin)
    const current = known && known.until > now ? known : { until: now + window, count: 0 }
    if (underWay >= atOnce || current.count >= perOrigin) return undefined
    current.count += 1
    counts.keep(origin, current)
    underWay += 1
    return () => {
      underWay -= 1
    }
  }
}
