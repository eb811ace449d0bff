import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { Keyv } from 'keyv'
import { afterAll, describe, it } from 'vitest'
import { directoryContract, type StoreHarness, storeContract } from './contract/index.ts'
import { createFernetKey, encrypted, fernet, keyvStore, memoryStore, sqliteStore } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'drawbridge-stores-'))
afterAll(() => rmSync(folder, { recursive: true }))

const key = createFernetKey()

function harness(make: (environment: ReturnType<typeof fixedEnvironment>) => Store): StoreHarness {
  const environment = fixedEnvironment()
  return { store: make(environment), advance: async (by) => environment.advance(by) }
}

/** Turn and turn about through two handles on the same file, as two processes would. */
function twoHandles(path: string, environment: ReturnType<typeof fixedEnvironment>): Store {
  const handles = [sqliteStore(path, { environment }), sqliteStore(path, { environment })] as const
  let calls = 0
  const next = () => handles[calls++ % 2 === 0 ? 0 : 1]
  const directory = () => next().directory ?? handles[0].directory
  return {
    ...handles[0],
    get: (key) => next().get(key),
    set: (key, value, ttl, seen) => next().set(key, value, ttl, seen),
    delete: (key, seen) => next().delete(key, seen),
    directory: {
      add: async (list, member, ttl) => directory()?.add(list, member, ttl),
      list: async (list, cursor, limit) => (await directory()?.list(list, cursor, limit)) ?? { members: [] },
      remove: async (list, member) => directory()?.remove(list, member),
    },
  }
}

const stores: Record<string, StoreHarness> = {
  memoryStore: harness((environment) => memoryStore({ environment })),
  sqliteStore: harness((environment) => sqliteStore(join(folder, 'plain.db'), { environment })),
  'sqliteStore by two handles': harness((environment) => twoHandles(join(folder, 'two.db'), environment)),
  'sqliteStore in memory': harness((environment) => sqliteStore(':memory:', { environment })),
  'keyvStore over a Map': harness((environment) => keyvStore(new Keyv(), { environment })),
  'encrypted memoryStore': harness((environment) => encrypted(memoryStore({ environment }), fernet(key, { environment }), { environment })),
  'encrypted sqliteStore': harness((environment) =>
    encrypted(sqliteStore(join(folder, 'sealed.db'), { environment }), fernet(key, { environment }), { environment }),
  ),
  'encrypted keyvStore': harness((environment) =>
    encrypted(keyvStore(new Keyv(), { environment }), fernet(key, { environment }), { environment }),
  ),
}

for (const [name, store] of Object.entries(stores)) {
  describe(name, () => {
    for (const clause of storeContract) it(clause.name, () => clause.run(store))
    for (const clause of directoryContract) {
      it(`its directory ${clause.name}`, async () => {
        if (!store.store.directory) throw new Error('no directory')
        await clause.run({ directory: store.store.directory, advance: store.advance })
      })
    }
  })
}

describe('reach and seal', () => {
  it.each([
    ['memoryStore', 'process', false],
    ['sqliteStore', 'machine', false],
    ['keyvStore over a Map', 'process', false],
    ['encrypted memoryStore', 'process', true],
    ['encrypted sqliteStore', 'machine', true],
    ['encrypted keyvStore', 'process', true],
  ] as const)('%s reaches the %s, sealed: %s', (name, reach, sealed) => {
    const store = stores[name]?.store
    if (store?.reach !== reach || store.sealed !== sealed) throw new Error(`${store?.reach} ${store?.sealed}`)
  })
})
