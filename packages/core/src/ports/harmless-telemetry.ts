import type { Operation, Telemetry } from './telemetry.ts'

/** Telemetry that cannot get in the way: work is done once, and its answer or its error is what comes of it, whatever the watcher throws. */
export function harmlessTelemetry(telemetry: Telemetry): Telemetry {
  return {
    async during<Result>(operation: Operation, work: () => Promise<Result>): Promise<Result> {
      let done: Promise<Result> | undefined
      const once = (): Promise<Result> => {
        done ??= work()
        return done
      }
      try {
        return await telemetry.during(operation, once)
      } catch {
        // The error of the work, which is thrown again here; or one of the watcher's, which is dropped: there is nobody to tell.
        return once()
      }
    },
    onEvent(event) {
      try {
        telemetry.onEvent(event)
      } catch {
        // Dropped, as what the operator's listener throws is.
      }
    },
  }
}
