import type { Counter, Histogram, Meter, UpDownCounter } from '@opentelemetry/api'
import type { Operation } from '../ports/telemetry.ts'

/** What is counted and measured. */
export interface Instruments {
  readonly events: Counter
  readonly durations: Readonly<Record<Operation['is'], Histogram>>
  /** How many are under way, of what can take long. */
  readonly active: Readonly<Partial<Record<Operation['is'], UpDownCounter>>>
}

/** Seconds, as OpenTelemetry advises for HTTP; a call of the store or the gate takes less, so there are finer ones below. */
const boundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** Makes them. Names of our own, because a server that is instrumented itself counts the same requests under the common ones. */
export function openInstruments(meter: Meter): Instruments {
  const seconds = (name: string, description: string): Histogram =>
    meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: boundaries } })
  return {
    events: meter.createCounter('drawbridge.events', { unit: '{event}', description: 'What happened, by type.' }),
    durations: {
      request: seconds('drawbridge.request.duration', 'How long requests to an endpoint took.'),
      gate: seconds('drawbridge.gate.duration', 'How long the gate took to let a request to the MCP endpoint pass, or to refuse it.'),
      store: seconds('drawbridge.store.duration', 'How long calls to the store took.'),
      upstream: seconds('drawbridge.upstream.duration', 'How long calls to the upstream took.'),
    },
    active: {
      request: meter.createUpDownCounter('drawbridge.request.active', { unit: '{request}', description: 'Requests under way.' }),
      upstream: meter.createUpDownCounter('drawbridge.upstream.active', {
        unit: '{call}',
        description: 'Calls to the upstream under way.',
      }),
    },
  }
}
