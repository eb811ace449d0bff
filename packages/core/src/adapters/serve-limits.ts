import type { ServerOptions } from 'node:http'
import { ConfigurationError } from '../protocol/errors.ts'
import type { Seconds } from '../protocol/time.ts'

/** How long `serve` waits for whom. */
export interface ServeLimits {
  /** How long a request may take to arrive, headers and body; then it is given up with 408 (RFC 9110 §15.5.9). Default: 10, many times what a client needs for a few KB. */
  readonly arrivesWithin?: Seconds
  /** How long a connection is kept on which nothing comes. Default: 5. Behind a balancer that keeps connections, longer than it does: or it may send a request just when we close. */
  readonly idleFor?: Seconds
  /** How long the requests under way are waited for when the server closes. Default: 10, as long as an upstream may take. */
  readonly grace?: Seconds
  /**
   * How long the server still serves after it was asked to end, while it says that it is not ready. Default: 0, which is right where nobody asks. Behind
   * a balancer that does, as long as it needs to notice: its interval times the failures it waits for, and a second.
   */
  readonly notReadyFor?: Seconds
}

/** The limits, with their defaults. Throws `ConfigurationError` for one that is none: `node:http` would take 0 for no limit. */
export function parseServeLimits({ arrivesWithin = 10, idleFor = 5, grace = 10, notReadyFor = 0 }: ServeLimits): Required<ServeLimits> {
  const limits = { arrivesWithin, idleFor, grace, notReadyFor }
  const problems = Object.entries(limits).flatMap(([name, value]) => {
    const least = name === 'notReadyFor' ? 0 : 0.01
    return value >= least && value <= longest ? [] : [`${name} is a number of seconds${least > 0 ? ' above 0' : ''}, ${longest} at most`]
  })
  if (problems.length > 0) throw new ConfigurationError(problems)
  return limits
}

/** An hour: whoever writes more means something else, milliseconds for instance. */
const longest: Seconds = 3600

/** `node:http` looks for slow requests from time to time, by default every 30 s; here so often that none has longer than `within`. */
export function arrivalLimits(within: Seconds): ServerOptions {
  const connectionsCheckingInterval = Math.ceil((within * 1000) / 20)
  const most = Math.floor(within * 1000) - connectionsCheckingInterval
  return { headersTimeout: most, requestTimeout: most, connectionsCheckingInterval }
}
