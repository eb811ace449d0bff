import { StoreUnavailable } from '@drawbridge/core'
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

describe('a memory store with a flood of brief entries', () => {
  it('takes out what has ended beside the writes that follow, those of another kind too (I8)', async () => {
    const environment = fixedEnvironment()
    const store = memoryStore({ caps: { once: 100 }, environment })
    for (let index = 0; index < 100; index += 1) await store.set(`ns:once:${index}`, 'brief', 10, undefined)
    environment.advance(11)
    for (let index = 0; index < 30; index += 1) await store.set(`ns:grant:${index}`, 'long', 1000, undefined)
    for (let index = 0; index < 100; index += 1) expect(await store.set(`ns:once:new-${index}`, 'brief', 10, undefined)).toBeDefined()
  })
})

describe('a full directory in memory', () => {
  it('refuses new members of the full kind of list, and pushes nothing out (I8)', async () => {
    const { directory } = memoryStore({ caps: { clients: 2 }, environment: fixedEnvironment() })
    await directory?.add('ns:clients:a', 'one', 60)
    await directory?.add('ns:clients:b', 'two', 60)
    await expect(directory?.add('ns:clients:a', 'three', 60)).rejects.toThrow(StoreUnavailable)
    await directory?.add('ns:clients:a', 'one', 90)
    await directory?.add('ns:client-grants:a', 'three', 60)
    expect(await directory?.list('ns:clients:a', undefined, 10)).toEqual({ members: ['one'] })
    await directory?.remove('ns:clients:b', 'two')
    await directory?.remove('ns:clients:b', 'two')
    await directory?.add('ns:clients:a', 'three', 60)
    await expect(directory?.add('ns:clients:a', 'four', 60)).rejects.toThrow(StoreUnavailable)
  })

  it('takes new members when old ones have ended, in whichever list', async () => {
    const environment = fixedEnvironment()
    const { directory } = memoryStore({ caps: { clients: 2 }, environment })
    await directory?.add('ns:clients:a', 'one', 10)
    await directory?.add('ns:clients:b', 'two', 10)
    environment.advance(11)
    await directory?.add('ns:clients:c', 'three', 60)
    expect(await directory?.list('ns:clients:c', undefined, 10)).toEqual({ members: ['three'] })
  })
})
