import type { Entry, Store } from '@drawbridge/core'
import { type FixedEnvironment, fixedEnvironment } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { type Clause, type StoreHarness, storeContract } from './contract/index.ts'
import { memoryStore } from './index.ts'

/** The clauses that find `harness` wanting. */
async function broken<Harness>(contract: readonly Clause<Harness>[], harness: Harness): Promise<string[]> {
  const names: string[] = []
  for (const { name, run } of contract) await run(harness).catch(() => names.push(name))
  return names
}

const pause = () => new Promise<void>((resolve) => setImmediate(resolve))

type Breakage = (store: Store, environment: FixedEnvironment) => Partial<Store>

function harness(breakage: Breakage): StoreHarness {
  const environment = fixedEnvironment()
  const store = memoryStore({ environment })
  return { store: { ...store, ...breakage(store, environment) }, advance: async (by) => environment.advance(by) }
}

/** Stores that break one promise each, with what has to find it. */
const brokenStores: Record<string, { breakage: Breakage; finds: string[] }> = {
  'reads and then writes': {
    breakage: (store) => ({
      async set(key, value, ttl, seen) {
        const found = await store.get(key)
        await pause()
        return found?.version === seen?.version ? store.set(key, value, ttl, await store.get(key)) : undefined
      },
    }),
    finds: [
      'lets one of fifty create a key',
      'lets one of fifty create a key anew whose entry has ended',
      'lets one of fifty change what all have seen',
    ],
  },
  'reads and then deletes': {
    breakage: (store) => ({
      async delete(key, seen) {
        const found = await store.get(key)
        await pause()
        await store.delete(key, seen)
        return found?.version === seen.version
      },
    }),
    finds: ['lets one of fifty delete what all have seen', 'lets either the change or the deletion win'],
  },
  'writes over whatever is there': {
    breakage: (store) => ({ set: async (key, value, ttl) => store.set(key, value, ttl, await store.get(key)) }),
    finds: [
      'creates a key once',
      'changes nothing for a writer that has seen an older entry',
      'changes nothing for a writer that has seen what is not there any more',
      'changes and deletes nothing that has ended',
      'does not prolong an entry by a write that loses',
    ],
  },
  'writes for whoever has seen anything at all': {
    breakage: (store) => ({
      set: async (key, value, ttl, seen) => store.set(key, value, ttl, seen && ((await store.get(key)) ?? seen)),
    }),
    finds: ['changes nothing for a writer that has seen another key'],
  },
  'creates what it was to change': {
    breakage: (store) => ({
      set: async (key, value, ttl, seen) => (await store.set(key, value, ttl, seen)) ?? (seen && store.set(key, value, ttl, undefined)),
    }),
    finds: ['changes nothing for a writer that has seen what is not there any more'],
  },
  'never changes anything': {
    breakage: (store) => ({ set: async (key, value, ttl, seen) => (seen ? undefined : store.set(key, value, ttl, seen)) }),
    finds: ['changes what the writer has seen', 'gives an entry a new end with every write'],
  },
  'compares values and not versions': {
    breakage(store) {
      const current = async (key: string, seen: Entry | undefined) => {
        const found = await store.get(key)
        return found && seen && found.value === seen.value ? found : seen
      }
      return {
        set: async (key, value, ttl, seen) => store.set(key, value, ttl, await current(key, seen)),
        delete: async (key, seen) => store.delete(key, (await current(key, seen)) ?? seen),
      }
    },
    finds: ['goes by the version that was seen, and not by the value', 'never uses a version again after a key was deleted and made anew'],
  },
  'counts versions, and begins anew when a key is gone': {
    breakage: counting,
    finds: ['never uses a version again after a key was deleted and made anew'],
  },
  'gives the same version to the same value': {
    breakage: versionsOfValues,
    finds: ['gives every write a version of its own, for the same value too'],
  },
  'answers a version that is not the one it keeps': {
    breakage: (store) => ({
      async set(key, value, ttl, seen) {
        const entry = await store.set(key, value, ttl, seen)
        return entry && { ...entry, version: `${entry.version}?` }
      },
    }),
    finds: ['finds the entry that a write has answered'],
  },
  'deletes without looking': {
    breakage: (store) => ({
      async delete(key) {
        const entry = await store.get(key)
        return entry ? store.delete(key, entry) : false
      },
    }),
    finds: ['deletes nothing for who has seen an older entry'],
  },
  'says of every deletion that it won': {
    breakage: (store) => ({ delete: async (key, seen) => (await store.delete(key, seen)) || true }),
    finds: ['deletes what was seen, once', 'lets one of fifty delete what all have seen'],
  },
  'finds something under every key': {
    breakage: (store) => ({ get: async (key) => (await store.get(key)) ?? { value: '', version: 'none' } }),
    finds: ['finds nothing under a key that was never written'],
  },
  'forgets no entry': {
    breakage: (store) => ({ set: (key, value, ttl, seen) => store.set(key, value, ttl > 0 ? ttl + 10_000 : ttl, seen) }),
    finds: [
      'keeps an entry until its end and not longer',
      'changes and deletes nothing that has ended',
      'creates a key anew when its entry has ended',
    ],
  },
  'takes seconds for milliseconds': {
    breakage: (store) => ({ set: (key, value, ttl, seen) => store.set(key, value, ttl / 1000, seen) }),
    finds: ['keeps an entry until its end and not longer'],
  },
  'keeps the end that an entry was created with': {
    breakage(store, environment) {
      const ends = new Map<string, number>()
      return {
        set(key, value, ttl, seen) {
          if (!seen) ends.set(key, environment.now() + ttl)
          return store.set(key, value, seen ? (ends.get(key) ?? 0) - environment.now() : ttl, seen)
        },
      }
    },
    finds: ['gives an entry a new end with every write'],
  },
  'keeps for ever what should end at once': {
    breakage: (store) => ({ set: (key, value, ttl, seen) => store.set(key, value, ttl > 0 ? ttl : 1e9, seen) }),
    finds: ['refuses a lifetime that is not positive'],
  },
  'cuts texts at a NUL': {
    breakage: (store) => ({ set: (key, value, ttl, seen) => store.set(key, value.replace(/\0.*$/, ''), ttl, seen) }),
    finds: ['keeps any text as it is'],
  },
  'takes names in any case for the same': {
    breakage: (store) => ({
      get: (key) => store.get(key.toLowerCase()),
      set: (key, value, ttl, seen) => store.set(key.toLowerCase(), value, ttl, seen),
      delete: (key, seen) => store.delete(key.toLowerCase(), seen),
    }),
    finds: ['keeps keys apart that differ in one character'],
  },
}

