import { StoreUnavailable } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { memoryStore } from './index.ts'

describe('a full memory store', () => {
  it('refuses new entries of the full kind, and pushes nothing out (I8)', async () => {
    const store = memoryStore({ cap: 3, environment: fixedEnvironment() })
    for (const id of ['one', 'two', 'three']) await store.set(`ns:client:${id}`, id, 60, undefined)
    await expect(store.set('ns:client:four', 'four', 60, undefined)).rejects.toThrow(StoreUnavailable)
    for (const id of ['one', 'two', 'three']) expect((await store.get(`ns:client:${id}`))?.value).toBe(id)
  })

  it('goes on with the other kinds, and with changes', async () => {
    const store = memoryStore({ cap: 1, environment: fixedEnvironment() })
    const seen = await store.set('ns:client:one', 'one', 60, undefined)
    expect(await store.set('ns:grant:one', 'one', 60, undefined)).toBeDefined()
    expect(await store.set('ns:client:one', 'changed', 60, seen)).toBeDefined()
  })

  it('takes new entries when old ones have ended', async () => {
    const environment = fixedEnvironment()
    const store = memoryStore({ cap: 2, environment })
    await store.set('ns:client:one', 'one', 1000, undefined)
    await store.set('ns:client:two', 'two', 10, undefined)
    environment.advance(11)
    expect(await store.set('ns:client:three', 'three', 60, undefined)).toBeDefined()
  })
})
