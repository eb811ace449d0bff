import type { Environment } from '../ports/environment.ts'
import { type InTime, inTime } from '../ports/in-time.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { clientAddress, type Peer } from './peer.ts'

/** What is limited, each for itself. */
export type RateLimitKind = 'register' | 'authorize' | 'consent' | 'device' | 'token' | 'token-failure' | 'document' | 'introspect'

/**
 * Counts `cost` against `key` and answers how many seconds to wait, or 0 to go on. A cost of 0 only asks. It may keep its count
 * wherever it likes; what it throws counts as 0, and so does no answer in a second, since a limiter that is down must not stop logins.
 */
export type RateLimit = (key: string, cost: number, kind: RateLimitKind) => Seconds | Promise<Seconds>

/** The caller has to wait: answered with 429 and `Retry-After` (RFC 6585 §4). */
export class TooManyRequests extends Error {
  override readonly name = 'TooManyRequests'
  readonly retryAfter: Seconds

  constructor(retryAfter: Seconds) {
    super('too many requests')
    this.retryAfter = retryAfter
  }
}

/** A count is quick, or the request that waits for it is no better off than in a flood. */
const hookDeadline: Seconds = 1

/** Limits requests by the address they come from. */
export interface Limiter {
  /** Counts a request. Rejects with {@link TooManyRequests}. */
  admit(kind: RateLimitKind, request: Request, peer: Peer): Promise<void>
  /** Counts something more that a request makes us do, once it was admitted. Rejects with {@link TooManyRequests}. */
  admitAlso(kind: RateLimitKind, request: Request | undefined): Promise<void>
  /** Rejects with {@link TooManyRequests} when there were too many failures; counts nothing. */
  refuseAfter(kind: RateLimitKind, request: Request, peer: Peer): Promise<void>
}

/** A limiter over a hook. Requests whose address nobody knows are not limited. */
export function openLimiter(limit: RateLimit, trustedProxies: number, environment: Environment): Limiter {
  const within = inTime(environment, hookDeadline)
  const peers = new WeakMap<Request, Peer>()
  const count = async (kind: RateLimitKind, cost: number, request: Request, peer: Peer): Promise<void> => {
    const key = clientAddress(request, peer, trustedProxies)
    if (key === undefined) return
    const wait = await ask(within, () => limit(key, cost, kind))
    if (wait > 0) throw new TooManyRequests(wait)
  }
  return {
    admit(kind, request, peer) {
      peers.set(request, peer)
      return count(kind, 1, request, peer)
    },
    async admitAlso(kind, request) {
      if (request) await count(kind, 1, request, peers.get(request) ?? {})
    },
    refuseAfter: (kind, request, peer) => count(kind, 0, request, peer),
  }
}

async function ask(within: InTime, limit: () => Seconds | Promise<Seconds>): Promise<Seconds> {
  try {
    const wait = limit()
    return typeof wait === 'number' ? wait : await within(Promise.resolve(wait), () => new Error('no answer in time'))
  } catch {
    return 0
  }
}

/** The window in which requests are counted. */
const window: Seconds = 60

/**
 * Requests of a kind from one address in a minute. Hosted clients register and refresh for many people from few addresses, so
 * these stop a flood and nobody's work; a resource server asks about every call it serves; a guess at a secret has 256 bits to go, so failures only have to be slow. A user code has 34
 * bits and a quarter of an hour (RFC 8628 §5.1): whoever guesses at a thousand of them hits one in 28,000 tries of that length.
 */
const most: Readonly<Record<RateLimitKind, number>> = {
  register: 120,
  authorize: 600,
  consent: 600,
  device: 60,
  token: 1200,
  'token-failure': 60,
  document: 60,
  introspect: 60_000,
}

/** The limit without a hook: a window in this process, for the 10,000 addresses seen last. */
export function windowLimit(environment: Environment): RateLimit {
  const counts = new BoundedCache<{ readonly until: UnixSeconds; count: number }>(10_000)
  return (key, cost, kind) => {
    const name = `${kind} ${key}`
    const now = environment.now()
    const known = counts.find(name)
    const current = known && known.until > now ? known : { until: now + window, count: 0 }
    if (current.count + cost > most[kind] || (cost === 0 && current.count >= most[kind])) return current.until - now
    current.count += cost
    counts.keep(name, current)
    return 0
  }
}
