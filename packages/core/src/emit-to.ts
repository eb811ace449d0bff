import type { OAuthProxyOptions } from './config/options.ts'
import type { CurrentRequest } from './ports/current-request.ts'
import type { Environment } from './ports/environment.ts'
import type { Emit, RecordedEvent } from './ports/events.ts'
import type { Telemetry } from './ports/telemetry.ts'

/** What telling needs. */
export interface EmitNeeds {
  readonly environment: Pick<Environment, 'now'>
  readonly current: Pick<CurrentRequest, 'id'>
  readonly telemetry?: Telemetry | undefined
}

/** Tells `onEvent`. What the operator's listener does is its own affair: it can neither hold up nor break a request. */
export function emitTo(onEvent: OAuthProxyOptions['onEvent'], { environment, current, telemetry }: EmitNeeds): Emit {
  return (event) => {
    const requestId = current.id()
    const recorded: RecordedEvent = { ...event, at: environment.now(), ...(requestId !== undefined && { requestId }) }
    telemetry?.onEvent(recorded)
    try {
      const told: unknown = onEvent?.(recorded)
      // A listener may be async; nobody waits for it, and what it rejects with is dropped as well.
      Promise.resolve(told).catch(() => {})
    } catch {
      // Dropped: there is nobody else to tell.
    }
  }
}
