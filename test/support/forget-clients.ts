import type { WatchedStore } from './watched-store.ts'

/** Removes every client that registered, as when an operator restores an old copy of the store. */
export async function forgetClients(store: WatchedStore): Promise<void> {
  for (const key of store.keysOf('client')) {
    const entry = await store.get(key)
    if (entry) await store.delete(key, entry)
  }
}
