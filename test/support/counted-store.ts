import { type Store, StoreUnavailable } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { memoryStore } from '@drawbridge/storage'
import { type StoreCall, wrappedStore } from './wrapped-store.ts'

/** A store in memory that can be looked into, and that can fail. Its clock stands still, so nothing it holds expires by itself. */
export interface CountedStore extends Store {
  /** The keys and lists it was given and that were not deleted since. */
  readonly held: ReadonlySet<string>
  /** How many writes it was asked for. */
  readonly writes: number
  /** From now on every call rejects, or none does, or some do. */
  fail(failing: boolean | ((call: StoreCall) => boolean)): void
}

export function countedStore(): CountedStore {
  const held = new Set<string>()
  let writes = 0
  let fails: (call: StoreCall) => boolean = () => false
  const inner = wrappedStore(memoryStore({ environment: fixedEnvironment() }), async (call, run) => {
    if (fails(call)) throw new StoreUnavailable('the store is down')
    if (call.method === 'set' || call.method === 'add') held.add(call.key)
    if (call.method === 'delete') held.delete(call.key)
    if (call.method !== 'get' && call.method !== 'list') writes += 1
    return run()
  })
  return {
    ...inner,
    held,
    get writes() {
      return writes
    },
    fail(failing) {
      fails = typeof failing === 'boolean' ? () => failing : failing
    },
  }
}
