import type { OAuthProxyOptions } from './config/options.ts'
import type { Environment } from './ports/environment.ts'
import type { Emit } from './ports/events.ts'

/** Tells `onEvent`. What the operator's listener does is its own affair: it can neither hold up nor break a request. */
export function emitTo(onEvent: OAuthProxyOptions['onEvent'], environment: Environment): Emit {
  return (event) => {
    try {
      const told: unknown = onEvent?.({ ...event, at: environment.now() })
      // A listener may be async; nobody waits for it, and what it rejects with is dropped as well.
      Promise.resolve(told).catch(() => {})
    } catch {
      // Dropped: there is nobody else to tell.
    }
  }
}
