import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Store, StoreUnavailable } from '@drawbridge/core'
import type { Clause } from './clause.ts'

/** A store whose backend can be taken away and given back. */
export interface OutageHarness {
  readonly store: Store
  /** Takes the backend away: it fails, or it does not answer. */
  breakDown(): Promise<void>
  repair(): Promise<void>
}

const newKey = (): string => `contract:record:${randomUUID()}`

/** Milliseconds: the 500 of a store's deadline, and as much again for a machine that has other things to do. */
const soon = 1000

async function isUnavailable(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), soon)
  })
  const isOurs = (error: unknown): true => {
    assert.ok(error instanceof StoreUnavailable, `rejects with StoreUnavailable, not with ${String(error)}`)
    return true
  }
  await assert.rejects(Promise.race([work, late]), isOurs).finally(() => clearTimeout(timer))
}

async function duringOutage({ breakDown, repair }: OutageHarness, work: () => Promise<void>): Promise<void> {
  await breakDown()
  try {
    await work()
  } finally {
    await repair()
  }
}

/** What every store owes while its backend is away: it says so, in time, and never takes it for an answer. */
export const outageContract: readonly Clause<OutageHarness>[] = [
  {
    name: 'rejects a read rather than finding nothing',
    async run(harness) {
      const key = newKey()
      await harness.store.set(key, 'there', 3600, undefined)
      await duringOutage(harness, () => isUnavailable(harness.store.get(key)))
    },
  },
  {
    name: 'rejects a creation rather than winning or losing it',
    run: (harness) => duringOutage(harness, () => isUnavailable(harness.store.set(newKey(), 'new', 3600, undefined))),
  },
  {
    name: 'rejects a change rather than losing it',
    async run(harness) {
      const key = newKey()
      const seen = await harness.store.set(key, 'there', 3600, undefined)
      await duringOutage(harness, () => isUnavailable(harness.store.set(key, 'changed', 3600, seen)))
    },
  },
  {
    name: 'rejects a deletion rather than losing it',
    async run(harness) {
      const key = newKey()
      const seen = await harness.store.set(key, 'there', 3600, undefined)
      assert.ok(seen)
      await duringOutage(harness, () => isUnavailable(harness.store.delete(key, seen)))
    },
  },
  {
    name: 'keeps its deadline for everyone, of fifty who ask for the same key',
    async run(harness) {
      const key = newKey()
      const seen = await harness.store.set(key, 'there', 3600, undefined)
      const ask = (index: number): Promise<unknown> => (index % 2 ? harness.store.get(key) : harness.store.set(key, `${index}`, 3600, seen))
      await duringOutage(harness, async () => {
        await Promise.all(Array.from({ length: 50 }, (_, index) => isUnavailable(ask(index))))
      })
    },
  },
  {
    name: 'rejects what is asked of its directory',
    async run(harness) {
      const { directory } = harness.store
      if (!directory) return
      await duringOutage(harness, async () => {
        await isUnavailable(directory.add('contract:list', 'a', 3600))
        await isUnavailable(directory.list('contract:list', undefined, 10))
        await isUnavailable(directory.remove('contract:list', 'a'))
      })
    },
  },
  {
    name: 'finds everything again when the backend is back',
    async run(harness) {
      const key = newKey()
      const seen = await harness.store.set(key, 'there', 3600, undefined)
      await duringOutage(harness, () => isUnavailable(harness.store.get(key)))
      assert.equal((await harness.store.get(key))?.value, 'there')
      assert.ok(await harness.store.set(key, 'and on', 3600, seen))
    },
  },
  {
    name: 'writes what it could not write when the backend is back',
    async run(harness) {
      const key = newKey()
      await duringOutage(harness, () => isUnavailable(harness.store.set(key, 'during', 3600, undefined)))
      assert.ok(await harness.store.set(key, 'after', 3600, await harness.store.get(key)))
      assert.equal((await harness.store.get(key))?.value, 'after')
    },
  },
]
