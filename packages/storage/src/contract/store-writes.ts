import assert from 'node:assert/strict'
import type { Entry } from '@drawbridge/core'
import type { Clause } from './clause.ts'
import { create, hour, newKey, type StoreHarness, valueUnder } from './store-harness.ts'

/** Writes say what they have seen. */
export const storeWrites: readonly Clause<StoreHarness>[] = [
  {
    rule: 'finds nothing under a key that was never written',
    run: async ({ store }) => assert.equal(await store.get(newKey()), undefined),
  },
  {
    rule: 'finds the entry that a write has answered',
    async run({ store }) {
      const key = newKey()
      const entry = await create(store, key, 'one')
      const found = await store.get(key)
      assert.deepEqual({ value: found?.value, version: found?.version }, { value: 'one', version: entry.version })
    },
  },
  {
    rule: 'creates a key once',
    async run({ store }) {
      const key = newKey()
      await create(store, key, 'one')
      assert.equal(await store.set(key, 'two', hour, undefined), undefined)
      assert.equal(await valueUnder(store, key), 'one')
    },
  },
  {
    rule: 'changes what the writer has seen',
    async run({ store }) {
      const key = newKey()
      const seen = await create(store, key, 'one')
      assert.ok(await store.set(key, 'two', hour, seen))
      assert.equal(await valueUnder(store, key), 'two')
    },
  },
  {
    rule: 'changes nothing for a writer that has seen an older entry',
    async run({ store }) {
      const key = newKey()
      const old = await create(store, key, 'one')
      assert.ok(await store.set(key, 'two', hour, old))
      assert.equal(await store.set(key, 'three', hour, old), undefined)
      assert.equal(await valueUnder(store, key), 'two')
    },
  },
  {
    rule: 'changes nothing for a writer that has seen what is not there any more',
    async run({ store }) {
      const key = newKey()
      const seen = await create(store, key, 'one')
      assert.equal(await store.delete(key, seen), true)
      assert.equal(await store.set(key, 'two', hour, seen), undefined)
      assert.equal(await store.get(key), undefined)
    },
  },
  {
    rule: 'gives every write a version of its own, for the same value too',
    async run({ store }) {
      const key = newKey()
      const versions = new Set<string>()
      let seen: Entry | undefined
      for (let write = 0; write < 20; write += 1) {
        seen = await store.set(key, 'the same', hour, seen)
        assert.ok(seen)
        versions.add(seen.version)
      }
      assert.equal(versions.size, 20)
    },
  },
  {
    rule: 'never uses a version again after a key was deleted and made anew',
    async run({ store }) {
      const key = newKey()
      const first = await create(store, key, 'one')
      assert.equal(await store.delete(key, first), true)
      await create(store, key, 'one')
      assert.equal(await store.delete(key, first), false)
      assert.equal(await valueUnder(store, key), 'one')
    },
  },
  {
    rule: 'deletes what was seen, once',
    async run({ store }) {
      const key = newKey()
      const seen = await create(store, key, 'one')
      assert.equal(await store.delete(key, seen), true)
      assert.equal(await store.delete(key, seen), false)
      assert.equal(await store.get(key), undefined)
    },
  },
  {
    rule: 'deletes nothing for who has seen an older entry',
    async run({ store }) {
      const key = newKey()
      const old = await create(store, key, 'one')
      assert.ok(await store.set(key, 'two', hour, old))
      assert.equal(await store.delete(key, old), false)
      assert.equal(await valueUnder(store, key), 'two')
    },
  },
  {
    rule: 'keeps any text as it is',
    async run({ store }) {
      for (const value of ['', ' ', 'ümläut ☃ 𝄞', '{"a":"\\u0000\\n"}', 'x'.repeat(100_000)]) {
        const key = newKey()
        await create(store, key, value)
        assert.equal(await valueUnder(store, key), value)
      }
    },
  },
  {
    rule: 'keeps keys apart that differ in one character',
    async run({ store }) {
      const key = newKey()
      await create(store, `${key}a`, 'a')
      await create(store, `${key}A`, 'A')
      await create(store, `${key}*`, '*')
      assert.deepEqual(
        [await valueUnder(store, `${key}a`), await valueUnder(store, `${key}A`), await valueUnder(store, `${key}*`)],
        ['a', 'A', '*'],
      )
    },
  },
]
