import { context, type Span, type SpanContext, type TextMapPropagator, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

/** One point of a metric: its attributes, and its value, or for a histogram how many values there were. */
export interface Point {
  readonly name: string
  readonly unit: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly value: number
}

/** The SDK of OpenTelemetry, with everything kept in memory. */
export interface Observed {
  readonly tracerProvider: TracerProvider
  readonly meterProvider: MeterProvider
  /** The spans that have ended. */
  spans(): ReadableSpan[]
  /** What was counted and measured so far. */
  points(): Promise<Point[]>
  forget(): void
}

export function observed(): Observed {
  const spans = new InMemorySpanExporter()
  const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  return {
    tracerProvider: new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
    meterProvider,
    spans: () => spans.getFinishedSpans(),
    async points() {
      metrics.reset()
      await meterProvider.forceFlush()
      return metrics.getMetrics().flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap((ofScope) =>
          ofScope.metrics.flatMap(({ descriptor: { name, unit }, dataPoints }) =>
            dataPoints.map(({ attributes, value }) => ({
              name,
              unit,
              attributes,
              value: typeof value === 'number' ? value : value.count,
            })),
          ),
        ),
      )
    },
    forget: () => spans.reset(),
  }
}

/** Registers what carries the active span from call to call, as the SDK of a process does; answers how to take it away. */
export function withActiveSpans(): () => void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return () => context.disable()
}

/** Reads `traceparent`, as the SDK's own propagator does. */
export const traceparent: TextMapPropagator = {
  inject: () => {},
  fields: () => ['traceparent'],
  extract(active, carrier, getter) {
    const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(String(getter.get(carrier, 'traceparent'))) ?? []
    if (traceId === undefined || spanId === undefined) return active
    const remote: SpanContext = { traceId, spanId, traceFlags: 1, isRemote: true }
    return trace.setSpanContext(active, remote)
  },
}

/** Does `work` inside a span, as the instrumentation of a server does. */
export async function inside(span: Span, work: () => Promise<unknown>): Promise<void> {
  await context.with(trace.setSpan(context.active(), span), work)
  span.end()
}
