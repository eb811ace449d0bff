import { type Directory, type Store, StoreUnavailable } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { memoryStore } from './index.ts'

describe('a full memory store', () => {
  it('refuses new entries of the full kind, and pushes nothing out (I8, T41)', async () => {
    const store = memoryStore({ caps: { client: 3 }, environment: fixedEnvironment() })
    for (const id of ['one', 'two', 'three']) await store.set(`ns:client:${id}`, id, 60, undefined)
    await expect(store.set('ns:client:four', 'four', 60, undefined)).rejects.toThrow(StoreUnavailable)
    for (const id of ['one', 'two', 'three']) expect((await store.get(`ns:client:${id}`))?.value).toBe(id)
    expect(await store.get('ns:client:four')).toBeUndefined()
  })

  it('goes on with the other kinds, and with changes', async () => {
    const store = memoryStore({ caps: { client: 1 }, environment: fixedEnvironment() })
    const seen = await store.set('ns:client:one', 'one', 60, undefined)
    expect(await store.set('ns:grant:one', 'one', 60, undefined)).toBeDefined()
    expect(await store.set('ns:grant:two', 'two', 60, undefined)).toBeDefined()
    expect(await store.set('ns:client:one', 'changed', 60, seen)).toBeDefined()
  })

  it('tells who has lost that it lost, full or not', async () => {
    const store = memoryStore({ caps: { client: 1 }, environment: fixedEnvironment() })
    await store.set('ns:client:one', 'one', 60, undefined)
    expect(await store.set('ns:client:one', 'again', 60, undefined)).toBeUndefined()
  })

  it('takes new entries when old ones have ended, or were deleted', async () => {
    const environment = fixedEnvironment()
    const store = memoryStore({ caps: { client: 2 }, environment })
    const seen = await store.set('ns:client:one', 'one', 1000, undefined)
    await store.set('ns:client:two', 'two', 10, undefined)
    environment.advance(11)
    expect(await store.set('ns:client:three', 'three', 60, undefined)).toBeDefined()
    if (seen) await store.delete('ns:client:one', seen)
    expect(await store.set('ns:client:four', 'four', 60, undefined)).toBeDefined()
  })

  it('creates a key whose entry has ended, although its kind is full', async () => {
    const environment = fixedEnvironment()
    const store = memoryStore({ caps: { lease: 300 }, environment })
    for (let index = 0; index < 299; index += 1) await store.set(`ns:lease:${index}`, 'long', 1000, undefined)
    await store.set('ns:lease:brief', 'brief', 10, undefined)
    environment.advance(11)
    expect(await store.set('ns:lease:brief', 'again', 10, undefined)).toBeDefined()
  })

  it('holds 100,000 entries of a kind unless told', async () => {
    const store = memoryStore({ environment: fixedEnvironment() })
    for (let index = 0; index < 100_000; index += 1) await store.set(`ns:client:${index}`, '', 60, undefined)
    await expect(store.set('ns:client:more', '', 60, undefined)).rejects.toThrow(StoreUnavailable)
  })
})

/** Entries that last, and one brief one after them. */
async function fill(store: Store, kind: string, lasting: number): Promise<void> {
  for (let index = 0; index < lasting; index += 1) await store.set(`ns:${kind}:${index}`, 'long', 100_000, undefined)
  await store.set(`ns:${kind}:brief`, 'brief', 10, undefined)
}

