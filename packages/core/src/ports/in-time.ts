import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import type { Environment } from './environment.ts'

/** Answers as `work` does, or fails with what `late` makes once it has taken too long. The work itself goes on. */
export type InTime = <Result>(work: Promise<Result>, late: () => Error) => Promise<Result>

/**
 * Gives work `length` to be done in, and a second more at most: all that begins in the same second shares one timer, so that a
 * deadline on every request costs a member of a set and no timer (invariant I9).
 */
export function inTime(environment: Pick<Environment, 'now' | 'deadline'>, length: Seconds): InTime {
  let begun: { readonly at: UnixSeconds; readonly waiting: Set<() => void> } | undefined

  function waitingNow(): Set<() => void> {
    const at = environment.now()
    if (begun?.at === at) return begun.waiting
    const waiting = new Set<() => void>()
    begun = { at, waiting }
    environment.deadline(length + 1).addEventListener('abort', () => {
      for (const stop of waiting) stop()
    })
    return waiting
  }

  return (work, late) =>
    new Promise((resolve, reject) => {
      const waiting = waitingNow()
      const stop = (): void => {
        waiting.delete(stop)
        reject(late())
      }
      waiting.add(stop)
      work.then(
        (result) => {
          waiting.delete(stop)
          resolve(result)
        },
        (cause: unknown) => {
          waiting.delete(stop)
          reject(cause)
        },
      )
    })
}
