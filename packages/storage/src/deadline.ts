import { type Environment, type Seconds, StoreUnavailable } from '@drawbridge/core'

/** A store that takes longer than this is down, as far as a request is concerned. */
const deadline: Seconds = 0.5

/**
 * Answers what `work` answers, or rejects with `StoreUnavailable` when the deadline passes first. `work` goes on then, with
 * nobody waiting: before it starts anything more it asks the signal, whose `throwIfAborted` is the same rejection.
 */
export function inTime<Result>(
  environment: Environment,
  work: (signal: AbortSignal) => Promise<Result>,
  longest: Seconds = deadline,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const signal = environment.deadline(longest)
    const tooLate = (): void => reject(new StoreUnavailable('the store did not answer in time', { cause: signal.reason }))
    // A process that was busy meets the end of the time before the answers that arrived meanwhile: those are read first, and count.
    const late = (): void => void setImmediate(tooLate)
    signal.addEventListener('abort', late)
    void work(signal)
      .then(resolve, (error) => (signal.aborted && error === signal.reason ? tooLate() : reject(error)))
      .finally(() => signal.removeEventListener('abort', late))
  })
}
