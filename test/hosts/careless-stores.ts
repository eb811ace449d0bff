import type { Store } from '@drawbridge/core'

// Doubles, to see that a killed process can lose what it must not, and that several can get in each other's way.

const isGrant = (key: string): boolean => key.split(':')[1] === 'grant'

/** A host that is killed is gone long before. */
const aWhileMs = 5_000

/** Says that a grant is changed a while before it is, as a cache does that writes behind. */
export function writesBehind(inner: Store): Store {
  return {
    ...inner,
    async set(key, value, ttl, seen) {
      if (!isGrant(key) || !seen) return inner.set(key, value, ttl, seen)
      setTimeout(() => void inner.set(key, value, ttl, seen), aWhileMs)
      return { value, version: 'written in a while' }
    },
  }
}

/** Holds a new grant back until something else is written after it: what leads to it is there before it is. */
export function publishesFirst(inner: Store): Store {
  let held: (() => Promise<unknown>) | undefined
  return {
    ...inner,
    async set(key, value, ttl, seen) {
      if (isGrant(key) && !seen) {
        held = () => inner.set(key, value, ttl, seen)
        return { value, version: 'held back' }
      }
      const [written, late] = [await inner.set(key, value, ttl, seen), held]
      held = undefined
      // Whoever is told of the write is told before this one.
      if (late) setTimeout(() => void late(), aWhileMs)
      return written
    },
  }
}

/** Keeps a lease as long as anything else. */
export function keepsLeases(inner: Store): Store {
  return { ...inner, set: (key, value, ttl, seen) => inner.set(key, value, key.split(':')[1] === 'lease' ? 3_600 : ttl, seen) }
}

/** Gives everybody the lease who asks for it. */
export function freesLeases(inner: Store): Store {
  return {
    ...inner,
    async set(key, value, ttl, seen) {
      return key.split(':')[1] === 'lease' ? { value, version: 'for everybody' } : inner.set(key, value, ttl, seen)
    },
  }
}

/** Takes the grace from each rotation: the token before the newest is at once too old. It looks into records, so they have to be plain. */
export function dropsGrace(inner: Store): Store {
  return {
    ...inner,
    async get(key) {
      const entry = await inner.get(key)
      return entry && isGrant(key) ? { ...entry, value: withoutGrace(entry.value), version: entry.version } : entry
    },
    async set(key, value, ttl, seen) {
      const written = await inner.set(key, isGrant(key) ? withoutGrace(value) : value, ttl, seen)
      // Whoever wrote it reads it again.
      return written && isGrant(key) ? { value, version: `${written.version} as it was written` } : written
    },
  }
}

function withoutGrace(value: string): string {
  const grant = JSON.parse(value)
  return JSON.stringify({ ...grant, refresh: { ...grant.refresh, confirmed: true, graceFrom: 0 } })
}

/** Says of a write that lost its race that it was made. */
export function hidesLostRaces(inner: Store): Store {
  return {
    ...inner,
    set: async (key, value, ttl, seen) => (await inner.set(key, value, ttl, seen)) ?? { value, version: 'lost' },
    delete: async (key, seen) => (await inner.delete(key, seen)) || true,
  }
}
