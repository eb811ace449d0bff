import {
  type Attributes,
  type Context,
  context,
  type MeterProvider,
  metrics,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { elapsed } from '../ports/environment.ts'
import type { Operation, Telemetry, TelemetryOf } from '../ports/telemetry.ts'
import {
  errorTypes,
  eventAttributes,
  type NameError,
  operationAttributes,
  requestAttributes,
  resultAttributes,
} from './opentelemetry-attributes.ts'
import { type Instruments, openInstruments } from './opentelemetry-instruments.ts'

/** Where spans and metrics go. */
export interface OpenTelemetryOptions {
  /** Default: the global one, which the SDK of your process registers. */
  readonly tracerProvider?: TracerProvider
  /** Default: the global one. It has to be registered before the server is made. */
  readonly meterProvider?: MeterProvider
  /** Milliseconds that only go forward, for tests. */
  readonly clock?: () => number
}

/** The name under which our spans and metrics are made, their instrumentation scope. */
const scope = '@drawbridge/core'

/**
 * Spans, metrics and events for OpenTelemetry: the option `observability.telemetry`. What it makes is listed in `docs/guides/watching.md`. Nothing that it makes has a secret, a query, a client or a person in it; the id of a
 * request is on its span alone.
 */
export function openTelemetry({ tracerProvider, meterProvider, clock = elapsed }: OpenTelemetryOptions = {}): TelemetryOf {
  return ({ issuer }) => {
    const tracer = tracerProvider ? tracerProvider.getTracer(scope) : trace.getTracer(scope)
    const instruments = openInstruments(meterProvider ? meterProvider.getMeter(scope) : metrics.getMeter(scope))
    const nameError = errorTypes()
    const ofIssuer = { 'drawbridge.issuer': issuer }
    return {
      during(operation, work) {
        const parent = parentOf(operation)
        const attributes = { ...ofIssuer, ...operationAttributes(operation) }
        const more = requestAttributes(operation, issuer)
        const span = tracer.startSpan(
          nameOf(operation),
          { kind: kindOf(operation, parent), attributes: { ...attributes, ...more } },
          parent,
        )
        return watch({ operation, attributes, span, instruments, nameError, clock }, () => context.with(trace.setSpan(parent, span), work))
      },
      onEvent(event) {
        const attributes = { ...ofIssuer, ...eventAttributes(event, nameError) }
        instruments.events.add(1, { ...attributes, 'drawbridge.event.type': event.type })
        const span = trace.getActiveSpan()
        // What goes on beside a request outlives its span.
        if (span?.isRecording()) span.addEvent(`drawbridge.${event.type}`, attributes)
      },
    } satisfies Telemetry
  }
}

interface Watched {
  readonly operation: Operation
  readonly attributes: Attributes
  readonly span: Span
  readonly instruments: Instruments
  readonly nameError: NameError
  readonly clock: () => number
}

async function watch<Result>(
  { operation, attributes, span, instruments, nameError, clock }: Watched,
  work: () => Promise<Result>,
): Promise<Result> {
  const began = clock()
  instruments.active?.[operation.is]?.add(1, attributes)
  const end = (outcome: Attributes): void => {
    instruments.active?.[operation.is]?.add(-1, attributes)
    instruments.durations[operation.is].record((clock() - began) / 1000, { ...attributes, ...outcome })
    span.setAttributes(outcome)
    // Without a message and without the exception itself, which may quote what it met (threat T98).
    if (outcome['error.type'] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  }
  let result: Result
  try {
    result = await work()
  } catch (cause) {
    end({ 'error.type': nameError(cause) })
    throw cause
  }
  end(resultAttributes(result))
  return result
}

/** Spans are named by route and never by path or query: in those are codes and states. */
function nameOf(operation: Operation): string {
  if (operation.is === 'store') return `store ${operation.method} ${operation.kind}`
  if (operation.is === 'upstream') return `upstream ${operation.operation}`
  return `${operation.is === 'gate' ? 'gate' : operationAttributes(operation)['http.request.method']} ${operation.route}`
}

// A server that is instrumented itself has a span for the request already, and ours is a part of that.
function kindOf({ is }: Operation, parent: Context): SpanKind {
  if (is === 'request') return trace.getSpan(parent) && !trace.getSpanContext(parent)?.isRemote ? SpanKind.INTERNAL : SpanKind.SERVER
  return is === 'upstream' ? SpanKind.CLIENT : SpanKind.INTERNAL
}

/** What the caller says in `traceparent` is its own affair: it is looked at where nothing in this process knows better. */
function parentOf(operation: Operation): Context {
  const active = context.active()
  if (!('request' in operation) || trace.getSpan(active)) return active
  return propagation.extract(active, operation.request.headers, headers)
}

const headers: TextMapGetter<Headers> = {
  keys: (carrier) => [...carrier.keys()],
  get: (carrier, name) => carrier.get(name) ?? undefined,
}
