import { type Seconds, StoreUnavailable } from '@drawbridge/core'
import type { Keyv } from 'keyv'

/** Keyv, but a failure is a failure: every method rejects with `StoreUnavailable`. It has no deadline: `takingTurns` has. */
export interface GuardedKeyv {
  get(key: string): Promise<unknown>
  set(key: string, value: string, ttl: Seconds): Promise<void>
  delete(key: string): Promise<void>
}

/**
 * Guards a Keyv. By default it answers `undefined` to a read and `true` to a write that failed, and says so only by an `error`
 * event; so an event during a call makes that call fail. An event does not say whose it is, and may come from the connection:
 * all calls under way fail, which costs some of them a reading back.
 */
export function guardedKeyv(keyv: Keyv): GuardedKeyv {
  keyv.throwOnErrors = true
  keyv.opts.emitErrors = true
  const underWay = new Set<unknown[]>()
  keyv.on('error', (error: unknown) => {
    for (const errors of underWay) errors.push(error)
  })

  async function guarded<Result>(call: () => Promise<Result>): Promise<Result> {
    const errors: unknown[] = []
    underWay.add(errors)
    try {
      const result = await call()
      if (errors.length > 0) throw errors[0]
      return result
    } catch (cause) {
      throw new StoreUnavailable('the key-value store failed', { cause })
    } finally {
      underWay.delete(errors)
    }
  }

  return {
    get: (key) => guarded(() => keyv.get(key)),
    async set(key, value, ttl) {
      if (!(await guarded(() => keyv.set(key, value, ttl * 1000)))) throw new StoreUnavailable('the key-value store did not write')
    },
    async delete(key) {
      if (!(await guarded(() => keyv.delete(key)))) throw new StoreUnavailable('the key-value store did not delete')
    },
  }
}
