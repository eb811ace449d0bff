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

/** The deadline of a store, and the time to tell of it. */
const soon = 1500

async function isUnavailable(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: 'the store did not answer in time' })), soon)
  })
  await assert.rejects(Promise.race([work, late]), (error) => {
    assert.ok(error instanceof StoreUnavailable, `rejects with StoreUnavailable, not with ${String(error)}`)
    return true
  })
  clearTimeout(timer)
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
    rule: 'rejects a read rather than finding nothing',
    async run(harness) {
      const key = newKey()
      await harness.store.set(key, 'there', 3600, undefined)
      await duringOutage(harness, () => isUnavailable(harness.store.get(key)))
    },
  },
  {
    rule: 'rejects a creation rather than winning or losing it',
    run: (harness) => duringOutage(harness, () => isUnavailable(harness.store.set(newKey(), 'new', 3600, undefined))),
  },
  {
    rule: 'rejects a change rather than losing it',
    async run(harness) {
      const key = newKey()
      const seen = await harness.store.set(key, 'there', 3600, undefined)
      await duringOutage(harness, () => isUnavailable(harness.store.set(key, 'changed', 3600, seen)))
    },
  },
  {
    rule: 'rejects a deletion rather than losing it',
    async run(harness) {
      const key = newKey()
      const seen = await harness.store.set(key, 'there', 3600, undefined)
      assert.ok(seen)
      await duringOutage(harness, () => isUnavailable(harness.store.delete(key, seen)))
    },
  },
  {
    rule: 'rejects what is asked of its directory',
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
    rule: 'finds everything again when the backend is back',
    async run(harness) {
      const key = newKey()
      const seen = await harness.store.set(key, 'there', 3600, undefined)
      await duringOutage(harness, () => isUnavailable(harness.store.get(key)))
      assert.equal((await harness.store.get(key))?.value, 'there')
      assert.ok(await harness.store.set(key, 'and on', 3600, seen))
    },
  },
]
