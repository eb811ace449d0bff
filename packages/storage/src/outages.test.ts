import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Keyv } from 'keyv'
import { afterAll, describe, it } from 'vitest'
import { type OutageHarness, outageContract } from './contract/index.ts'
import { createFernetKey, encrypted, fernet, keyvStore, sqliteStore } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'drawbridge-outages-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Mode = 'well' | 'throws' | 'is silent' | 'lies' | 'says no'

/** A Keyv adapter over a Map that fails in one of the ways that real ones do. */
class FailingAdapter {
  readonly opts = {}
  readonly map = new Map<string, unknown>()
  readonly waiting: (() => void)[] = []
  readonly keyv: Keyv
  mode: Mode = 'well'

  constructor() {
    this.keyv = new Keyv({ store: this, useKeyPrefix: false })
  }

  async #answer<T>(work: () => T, lie: T): Promise<T> {
    // A connection that is given up ends what waits for it.
    if (this.mode === 'is silent') await new Promise<void>((_, reject) => this.waiting.push(() => reject(new Error('connection lost'))))
    if (this.mode === 'throws') throw new Error('connection refused')
    if (this.mode === 'well') return work()
    this.keyv.emit('error', new Error('connection refused'))
    return lie
  }

  get(key: string): Promise<unknown> {
    return this.#answer(() => this.map.get(key), undefined)
  }
  set(key: string, value: unknown): Promise<boolean> {
    return this.#answer(() => Boolean(this.map.set(key, value)), this.mode === 'lies')
  }
  delete(key: string): Promise<boolean> {
    return this.#answer(() => this.map.delete(key), false)
  }
  async clear(): Promise<void> {
    this.map.clear()
  }
  on(): this {
    return this
  }
}

function keyvOutage(mode: Mode): OutageHarness {
  const adapter = new FailingAdapter()
  return {
    store: keyvStore(adapter.keyv),
    breakDown: async () => {
      adapter.mode = mode
    },
    repair: async () => {
      adapter.mode = 'well'
      for (const giveUp of adapter.waiting.splice(0)) giveUp()
    },
  }
}

/** The tables are gone, as far as the engine can see, and come back with everything in them. */
function sqliteOutage(name: string): OutageHarness {
  const path = join(folder, name)
  const store = sqliteStore(path)
  const other = new DatabaseSync(path)
  return {
    store,
    breakDown: async () => other.exec('ALTER TABLE entries RENAME TO away; ALTER TABLE members RENAME TO away_too'),
    repair: async () => other.exec('ALTER TABLE away RENAME TO entries; ALTER TABLE away_too RENAME TO members'),
  }
}

const outages: Record<string, (name: string) => OutageHarness> = {
  'keyvStore whose backend throws': () => keyvOutage('throws'),
  'keyvStore whose backend is silent': () => keyvOutage('is silent'),
  'keyvStore whose backend tells of errors by events alone, and says that it wrote': () => keyvOutage('lies'),
  'keyvStore whose backend tells of errors by events, and says that it did not write': () => keyvOutage('says no'),
  'sqliteStore whose file was damaged': sqliteOutage,
}

for (const [name, open] of Object.entries(outages)) {
  describe(name, () => {
    const harness = open('plain.db')
    for (const clause of outageContract) it(clause.name, () => clause.run(harness))
  })
  describe(`encrypted ${name}`, () => {
    const harness = open('sealed.db')
    const sealed = { ...harness, store: encrypted(harness.store, fernet(createFernetKey())) }
    for (const clause of outageContract) it(clause.name, () => clause.run(sealed))
  })
}
