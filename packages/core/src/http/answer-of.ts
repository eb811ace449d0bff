import type { Environment } from '../ports/environment.ts'
import { StoreUnavailable } from '../ports/store.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { ConfigurationError, OAuthError } from '../protocol/errors.ts'
import type { Seconds } from '../protocol/time.ts'
import { TooManyRequests } from './rate-limit.ts'

/** A request was under way for longer than any may be. Becomes 503; what it had begun goes on beside it. */
export class TookTooLong extends Error {
  override readonly name = 'TookTooLong'

  constructor() {
    super('the request took too long')
  }
}

/** How an error is answered, in words and numbers. */
export interface ErrorAnswer {
  readonly status: number
  readonly code: string
  readonly description: string
  readonly retryAfter?: Seconds
}

/** How an error is answered: what OAuth has a name for as that, what passes as 503, and anything else as 500 without a word of it. */
export function answerOf(error: Error, environment: Pick<Environment, 'randomBytes'>): ErrorAnswer {
  if (error instanceof OAuthError) {
    const { status, code, message: description } = error
    return { status, code, description, ...(status === 503 && { retryAfter: drawRetryAfter(environment) }) }
  }
  if (error instanceof TooManyRequests) return { ...tooMany, retryAfter: error.retryAfter }
  if (error instanceof UpstreamUnavailable) return { ...unavailable, retryAfter: error.retryAfter ?? drawRetryAfter(environment) }
  const passes = [StoreUnavailable, ConfigurationError, TookTooLong].some((kind) => error instanceof kind)
  if (passes) return { ...unavailable, retryAfter: drawRetryAfter(environment) }
  return { status: 500, code: 'server_error', description: 'The server met an error of its own.' }
}

// After trouble of ours: Redis is back within 2 s. From 1 to 5, so that those who were sent away together do not come back together (REL-R29).
function drawRetryAfter({ randomBytes }: Pick<Environment, 'randomBytes'>): Seconds {
  const [byte = 0] = randomBytes(1)
  return 1 + (byte % 5)
}

const tooMany = {
  status: 429,
  code: 'temporarily_unavailable',
  description: 'There were too many requests from this address. Try again later.',
}

const unavailable = {
  status: 503,
  code: 'temporarily_unavailable',
  description: 'The server cannot answer at the moment. Try again shortly.',
}
