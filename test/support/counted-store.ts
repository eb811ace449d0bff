import { type Store, StoreUnavailable } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { memoryStore } from '@drawbridge/storage'

/** A store in memory that can be looked into, and that can fail. Its clock stands still, so nothing it holds expires by itself. */
export interface CountedStore extends Store {
  /** The keys and list members it was given and that were not deleted since. */
  readonly held: ReadonlySet<string>
  /** How many writes it was asked for. */
  readonly writes: number
  /** From now on every call rejects, or none does. */
  fail(failing: boolean): void
}

export function countedStore(): CountedStore {
  const inner = memoryStore({ environment: fixedEnvironment() })
  const { directory } = inner
  const held = new Set<string>()
  let writes = 0
  let failing = false
  const work = <Result>(call: () => Promise<Result>): Promise<Result> =>
    failing ? Promise.reject(new StoreUnavailable('the store is down')) : call()
  return {
    reach: inner.reach,
    sealed: inner.sealed,
    held,
    get writes() {
      return writes
    },
    fail(next) {
      failing = next
    },
    get: (key) => work(() => inner.get(key)),
    set: (key, ...rest) =>
      work(() => {
        writes += 1
        held.add(key)
        return inner.set(key, ...rest)
      }),
    delete: (key, seen) =>
      work(() => {
        writes += 1
        held.delete(key)
        return inner.delete(key, seen)
      }),
    ...(directory && {
      directory: {
        add: (list, member, ttl) =>
          work(() => {
            writes += 1
            held.add(`${list} ${member}`)
            return directory.add(list, member, ttl)
          }),
        list: (...asked) => work(() => directory.list(...asked)),
        remove: (list, member) => work(() => directory.remove(list, member)),
      },
    }),
  }
}
