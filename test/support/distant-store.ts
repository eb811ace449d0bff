import type { Environment, Store } from '@drawbridge/core'
import { type Around, wrappedStore } from './wrapped-store.ts'

/** A store that is as far away as a round trip, and counts the round trips. */
export interface DistantStore extends Store {
  /** Runs `work`, once what goes on beside earlier work is done, and answers how many round trips it waited for itself. */
  waitsOf<Result>(work: () => Promise<Result>): Promise<{ readonly result: Result; readonly waits: number }>
}

/**
 * Calls that go out together are made in one turn of the event loop, so any round trip holds them all. This one is longer than
 * a signature takes, most of the time; when it is not, a call beside the work is counted with it, and the count is too high.
 */
const roundTripMs = 4

/**
 * Every call waits for the end of the round it goes out in, so calls that do not depend on each other share one, and the
 * number of rounds until an answer is the number of store waits in sequence.
 */
export function distantStore(inner: Store, environment: Environment): DistantStore {
  let rounds = 0
  let current: Promise<void> | undefined
  const around: Around = async (_call, run) => {
    current ??= new Promise((resolve) =>
      setTimeout(() => {
        current = undefined
        rounds += 1
        resolve()
      }, roundTripMs),
    )
    await current
    return run()
  }
  return {
    ...wrappedStore(inner, around),
    async waitsOf(work) {
      await environment.drain()
      const before = rounds
      const result = await work()
      return { result, waits: rounds - before }
    },
  }
}
