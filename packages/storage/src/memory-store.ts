import { type Entry, type Seconds, type Store, StoreUnavailable, systemEnvironment, type UnixSeconds } from '@drawbridge/core'
import { inRounds } from './in-rounds.ts'
import { kindOf } from './kind-of.ts'
import { memoryDirectory } from './memory-directory.ts'
import type { StoreOptions } from './store-options.ts'
import { newVersion } from './version.ts'

/** How much a memory store holds, and by which clock. */
export interface MemoryStoreOptions extends StoreOptions {
  /**
   * Entries of a kind, at most, as in `{ client: 20_000 }`; for a kind of list, its members in all lists. By default 100,000
   * entries, some 200 MB of the largest kind, which is more logins than one process serves in the life of a grant; and 500,000
   * members, because they outlive the grants they name.
   */
  readonly caps?: Readonly<Record<string, number>>
}

interface Held extends Entry {
  readonly endsAt: UnixSeconds
}

interface Kind {
  readonly cap: number
  readonly entries: Map<string, Held>
  readonly some: (most: number) => [key: string, held: Held][]
}

const entriesOfAKind = 100_000
const membersOfAKind = 500_000

/** Entries of each kind looked at for their end beside each write, which brings one at most: so the dead never pile up. */
const lookedAtPerWrite = 4

/** Entries of a full kind looked at before a new one is refused. Bounded, or a flood would cost a look at all of them each time. */
const lookedAtWhenFull = 256

/**
 * A store in this process's memory: gone when it ends. A kind that is full rejects new entries with `StoreUnavailable` and never
 * pushes anything out, so a flood of registrations costs no session (threat T41).
 */
export function memoryStore({ caps = {}, environment = systemEnvironment() }: MemoryStoreOptions = {}): Store {
  const capOf = new Map(Object.entries(caps))
  const kinds = new Map<string, Kind>()

  function kindFor(key: string): Kind {
    const name = kindOf(key)
    const kind = kinds.get(name) ?? openKind(capOf.get(name) ?? entriesOfAKind)
    kinds.set(name, kind)
    return kind
  }

  function find(key: string): Held | undefined {
    const held = kinds.get(kindOf(key))?.entries.get(key)
    return held && held.endsAt > environment.now() ? held : undefined
  }

  return {
    reach: 'process',
    sealed: false,
    directory: memoryDirectory({ capOf: (kind) => capOf.get(kind) ?? membersOfAKind, environment }),
    async get(key) {
      return find(key)
    },
    async set(key, value, ttl: Seconds, seen) {
      if (!(ttl > 0)) throw new RangeError('a ttl is positive')
      const [kind, now] = [kindFor(key), environment.now()]
      for (const each of kinds.values()) sweep(each, lookedAtPerWrite, now)
      if (find(key)?.version !== seen?.version) return undefined
      if (!kind.entries.has(key) && kind.entries.size >= kind.cap) sweep(kind, lookedAtWhenFull, now)
      if (!kind.entries.has(key) && kind.entries.size >= kind.cap) throw new StoreUnavailable('the memory store is full of this kind')
      const held: Held = { value, version: newVersion(environment), endsAt: now + ttl }
      kind.entries.set(key, held)
      return held
    },
    async delete(key, seen) {
      if (find(key)?.version !== seen.version) return false
      return kinds.get(kindOf(key))?.entries.delete(key) === true
    },
  }
}

function openKind(cap: number): Kind {
  const entries = new Map<string, Held>()
  return { cap, entries, some: inRounds(() => entries) }
}

function sweep({ entries, some }: Kind, most: number, now: UnixSeconds): void {
  for (const [key, { endsAt }] of some(most)) if (endsAt <= now) entries.delete(key)
}
