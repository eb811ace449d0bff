import type { Entry, Environment, Store } from '../index.ts'

/** A store for one test: a map that keeps the port's promises, and the environment's time. */
export function storeOfOneTest(environment: Environment): Store {
  const entries = new Map<string, Entry & { readonly endsAt: number }>()
  let written = 0
  const find = (key: string): Entry | undefined => {
    const entry = entries.get(key)
    return entry && entry.endsAt > environment.now() ? entry : undefined
  }
  return {
    reach: 'process',
    sealed: false,
    get: async (key) => find(key),
    async set(key, value, ttl, seen) {
      if (find(key)?.version !== seen?.version) return undefined
      written += 1
      const entry = { value, version: String(written), endsAt: environment.now() + ttl }
      entries.set(key, entry)
      return entry
    },
    delete: async (key, seen) => find(key)?.version === seen.version && entries.delete(key),
  }
}
