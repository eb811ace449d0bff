import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Entry, Seconds, Store } from '@drawbridge/core'

/** A store to judge. Every clause uses a name of its own, so one store does for all. */
export interface StoreHarness {
  readonly store: Store
  /** Lets time pass for the store: by a clock that is set, or by waiting. */
  advance(by: Seconds): Promise<void>
}

/** A lifetime that no clause outlives. */
export const hour: Seconds = 3600

/** A name that nobody has used. */
export function newKey(): string {
  return `contract:record:${randomUUID()}`
}

/** Creates `key`, which holds nothing. */
export async function create(store: Store, key: string, value: string, ttl: Seconds = hour): Promise<Entry> {
  const entry = await store.set(key, value, ttl, undefined)
  assert.ok(entry, 'a key that holds nothing can be created')
  return entry
}

/** Changes `key`, which holds what was seen. */
export async function change(store: Store, key: string, value: string, seen: Entry): Promise<Entry> {
  const entry = await store.set(key, value, hour, seen)
  assert.ok(entry, 'a key that holds what was seen can be changed')
  return entry
}

/** What is under `key`. */
export async function valueUnder(store: Store, key: string): Promise<string | undefined> {
  return (await store.get(key))?.value
}
