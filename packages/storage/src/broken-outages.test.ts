import { type Store, StoreUnavailable } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { type OutageHarness, outageContract } from './contract/index.ts'
import { memoryStore } from './index.ts'

/** What a store does while it is down, where it does not reject as it should. */
type Breakage = (store: Store) => Partial<Store>

const down = (..._: unknown[]) => Promise.reject(new StoreUnavailable('down'))
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const honest: Store = {
  reach: 'process',
  sealed: false,
  get: down,
  set: down,
  delete: down,
  directory: { add: down, list: down, remove: down },
}

function harness(breakage: Breakage, repaired: (store: Store) => Store = (store) => store): OutageHarness {
  const well = memoryStore()
  const broken = { ...honest, ...breakage(well) }
  let now: Store = well
  const { directory } = well
  return {
    store: {
      reach: 'process',
      sealed: false,
      get: (key) => now.get(key),
      set: (key, value, ttl, seen) => now.set(key, value, ttl, seen),
      delete: (key, seen) => now.delete(key, seen),
      ...(directory && {
        directory: {
          add: (list, member, ttl) => (now.directory ?? directory).add(list, member, ttl),
          list: (list, cursor, limit) => (now.directory ?? directory).list(list, cursor, limit),
          remove: (list, member) => (now.directory ?? directory).remove(list, member),
        },
      }),
    },
    breakDown: async () => {
      now = broken
    },
    repair: async () => {
      now = repaired(well)
    },
  }
}

async function broken(judged: OutageHarness): Promise<string[]> {
  const names: string[] = []
  for (const { name, run } of outageContract) await run(judged).catch(() => names.push(name))
  return names
}

/** Stores that are down in a way they must not be, with what has to find it. */
const brokenOutages: Record<string, { judged: () => OutageHarness; finds: string }> = {
  'finds nothing': {
    judged: () => harness(() => ({ get: async () => undefined })),
    finds: 'rejects a read rather than finding nothing',
  },
  'finds what it knew before': {
    judged: () => harness((store) => ({ get: (key) => store.get(key) })),
    finds: 'rejects a read rather than finding nothing',
  },
  'fails with an error of its own': {
    judged: () => harness(() => ({ get: () => Promise.reject(new Error('connection refused')) })),
    finds: 'rejects a read rather than finding nothing',
  },
  'answers after its deadline': {
    judged: () => harness(() => ({ get: () => wait(1200).then(down) })),
    finds: 'rejects a read rather than finding nothing',
  },
  'loses every creation': {
    judged: () => harness(() => ({ set: async (_key, _value, _ttl, seen) => (seen ? down() : undefined) })),
    finds: 'rejects a creation rather than winning or losing it',
  },
  'wins every creation': {
    judged: () => harness(() => ({ set: async (_key, value, _ttl, seen) => (seen ? down() : { value, version: 'never stored' }) })),
    finds: 'rejects a creation rather than winning or losing it',
  },
  'loses every change': {
    judged: () => harness(() => ({ set: async (_key, _value, _ttl, seen) => (seen ? undefined : down()) })),
    finds: 'rejects a change rather than losing it',
  },
  'loses every deletion': {
    judged: () => harness(() => ({ delete: async () => false })),
    finds: 'rejects a deletion rather than losing it',
  },
  'lists nobody': {
    judged: () => harness(() => ({ directory: { add: down, list: async () => ({ members: [] }), remove: down } })),
    finds: 'rejects what is asked of its directory',
  },
  'pretends to add': {
    judged: () => harness(() => ({ directory: { add: async () => {}, list: down, remove: down } })),
    finds: 'rejects what is asked of its directory',
  },
  'lets callers wait for each other': {
    judged: () =>
      harness(() => {
        let last = Promise.resolve()
        const queue = () => {
          last = last.then(() => wait(50)).then(() => {})
          return last.then(down)
        }
        return { get: queue, set: queue }
      }),
    finds: 'keeps its deadline for everyone, of fifty who ask for the same key',
  },
  'comes back empty': {
    judged: () =>
      harness(
        () => ({}),
        () => memoryStore(),
      ),
    finds: 'finds everything again when the backend is back',
  },
  'does not come back for those who were turned away': {
    judged() {
      const turnedAway = new Set<string>()
      const set: Store['set'] = (key) => down(turnedAway.add(key))
      const stubborn = (store: Store): Store => ({
        ...store,
        set: (key, value, ttl, seen) => (turnedAway.has(key) ? down() : store.set(key, value, ttl, seen)),
      })
      return harness(() => ({ set }), stubborn)
    },
    finds: 'writes what it could not write when the backend is back',
  },
}

describe('the contract of outages catches a store that, while it is down,', () => {
  const caught = new Set<string>()

  it.each(Object.entries(brokenOutages))(
    '%s',
    async (_, { judged, finds }) => {
      const found = await broken(judged())
      for (const name of found) caught.add(name)
      expect(found).toContain(finds)
    },
    20_000,
  )

  it('rejects everything: by no clause', async () => {
    expect(await broken(harness(() => ({})))).toEqual([])
  })

  it('…and by every clause at least one: a clause that nothing breaks says nothing', () => {
    expect(outageContract.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([])
  })
})
