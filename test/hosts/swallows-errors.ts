import { type Entry, type Store, StoreUnavailable } from '@drawbridge/core'

/**
 * What a cache client with its errors off comes to: a store that cannot be reached finds nothing, and writes and deletes
 * everything. A double, to see that a swallowed error is noticed.
 */
export function swallowsErrors(inner: Store): Store {
  async function swallowed<Result>(work: Promise<Result>, instead: Result): Promise<Result> {
    try {
      return await work
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable)) throw cause
      return instead
    }
  }

  return {
    ...inner,
    get: (key) => swallowed<Entry | undefined>(inner.get(key), undefined),
    set: (key, value, ttl, seen) => swallowed<Entry | undefined>(inner.set(key, value, ttl, seen), { value, version: 'of-nothing' }),
    delete: (key, seen) => swallowed(inner.delete(key, seen), true),
  }
}
