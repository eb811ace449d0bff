import type { Entry, Store } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { type DirectoryHarness, directoryContract, outageContract, type StoreHarness, storeContract } from './contract/index.ts'
import { memoryStore } from './index.ts'

/** The rules that a contract sees broken. */
async function broken<Harness>(
  contract: readonly { rule: string; run(harness: Harness): Promise<void> }[],
  harness: Harness,
): Promise<string[]> {
  const rules: string[] = []
  for (const { rule, run } of contract) await run(harness).catch(() => rules.push(rule))
  return rules
}

function harness(change: (store: Store) => Partial<Store>): StoreHarness {
  const environment = fixedEnvironment()
  const store = memoryStore({ environment })
  return { store: { ...store, ...change(store) }, advance: async (by) => environment.advance(by) }
}

const pause = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('the contract of stores catches', () => {
  it('nothing in a store that keeps it', async () => {
    expect(
      await broken(
        storeContract,
        harness(() => ({})),
      ),
    ).toEqual([])
  })

  it('a store that reads and then writes', async () => {
    const found = await broken(
      storeContract,
      harness((store) => ({
        async set(key, value, ttl, seen) {
          const found = await store.get(key)
          await pause()
          return found?.version === seen?.version ? store.set(key, value, ttl, await store.get(key)) : undefined
        },
      })),
    )
    expect(found).toContain('lets one of fifty create a key')
    expect(found).toContain('lets one of fifty change what all have seen')
  })

  it('a store that writes over whatever is there', async () => {
    const found = await broken(
      storeContract,
      harness((store) => ({ set: async (key, value, ttl) => store.set(key, value, ttl, await store.get(key)) })),
    )
    expect(found).toContain('creates a key once')
    expect(found).toContain('changes nothing for a writer that has seen an older entry')
  })

  it('a store that gives the same version to the same value', async () => {
    const versions = (store: Store): Partial<Store> => {
      const real = new Map<string, Entry>()
      const disguise = (entry: Entry | undefined): Entry | undefined => entry && { value: entry.value, version: entry.value }
      const find = async (key: string, seen: Entry | undefined) => (seen?.version === real.get(key)?.value ? real.get(key) : seen)
      return {
        get: async (key) => disguise(await store.get(key)),
        async set(key, value, ttl, seen) {
          const entry = await store.set(key, value, ttl, await find(key, seen))
          if (entry) real.set(key, entry)
          return disguise(entry)
        },
        delete: async (key, seen) => store.delete(key, (await find(key, seen)) ?? seen),
      }
    }
    const found = await broken(storeContract, harness(versions))
    expect(found).toContain('gives every write a version of its own, for the same value too')
    expect(found).toContain('never uses a version again after a key was deleted and made anew')
  })

  it('a store that deletes without looking', async () => {
    const found = await broken(
      storeContract,
      harness((store) => ({
        async delete(key) {
          const entry = await store.get(key)
          return entry ? store.delete(key, entry) : true
        },
      })),
    )
    expect(found).toContain('deletes nothing for who has seen an older entry')
    expect(found).toContain('deletes what was seen, once')
  })

  it('a store whose deletions all say that they won', async () => {
    const found = await broken(
      storeContract,
      harness((store) => ({
        async delete(key, seen) {
          await store.delete(key, seen)
          return true
        },
      })),
    )
    expect(found).toContain('lets one of fifty delete what all have seen')
  })

  it('a store that forgets no entry', async () => {
    const found = await broken(
      storeContract,
      harness((store) => ({ set: (key, value, ttl, seen) => store.set(key, value, ttl > 0 ? ttl + 10_000 : ttl, seen) })),
    )
    expect(found).toContain('keeps an entry until its end and not longer')
  })

  it('a store that takes seconds for milliseconds', async () => {
    const found = await broken(
      storeContract,
      harness((store) => ({ set: (key, value, ttl, seen) => store.set(key, value, ttl / 1000, seen) })),
    )
    expect(found).toContain('keeps an entry until its end and not longer')
  })

  it('a store that keeps for ever what should end at once', async () => {
    const found = await broken(
      storeContract,
      harness((store) => ({ set: (key, value, ttl, seen) => store.set(key, value, ttl > 0 ? ttl : 1e9, seen) })),
    )
    expect(found).toEqual(['refuses a lifetime that is not positive'])
  })

  it('a store that does not take the end of an entry for its absence', async () => {
    const ended = new Map<string, Entry>()
    const found = await broken(
      storeContract,
      harness((store) => ({
        async set(key, value, ttl, seen) {
          const entry = await store.set(key, value, ttl, seen)
          if (!entry && !seen && ended.has(key)) return undefined
          if (entry) ended.set(key, entry)
          return seen || !ended.has(key) || ended.get(key) === entry ? entry : undefined
        },
        get: async (key) => (await store.get(key)) ?? ended.get(key),
      })),
    )
    expect(found).toContain('keeps an entry until its end and not longer')
  })
})