describe('what has ended, in a memory store', () => {
  it('makes room at once, in a kind of ordinary size', async () => {
    const environment = fixedEnvironment()
    const store = memoryStore({ caps: { once: 200 }, environment })
    await fill(store, 'once', 199)
    environment.advance(11)
    expect(await store.set('ns:once:new', 'new', 10, undefined)).toBeDefined()
  })

  it('is taken out beside the writes that follow, a few entries with each, those of another kind too (I8)', async () => {
    const environment = fixedEnvironment()
    const store = memoryStore({ caps: { once: 20_000 }, environment })
    await fill(store, 'once', 19_999)
    environment.advance(11)
    for (let index = 0; index < 5000; index += 1) await store.set(`ns:grant:${index}`, 'long', 1000, undefined)
    expect(await store.set('ns:once:new', 'new', 10, undefined)).toBeDefined()
  })

  it('is found after a bounded number of refusals, in a kind that is too large to be looked at as a whole', async () => {
    const environment = fixedEnvironment()
    const store = memoryStore({ caps: { once: 20_000 }, environment })
    await fill(store, 'once', 19_999)
    environment.advance(11)
    let refusals = 0
    for (;;) {
      const entry = await store.set('ns:once:new', 'new', 10, undefined).catch(() => undefined)
      if (entry) break
      refusals += 1
    }
    expect(refusals).toBeGreaterThan(0)
    expect(refusals).toBeLessThan(20_000 / 256)
  })
})

describe('a full directory in memory', () => {
  const members = async (directory: Directory | undefined, list: string) => (await directory?.list(list, undefined, 10_000))?.members

  it('refuses new members of the full kind of list, and pushes nobody out (I8)', async () => {
    const { directory } = memoryStore({ caps: { clients: 2 }, environment: fixedEnvironment() })
    await directory?.add('ns:clients:a', 'one', 60)
    await directory?.add('ns:clients:b', 'two', 60)
    await expect(directory?.add('ns:clients:a', 'three', 60)).rejects.toThrow(StoreUnavailable)
    expect(await members(directory, 'ns:clients:a')).toEqual(['one'])
    expect(await members(directory, 'ns:clients:b')).toEqual(['two'])
  })

  it('goes on with other kinds, and with members that it has', async () => {
    const environment = fixedEnvironment()
    const { directory } = memoryStore({ caps: { clients: 2 }, environment })
    await directory?.add('ns:clients:a', 'one', 60)
    await directory?.add('ns:clients:a', 'one', 70)
    await directory?.add('ns:clients:a', 'two', 10)
    await directory?.add('ns:client-grants:a', 'two', 60)
    await directory?.add('ns:clients:a', 'one', 90)
    environment.advance(61)
    expect(await members(directory, 'ns:clients:a')).toEqual(['one'])
  })

  it('has room again for who was removed, once, and for nobody else', async () => {
    const { directory } = memoryStore({ caps: { clients: 2 }, environment: fixedEnvironment() })
    await directory?.add('ns:clients:a', 'one', 60)
    await directory?.add('ns:clients:a', 'two', 60)
    for (const member of ['one', 'one', 'never there']) await directory?.remove('ns:clients:a', member)
    await directory?.add('ns:clients:a', 'three', 60)
    await expect(directory?.add('ns:clients:a', 'four', 60)).rejects.toThrow(StoreUnavailable)
    expect(await members(directory, 'ns:clients:a')).toEqual(['three', 'two'])
  })

  it('has room again for those who ended, in whichever list, and only for those', async () => {
    const environment = fixedEnvironment()
    const { directory } = memoryStore({ caps: { clients: 200 }, environment })
    for (let index = 0; index < 199; index += 1) await directory?.add(`ns:clients:${index % 3}`, `lasting-${index}`, 20)
    await directory?.add('ns:clients:brief', 'brief', 10)
    environment.advance(11)
    await directory?.add('ns:clients:new', 'new', 60)
    await expect(directory?.add('ns:clients:new', 'newer', 60)).rejects.toThrow(StoreUnavailable)
    expect(await members(directory, 'ns:clients:0')).toHaveLength(67)
  })

  it('is swept beside every addition, in all lists (I8)', async () => {
    const environment = fixedEnvironment()
    const { directory } = memoryStore({ caps: { clients: 2000 }, environment })
    for (let index = 0; index < 1999; index += 1) await directory?.add(`ns:clients:${index}`, 'lasting', 100_000)
    await directory?.add('ns:clients:brief', 'brief', 10)
    environment.advance(11)
    for (let index = 0; index < 500; index += 1) await directory?.add('ns:client-grants:a', `grant-${index}`, 60)
    await directory?.add('ns:clients:new', 'new', 60)
    expect(await members(directory, 'ns:clients:new')).toEqual(['new'])
  })
})
