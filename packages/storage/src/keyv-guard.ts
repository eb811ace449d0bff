import { type Environment, type Seconds, StoreUnavailable } from '@drawbridge/core'
import type { Keyv } from 'keyv'

/** Keyv, but a failure is a failure: every method rejects with `StoreUnavailable`, at the latest at the deadline. */
export interface GuardedKeyv {
  get(key: string): Promise<unknown>
  set(key: string, value: string, ttl: Seconds): Promise<void>
  /** Whether there was something to delete. */
  delete(key: string): Promise<boolean>
}

/** A store that takes longer than this is down, as far as a request is concerned. */
const deadline = 0.5

/**
 * Guards a Keyv. By default it answers `undefined` to a read and `true` to a write that failed, and says so only by an `error`
 * event; so an event during a call makes that call fail.
 */
export function guardedKeyv(keyv: Keyv, environment: Environment): GuardedKeyv {
  keyv.throwOnErrors = true
  const listening = new Set<(error: unknown) => void>()
  keyv.on('error', (error: unknown) => {
    for (const listener of listening) listener(error)
  })

  function guarded<Result>(call: () => Promise<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const fail = (cause: unknown): void => reject(new StoreUnavailable('the key-value store failed', { cause }))
      const signal = environment.deadline(deadline)
      const late = (): void => fail(signal.reason)
      listening.add(fail)
      signal.addEventListener('abort', late)
      // After the answer, the events of this call have all been sent.
      call()
        .then(resolve, fail)
        .finally(() => {
          listening.delete(fail)
          signal.removeEventListener('abort', late)
        })
    })
  }

  return {
    get: (key) => guarded(() => keyv.get(key)),
    async set(key, value, ttl) {
      if (!(await guarded(() => keyv.set(key, value, ttl * 1000)))) throw new StoreUnavailable('the key-value store did not write')
    },
    delete: (key) => guarded(() => keyv.delete(key)),
  }
}
