import type { Environment } from '@drawbridge/core'
import { inTime } from './deadline.ts'

/** Does the work for a key when all work for it that came before has ended, or rejects with `StoreUnavailable` at the deadline. */
export type InTurn = <Result>(key: string, work: (signal: AbortSignal) => Promise<Result>) => Promise<Result>

/**
 * Makes turns: one at a time for each key, in the order of asking; nothing is kept for a key that nobody waits for.
 *
 * The deadline is for the caller, waiting for the turn included. The turn itself lasts until the work has ended: a write that is
 * late may still arrive, and whoever wrote in the meantime would be written over.
 */
export function takingTurns(environment: Environment): InTurn {
  const last = new Map<string, Promise<unknown>>()

  function queue<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = last.get(key) ?? Promise.resolve()
    const mine = before.then(work)
    const settled = mine
      .catch(() => {})
      .then(() => {
        if (last.get(key) === settled) last.delete(key)
      })
    last.set(key, settled)
    return mine
  }

  return (key, work) =>
    inTime(environment, (signal) =>
      queue(key, async () => {
        signal.throwIfAborted()
        return work(signal)
      }),
    )
}
