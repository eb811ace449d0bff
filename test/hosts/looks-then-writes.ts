import type { Entry, Seconds, Store } from '@drawbridge/core'

/**
 * What a plain key-value store comes to: it looks whether what was seen is still there, and then writes or deletes without a
 * condition. Whatever happens in between is lost. A double, to see that a race is one.
 */
export function looksThenWrites(inner: Store): Store {
  const isAsSeen = async (key: string, seen: Entry | undefined): Promise<boolean> => (await inner.get(key))?.version === seen?.version

  async function overwrite(key: string, value: string, ttl: Seconds): Promise<Entry> {
    for (;;) {
      const written = await inner.set(key, value, ttl, await inner.get(key))
      if (written) return written
    }
  }

  return {
    ...inner,
    async set(key, value, ttl, seen) {
      return (await isAsSeen(key, seen)) ? overwrite(key, value, ttl) : undefined
    },
    async delete(key, seen) {
      if (!(await isAsSeen(key, seen))) return false
      const current = await inner.get(key)
      if (current) await inner.delete(key, current)
      return true
    },
  }
}
