import type { Seconds, Store } from '@drawbridge/core'

/** What a write left in the store: an entry, or the member of a list. */
export interface Written {
  /** The key; of a member, the name of its list. */
  readonly key: string
  /** The value; of a member, itself. */
  readonly value: string
  readonly ttl: Seconds
}

/** A store that remembers what was ever written through it. */
export interface WatchedStore extends Store {
  /** Every write, in order, also of what is gone by now. */
  readonly written: readonly Written[]
  /** The keys of a kind of record, each once, the oldest first. */
  keysOf(kind: string): string[]
}

export function watchedStore(inner: Store): WatchedStore {
  const written: Written[] = []
  const { directory } = inner
  return {
    reach: inner.reach,
    sealed: inner.sealed,
    written,
    keysOf: (kind) => [...new Set(written.map(({ key }) => key).filter((key) => key.split(':')[1] === kind))],
    get: (key) => inner.get(key),
    async set(key, value, ttl, seen) {
      written.push({ key, value, ttl })
      return inner.set(key, value, ttl, seen)
    },
    delete: (key, seen) => inner.delete(key, seen),
    ...(directory && {
      directory: {
        async add(list, member, ttl) {
          written.push({ key: list, value: member, ttl })
          return directory.add(list, member, ttl)
        },
        list: (list, cursor, limit) => directory.list(list, cursor, limit),
        remove: (list, member) => directory.remove(list, member),
      },
    }),
  }
}
