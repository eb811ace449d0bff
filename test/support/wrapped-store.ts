import type { Store } from '@drawbridge/core'

/** A call to a store or to its directory. */
export interface StoreCall {
  readonly method: 'get' | 'set' | 'delete' | 'add' | 'list' | 'remove'
  /** The key, or the name of the list. */
  readonly key: string
}

/** Stands around every call: it may wait, count, refuse, or look at the result. */
export type Around = <Result>(call: StoreCall, run: () => Promise<Result>) => Promise<Result>

/** `inner`, with `around` around every call. */
export function wrappedStore(inner: Store, around: Around): Store {
  const { directory } = inner
  return {
    reach: inner.reach,
    sealed: inner.sealed,
    get: (key) => around({ method: 'get', key }, () => inner.get(key)),
    set: (key, value, ttl, seen) => around({ method: 'set', key }, () => inner.set(key, value, ttl, seen)),
    delete: (key, seen) => around({ method: 'delete', key }, () => inner.delete(key, seen)),
    ...(directory && {
      directory: {
        add: (list, member, ttl) => around({ method: 'add', key: list }, () => directory.add(list, member, ttl)),
        list: (list, cursor, limit) => around({ method: 'list', key: list }, () => directory.list(list, cursor, limit)),
        remove: (list, member) => around({ method: 'remove', key: list }, () => directory.remove(list, member)),
      },
    }),
  }
}
