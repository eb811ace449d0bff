import { type Entry, type Environment, type Store, StoreUnavailable, systemEnvironment, type UnixSeconds } from '@drawbridge/core'
import { memoryDirectory } from './memory-directory.ts'
import { newVersion } from './version.ts'

/** How much a memory store holds, and by which clock. */
export interface MemoryStoreOptions {
  /** Entries of one kind, at most. Default: 100,000, some 200 MB of the largest kind, more logins than one process serves in the life of a grant. */
  readonly cap?: number
  readonly environment?: Environment
}

interface Held extends Entry {
  readonly endsAt: UnixSeconds
}

/** Entries looked at for their end beside each write; every write brings one, so the store shrinks faster than it grows. */
const sweptPerWrite = 4

/**
 * A store in this process's memory: gone when it ends. A kind that is full rejects new entries with `StoreUnavailable` and never
 * pushes anything out, so a flood of registrations costs no session.
 */
export function memoryStore({ cap = 100_000, environment = systemEnvironment() }: MemoryStoreOptions = {}): Store {
  const kinds = new Map<string, Map<string, Held>>()

  const kindOf = (key: string): Map<string, Held> => {
    const name = key.split(':')[1] ?? ''
    const kind = kinds.get(name) ?? new Map<string, Held>()
    kinds.set(name, kind)
    return kind
  }
  const findIn = (kind: Map<string, Held>, key: string): Held | undefined => {
    const held = kind.get(key)
    if (held === undefined || held.endsAt > environment.now()) return held
    kind.delete(key)
    return undefined
  }

  return {
    reach: 'process',
    sealed: false,
    directory: memoryDirectory(environment),
    async get(key) {
      return findIn(kindOf(key), key)
    },
    async set(key, value, ttl, seen) {
      if (!(ttl > 0)) throw new RangeError('a ttl is positive')
      const kind = kindOf(key)
      sweep(kind, sweptPerWrite, environment.now())
      const held = findIn(kind, key)
      if (held?.version !== seen?.version) return undefined
      if (!held && kind.size >= cap) sweep(kind, kind.size, environment.now())
      if (!held && kind.size >= cap) throw new StoreUnavailable('the memory store is full of records of this kind')
      const entry: Held = { value, version: newVersion(environment), endsAt: environment.now() + ttl }
      // Deleted first, so that the oldest writes come first in the sweep.
      kind.delete(key)
      kind.set(key, entry)
      return entry
    },
    async delete(key, seen) {
      const kind = kindOf(key)
      return findIn(kind, key)?.version === seen.version && kind.delete(key)
    },
  }
}

// From the oldest write on; those that have not ended go to the back, so that every entry comes round.
function sweep(kind: Map<string, Held>, most: number, now: UnixSeconds): void {
  let looked = 0
  for (const [key, held] of kind) {
    if (looked >= most) return
    looked += 1
    kind.delete(key)
    if (held.endsAt > now) kind.set(key, held)
  }
}
