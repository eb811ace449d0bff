import { type Store, StoreUnavailable } from '@drawbridge/core'
import { type Around, type StoreCall, wrappedStore } from './wrapped-store.ts'

/** How a call fails: it was not executed; or a write was, and nobody was told. */
export type Failure = 'not-executed' | 'outcome-unknown'

/** A store that can fail at any call. */
export interface FailingStore extends Store {
  /** The calls since `failAt` or `heal` was called last. */
  readonly calls: readonly StoreCall[]
  /** The n-th call from now on (the first is 1) and the `more` after it fail. */
  failAt(nth: number, how?: Failure, more?: number): void
  /** From now on every call fails. */
  failAlways(): void
  heal(): void
}

export function failingStore(inner: Store): FailingStore {
  let calls: StoreCall[] = []
  let first = Number.POSITIVE_INFINITY
  let last = Number.POSITIVE_INFINITY
  let failure: Failure = 'not-executed'
  const around: Around = async (call, run) => {
    calls.push(call)
    const nth = calls.length
    if (nth < first || nth > last) return run()
    if (failure === 'outcome-unknown') await run()
    throw new StoreUnavailable('the store is down')
  }
  const plan = (from: number, to: number, how: Failure): void => {
    calls = []
    first = from
    last = to
    failure = how
  }
  return {
    ...wrappedStore(inner, around),
    get calls() {
      return calls
    },
    failAt: (nth, how = 'not-executed', more = 0) => plan(nth, nth + more, how),
    failAlways: () => plan(1, Number.POSITIVE_INFINITY, 'not-executed'),
    heal: () => plan(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 'not-executed'),
  }
}
