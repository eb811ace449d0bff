import assert from 'node:assert/strict'
import type { Clause } from './clause.ts'
import { create, hour, newKey, type StoreHarness } from './store-harness.ts'

async function winners(attempts: readonly Promise<unknown>[]): Promise<number> {
  return (await Promise.all(attempts)).filter(Boolean).length
}

const fifty = Array.from({ length: 50 }, (_, index) => index)

/** Of any number of writers that have seen the same, one wins. */
export const storeRaces: readonly Clause<StoreHarness>[] = [
  {
    name: 'lets one of fifty create a key',
    async run({ store }) {
      const key = newKey()
      assert.equal(await winners(fifty.map((index) => store.set(key, `${index}`, hour, undefined))), 1)
    },
  },
  {
    name: 'lets one of fifty create a key anew whose entry has ended',
    async run({ store, advance }) {
      const key = newKey()
      await create(store, key, 'brief', 1)
      await advance(2)
      assert.equal(await winners(fifty.map((index) => store.set(key, `${index}`, hour, undefined))), 1)
      assert.ok(await store.get(key), 'what the winner wrote is there')
    },
  },
  {
    name: 'lets one of fifty change what all have seen',
    async run({ store }) {
      const key = newKey()
      const seen = await create(store, key, 'start')
      assert.equal(await winners(fifty.map((index) => store.set(key, `${index}`, hour, seen))), 1)
    },
  },
  {
    name: 'lets one of fifty delete what all have seen',
    async run({ store }) {
      const key = newKey()
      const seen = await create(store, key, 'start')
      assert.equal(await winners(fifty.map(() => store.delete(key, seen))), 1)
    },
  },
  {
    name: 'lets either the change or the deletion win',
    async run({ store }) {
      for (const first of [0, 1]) {
        const key = newKey()
        const seen = await create(store, key, 'start')
        const attempt = (index: number): Promise<unknown> =>
          index % 2 === first ? store.delete(key, seen) : store.set(key, `${index}`, hour, seen)
        assert.equal(await winners(fifty.map(attempt)), 1)
      }
    },
  },
]