/** Versions 1, 2, 3, and 1 again after a deletion. */
function counting(store: Store): Partial<Store> {
  const kept = new Map<string, { entry: Entry; count: number }>()
  const mine = (key: string) => (entry: Entry | undefined) => entry && { ...entry, version: String(kept.get(key)?.count ?? 0) }
  const theirs = (key: string, seen: Entry) => (seen.version === String(kept.get(key)?.count) ? (kept.get(key)?.entry ?? seen) : seen)
  return {
    get: (key) => store.get(key).then(mine(key)),
    async set(key, value, ttl, seen) {
      const entry = await store.set(key, value, ttl, seen && theirs(key, seen))
      if (entry) kept.set(key, { entry, count: (kept.get(key)?.count ?? 0) + 1 })
      return mine(key)(entry)
    },
    async delete(key, seen) {
      const won = await store.delete(key, theirs(key, seen))
      if (won) kept.delete(key)
      return won
    },
  }
}

/** An entity tag, as from a hash of the value. */
function versionsOfValues(store: Store): Partial<Store> {
  const kept = new Map<string, Entry>()
  const mine = (entry: Entry | undefined) => entry && { value: entry.value, version: `hash of ${entry.value}` }
  const theirs = (key: string, seen: Entry) =>
    seen.version === `hash of ${kept.get(key)?.value}` ? (kept.get(key) ?? seen) : { value: '', version: 'none' }
  return {
    get: (key) => store.get(key).then(mine),
    async set(key, value, ttl, seen) {
      const entry = await store.set(key, value, ttl, seen && theirs(key, seen))
      if (entry) kept.set(key, entry)
      return mine(entry)
    },
    delete: (key, seen) => store.delete(key, theirs(key, seen)),
  }
}

describe('the contract of stores catches a store that', () => {
  const caught = new Set<string>()

  it.each(Object.entries(brokenStores))('%s', async (_, { breakage, finds }) => {
    const found = await broken(storeContract, harness(breakage))
    for (const name of found) caught.add(name)
    expect(found).toEqual(expect.arrayContaining(finds))
  })

  it('keeps its promises: by no clause', async () => {
    expect(
      await broken(
        storeContract,
        harness(() => ({})),
      ),
    ).toEqual([])
  })

  it('…and by every clause at least one: a clause that nothing breaks says nothing', () => {
    expect(storeContract.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([])
  })
})
