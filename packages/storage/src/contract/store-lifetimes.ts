import assert from 'node:assert/strict'
import type { Clause } from './clause.ts'
import { create, hour, newKey, type StoreHarness, valueUnder } from './store-harness.ts'

/** Entries end. */
export const storeLifetimes: readonly Clause<StoreHarness>[] = [
  {
    name: 'keeps an entry until its end and not longer',
    async run({ store, advance }) {
      const key = newKey()
      await create(store, key, 'brief', 3)
      await advance(1)
      assert.equal(await valueUnder(store, key), 'brief')
      await advance(3)
      assert.equal(await store.get(key), undefined)
    },
  },
  {
    name: 'changes and deletes nothing that has ended',
    async run({ store, advance }) {
      const key = newKey()
      const seen = await create(store, key, 'brief', 1)
      await advance(2)
      assert.equal(await store.delete(key, seen), false)
      assert.equal(await store.set(key, 'late', hour, seen), undefined)
      assert.equal(await store.get(key), undefined)
    },
  },
  {
    name: 'creates a key anew when its entry has ended',
    async run({ store, advance }) {
      const key = newKey()
      await create(store, key, 'brief', 1)
      await advance(2)
      await create(store, key, 'again')
      assert.equal(await valueUnder(store, key), 'again')
    },
  },
  {
    name: 'gives an entry a new end with every write',
    async run({ store, advance }) {
      const key = newKey()
      const seen = await create(store, key, 'brief', 1)
      assert.ok(await store.set(key, 'longer', hour, seen))
      await advance(2)
      assert.equal(await valueUnder(store, key), 'longer')
    },
  },
  {
    name: 'does not prolong an entry by a write that loses',
    async run({ store, advance }) {
      const key = newKey()
      const old = await create(store, key, 'one')
      assert.ok(await store.set(key, 'two', 1, old))
      assert.equal(await store.set(key, 'three', hour, old), undefined)
      assert.equal(await store.set(key, 'three', hour, undefined), undefined)
      await advance(2)
      assert.equal(await store.get(key), undefined)
    },
  },
  {
    name: 'refuses a lifetime that is not positive',
    async run({ store }) {
      const key = newKey()
      await assert.rejects(async () => store.set(key, 'never', 0, undefined))
      await assert.rejects(async () => store.set(key, 'never', -1, undefined))
      assert.equal(await store.get(key), undefined)
    },
  },
]
