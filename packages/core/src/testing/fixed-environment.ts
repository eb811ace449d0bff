import { createHash } from 'node:crypto'
import type { Environment } from '../ports/environment.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'

/** An environment whose clock stands still and whose randomness counts, for tests. */
export interface FixedEnvironment extends Environment {
  /** Moves the clock. */
  advance(by: Seconds): void
}

/** Thursday, 1 January 2026, noon UTC: where a fixed clock stands unless told. */
const standstill: UnixSeconds = 1_767_268_800

const noNetwork = (): Promise<never> => Promise.reject(new TypeError('no network in this environment'))

/**
 * Makes a {@link FixedEnvironment}. The network refuses every call unless `fetch` and `fetchPinned` are given; `sleep` ends at once, after the
 * event loop has turned, and moves no clock.
 */
export function fixedEnvironment({
  at = standstill,
  fetch = noNetwork,
  fetchPinned = noNetwork,
}: { at?: UnixSeconds } & Partial<Pick<Environment, 'fetch' | 'fetchPinned'>> = {}): FixedEnvironment {
  let moment = at
  let drawn = 0
  const deadlines: { at: UnixSeconds; controller: AbortController }[] = []
  const pending = new Set<Promise<void>>()
  return {
    now: () => moment,
    advance(by) {
      moment += by
      for (const { at, controller } of deadlines)
        if (at <= moment) controller.abort(new DOMException('the deadline has passed', 'TimeoutError'))
    },
    randomBytes(length) {
      drawn += 1
      return createHash('shake256', { outputLength: length }).update(String(drawn)).digest()
    },
    fetch,
    fetchPinned,
    deadline(length) {
      const controller = new AbortController()
      deadlines.push({ at: moment + length, controller })
      return controller.signal
    },
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    defer(work) {
      const tracked = work.catch(() => {}).finally(() => pending.delete(tracked))
      pending.add(tracked)
    },
    async drain() {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}
