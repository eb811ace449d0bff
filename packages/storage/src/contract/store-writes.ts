import assert from 'node:assert/strict'
import type { Entry } from '@drawbridge/core'
import type { Clause } from './clause.ts'
import { change, create, hour, newKey, type StoreHarness, valueUnder } from './store-harness.ts'

/** Writes say what they have seen. */
export const storeWrites: readonly Clause<StoreHarness>[] = [
  {
    name: 'finds nothing under a key that was never written',
    run: async ({ store }) => assert.equal(await store.get(newKey()), undefined),
  },
  {
    name: 'finds the entry that a write has answered',
    async run({ store }) {
      const key = newKey()
      const entry = await create(store, key, 'one')
      const found = await store.get(key)
      assert.deepEqual({ value: found?.value, version: found?.version }, { value: 'one', version: entry.version })
    },
  },
  {
    name: 'creates a key once',
    async run({ store }) {
      const key = newKey()
      await create(store, key, 'one')
      assert.equal(await store.set(key, 'two', hour, undefined), undefined)
      assert.equal(await valueUnder(store, key), 'one')
    },
  },
  {
    name: 'changes what the writer has seen',
    async run({ store }) {
      const key = newKey()
      const seen = await create(store, key, 'one')
      await change(store, key, 'two', seen)
      assert.equal(await valueUnder(store, key), 'two')
    },
  },
  {
    name: 'changes nothing for a writer that has seen an older entry',
    async run({ store }) {
      const key = newKey()
      const old = await create(store, key, 'one')
      await change(store, key, 'two', old)
      assert.equal(await store.set(key, 'three', hour, old), undefined)
      assert.equal(await valueUnder(store, key), 'two')
    },
  },
  {
    name: 'changes nothing for a writer that has seen what is not there any more',
    async run({ store }) {
      const key = newKey()
      const seen = await create(store, key, 'one')
      assert.equal(await store.delete(key, seen), true)
      assert.equal(await store.set(key, 'two', hour, seen), undefined)
      assert.equal(await store.get(key), undefined)
    },
  },
  {
    name: 'changes nothing for a writer that has seen another key',
    async run({ store }) {
      const [key, other] = [newKey(), newKey()]
      const seen = await create(store, other, 'one')
      await create(store, key, 'one')
      assert.equal(await store.set(key, 'two', hour, seen), undefined)
      assert.equal(await store.delete(key, seen), false)
      assert.equal(await valueUnder(store, key), 'one')
    },
  },
  {
    name: 'goes by the version that was seen, and not by the value',
    async run({ store }) {
      const key = newKey()
      const old = await create(store, key, 'one')
      const { version } = await change(store, key, 'one', old)
      assert.equal(await store.set(key, 'two', hour, old), undefined)
      const next = await change(store, key, 'two', { value: 'something else', version })
      assert.equal(await store.delete(key, { value: 'something else', version: next.version }), true)
    },
  },
  {
    name: 'gives every write a version of its own, for the same value too',
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
    name: 'never uses a version again after a key was deleted and made anew',
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
    name: 'deletes what was seen, once',
    async run({ store }) {
      const key = newKey()
      const seen = await create(store, key, 'one')
      assert.equal(await store.delete(key, seen), true)
      assert.equal(await store.delete(key, seen), false)
      assert.equal(await store.get(key), undefined)
    },
  },
  {
    name: 'deletes nothing for who has seen an older entry',
    async run({ store }) {
      const key = newKey()
      const old = await create(store, key, 'one')
      await change(store, key, 'two', old)
      assert.equal(await store.delete(key, old), false)
      assert.equal(await valueUnder(store, key), 'two')
    },
  },
  {
    name: 'keeps any text as it is',
    async run({ store }) {
      for (const value of ['', ' ', '\0', 'ümläut ☃ 𝄞 e\u0301', '{"a":"\\u0000\\n"}', 'x'.repeat(100_000)]) {
        const key = newKey()
        await create(store, key, value)
        assert.equal(await valueUnder(store, key), value)
      }
    },
  },
  {
    name: 'keeps keys apart that differ in one character',
    async run({ store }) {
      const key = newKey()
      const keys = ['', 'a', 'A', '*', '%', '_', '?', ' ', "'", '"', '\\', 'é', 'e\u0301', '☃', ':', 'a'.repeat(200)].map(
        (end) => key + end,
      )
      for (const one of keys) await create(store, one, one)
      for (const one of keys) assert.equal(await valueUnder(store, one), one)
    },
  },
]
