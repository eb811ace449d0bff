import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Environment, systemEnvironment } from '@drawbridge/core'
import { Keyv } from 'keyv'
import { afterAll, describe, it } from 'vitest'
import { type OutageHarness, outageContract } from './contract/index.ts'
import { encrypted, fernet, generateFernetKey, keyvStore, sqliteStore } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'drawbridge-outages-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Mode = 'well' | 'throws' | 'is silent' | 'lies'

/** A Keyv adapter over a Map that fails in one of the ways that real ones do. */
class FailingAdapter {
  readonly opts = {}
  readonly map = new Map<string, unknown>()
  readonly keyv: Keyv
  mode: Mode = 'well'

  constructor() {
    this.keyv = new Keyv({ store: this, useKeyPrefix: false })
  }

  #answer<T>(work: () => T, lie: T): Promise<T> {
    if (this.mode === 'throws') return Promise.reject(new Error('connection refused'))
    if (this.mode === 'is silent') return new Promise(() => {})
    if (this.mode === 'lies') {
      this.keyv.emit('error', new Error('connection refused'))
      return Promise.resolve(lie)
    }
    return Promise.resolve(work())
  }

  get(key: string): Promise<unknown> {
    return this.#answer(() => this.map.get(key), undefined)
  }
  set(key: string, value: unknown): Promise<boolean> {
    return this.#answer(() => Boolean(this.map.set(key, value)), true)
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

function keyvOutage(mode: Mode, environment: Environment = systemEnvironment()): OutageHarness {
  const adapter = new FailingAdapter()
  return {
    store: keyvStore(adapter.keyv, environment),
    breakDown: async () => {
      adapter.mode = mode
    },
    repair: async () => {
      adapter.mode = 'well'
    },
  }
}

/** Another process holds the write lock, or the file's pages cannot be read. */
function sqliteOutage(name: string): OutageHarness {
  const path = join(folder, name)
  const environment = systemEnvironment()
  let open = sqliteStore(path, environment)
  return {
    store: {
      reach: 'machine',
      sealed: false,
      get: (key) => open.get(key),
      set: (key, value, ttl, seen) => open.set(key, value, ttl, seen),
      delete: (key, seen) => open.delete(key, seen),
    },
    breakDown: async () => open.close(),
    repair: async () => {
      open = sqliteStore(path, environment)
    },
  }
}

const outages: Record<string, OutageHarness> = {
  'keyvStore whose backend throws': keyvOutage('throws'),
  'keyvStore whose backend is silent': keyvOutage('is silent'),
  'keyvStore whose backend tells of errors by events alone': keyvOutage('lies'),
  'sqliteStore whose file was closed': sqliteOutage('closed.db'),
}

for (const [name, harness] of Object.entries(outages)) {
  describe(name, () => {
    for (const clause of outageContract) it(clause.rule, () => clause.run(harness))
  })
  describe(`encrypted ${name}`, () => {
    const sealed = { ...harness, store: encrypted(harness.store, fernet(generateFernetKey())) }
    for (const clause of outageContract) it(clause.rule, () => clause.run(sealed))
  })
}