describe('the contract of outages catches', () => {
  const swallowed = (answer: Partial<Store>): string => JSON.stringify(Object.keys(answer))
  it.each([
    [{ get: async () => undefined }, 'rejects a read rather than finding nothing'],
    [{ set: async () => undefined }, 'rejects a creation rather than winning or losing it'],
    [{ set: async () => ({ value: '', version: 'never stored' }) }, 'rejects a creation rather than winning or losing it'],
    [{ delete: async () => false }, 'rejects a deletion rather than losing it'],
    [{ get: () => Promise.reject(new Error('raw')) }, 'rejects a read rather than finding nothing'],
  ] satisfies [Partial<Store>, string][])('a store that swallows its errors (%#)', async (answer, rule) => {
    const store = memoryStore({ environment: fixedEnvironment() })
    let down = false
    const lying: Store = {
      ...store,
      get: (key) => (down && answer.get ? answer.get(key) : store.get(key)),
      set: (key, value, ttl, seen) => (down && answer.set ? answer.set(key, value, ttl, seen) : store.set(key, value, ttl, seen)),
      delete: (key, seen) => (down && answer.delete ? answer.delete(key, seen) : store.delete(key, seen)),
    }
    const breakDown = async () => {
      down = true
    }
    const repair = async () => {
      down = false
    }
    expect(await broken(outageContract, { store: lying, breakDown, repair }), swallowed(answer)).toContain(rule)
  })
})

describe('the contract of directories catches', () => {
  function directoryHarness(
    change: (directory: DirectoryHarness['directory']) => Partial<DirectoryHarness['directory']>,
  ): DirectoryHarness {
    const environment = fixedEnvironment()
    const { directory } = memoryStore({ environment })
    if (!directory) throw new Error('no directory')
    return { directory: { ...directory, ...change(directory) }, advance: async (by) => environment.advance(by) }
  }

  it('a directory that reads and then writes', async () => {
    const lists = new Map<string, string[]>()
    const found = await broken(
      directoryContract,
      directoryHarness(() => ({
        async add(list, member) {
          const members = lists.get(list) ?? []
          await pause()
          lists.set(list, [...new Set([...members, member])])
        },
        list: async (list) => ({ members: lists.get(list) ?? [] }),
      })),
    )
    expect(found).toContain('loses none of fifty that are added at once')
  })

  it('a directory whose cursor counts', async () => {
    const found = await broken(
      directoryContract,
      directoryHarness((directory) => ({
        async list(list, cursor = '0', limit) {
          const { members } = await directory.list(list, undefined, 1000)
          const from = Number(cursor)
          const page = members.slice(from, from + limit)
          return from + limit < members.length ? { members: page, next: String(from + limit) } : { members: page }
        },
      })),
    )
    expect(found).toContain('comes by every member that stays while others come and go between two pages')
  })

  it('a directory in which a shorter time wins', async () => {
    const found = await broken(
      directoryContract,
      directoryHarness((directory) => ({
        async add(list, member, ttl) {
          await directory.remove(list, member)
          await directory.add(list, member, ttl)
        },
      })),
    )
    expect(found).toEqual(['never shortens the time of a member'])
  })
})
