import type { RecordedEvent } from './events.ts'

/**
 * Something that a server does, that takes time and can fail: a request to an endpoint, or one that the gate judges; a call to the store, about a kind of record; a call to the upstream, of several to that of `provider`. But for the request and its
 * id, every member has few values, and none is a secret.
 */
export type Operation =
  | { readonly is: 'request' | 'gate'; readonly route: string; readonly requestId: string; readonly request: Request }
  | { readonly is: 'store'; readonly method: string; readonly kind: string }
  | { readonly is: 'upstream'; readonly operation: string; readonly provider?: string }

/** Watches what one server does. It changes nothing of it; what it throws of its own is dropped. */
export interface Telemetry {
  /** Does `work` once, and learns how long it takes and what comes of it. Answers and throws what `work` does. */
  during<Result>(operation: Operation, work: () => Promise<Result>): Promise<Result>
  /** Is told every event, beside the operator's own listener. */
  onEvent(event: RecordedEvent): void
}

/** Makes the telemetry of a server: `openTelemetry()` of `@drawbridge/core/opentelemetry` is one. */
export type TelemetryOf = (server: { readonly issuer: string }) => Telemetry
