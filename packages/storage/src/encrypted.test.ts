import { type Store, StoreUnavailable, StoreUnreadable } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { createFernetKey, encrypted, fernet, memoryStore } from './index.ts'

const [old, current] = [createFernetKey(), createFernetKey()]

function world(keys: string | string[] = current) {
  const environment = fixedEnvironment()
  const plain = memoryStore({ environment })
  const counted = { opened: 0 }
  const cipher = fernet(keys, { environment })
  const counting = {
    seal: (text: string) => cipher.seal(text),
    open(text: string) {
      counted.opened += 1
      return cipher.open(text)
    },
  }
  return { environment, plain, counted, store: encrypted(plain, counting, { environment }) }
}

async function written(store: Store, key = 'a:b:c', value = 'the value', ttl = 3600) {
  const entry = await store.set(key, value, ttl, undefined)
  if (!entry) throw new Error('not written')
  return entry
}

describe('a sealed store', () => {
  it('keeps nothing that can be read (R103, T90)', async () => {
    const { plain, store } = world()
    await written(store, 'a:b:c', 'person@example.com')
    const text = (await plain.get('a:b:c'))?.value
    expect(text).toMatch(/^gAAAAA/)
    expect(Buffer.from(text ?? '', 'base64url').toString('latin1')).not.toContain('person')
  })

  it('passes versions through', async () => {
    const { plain, store } = world()
    const { version } = await written(store)
    expect((await plain.get('a:b:c'))?.version).toBe(version)
    expect((await store.get('a:b:c'))?.version).toBe(version)
  })

  it('opens a value on first use, and once', async () => {
    const { counted, store } = world()
    await written(store)
    const entry = await store.get('a:b:c')
    expect(counted.opened).toBe(0)
    expect([entry?.value, entry?.value]).toEqual(['the value', 'the value'])
    expect(counted.opened).toBe(1)
  })

  it('refuses a value that was moved to another name (T91)', async () => {
    const { plain, store } = world()
    await written(store, 'ns:client:one')
    const moved = await plain.get('ns:client:one')
    await plain.set('ns:client:two', moved?.value ?? '', 3600, undefined)
    const entry = await store.get('ns:client:two')
    expect(() => entry?.value).toThrow(StoreUnreadable)
    expect(await plain.get('ns:client:two')).toBeDefined()
  })

  it('refuses both of two values that were swapped, and neither is taken for the other (T91)', async () => {
    const { plain, store } = world()
    await written(store, 'ns:grant:mine', 'my grant')
    await written(store, 'ns:grant:theirs', 'their grant')
    const [mine, theirs] = [await plain.get('ns:grant:mine'), await plain.get('ns:grant:theirs')]
    await plain.set('ns:grant:mine', theirs?.value ?? '', 3600, mine)
    await plain.set('ns:grant:theirs', mine?.value ?? '', 3600, theirs)
    for (const key of ['ns:grant:mine', 'ns:grant:theirs']) {
      const entry = await store.get(key)
      expect(() => entry?.value).toThrow(StoreUnreadable)
    }
  })

  it('is examined as the store below it is, also where that is a class', async () => {
    class Examined {
      readonly reach = 'shared'
      readonly sealed = false
      readonly #findings = []
      readonly get = world().plain.get
      readonly set = world().plain.set
      readonly delete = world().plain.delete
      async examine() {
        return { findings: this.#findings }
      }
    }
    expect(await encrypted(new Examined(), fernet(current)).examine?.()).toEqual({ findings: [] })
  })

  it('can be changed and deleted by who knows its version, opened or not', async () => {
    const { counted, store } = world()
    await written(store)
    const seen = await store.get('a:b:c')
    const changed = await store.set('a:b:c', 'changed', 3600, seen)
    expect(changed?.value).toBe('changed')
    expect(seen && (await store.delete('a:b:c', seen))).toBe(false)
    expect(changed && (await store.delete('a:b:c', changed))).toBe(true)
    expect(counted.opened).toBe(0)
  })

  it('refuses a value that outlived its end, whatever the backend says (T94)', async () => {
    const { environment, plain, store } = world()
    await written(store, 'ns:client:one', 'brief', 10)
    const sealed = await plain.get('ns:client:one')
    await plain.set('ns:client:one', sealed?.value ?? '', 1_000_000, sealed)
    environment.advance(69)
    expect((await store.get('ns:client:one'))?.value).toBe('brief')
    environment.advance(1)
    const entry = await store.get('ns:client:one')
    expect(() => entry?.value).toThrow(StoreUnreadable)
  })

  it('refuses, and keeps, what another key has sealed (REL-R17)', async () => {
    const { plain, environment } = world()
    await written(encrypted(plain, fernet(old, { environment }), { environment }))
    const other = encrypted(plain, fernet(current, { environment }), { environment })
    const entry = await other.get('a:b:c')
    expect(() => entry?.value).toThrow(StoreUnreadable)
    expect(await plain.get('a:b:c')).toBeDefined()
  })

  it.each(['', 'not a token', fernet(current).seal('not json'), fernet(current).seal('{"key":1}'), fernet(current).seal('null')])(
    'refuses what is not sealed by it (%#)',
    async (text) => {
      const { plain, store } = world()
      await plain.set('a:b:c', text, 3600, undefined)
      const entry = await store.get('a:b:c')
      expect(() => entry?.value).toThrow(StoreUnreadable)
    },
  )

  it('seals again, beside the request, what an older key has sealed, with the time that is left (T95)', async () => {
    const { plain, environment } = world()
    await written(encrypted(plain, fernet(old, { environment }), { environment }), 'a:b:c', 'the value', 100)
    environment.advance(40)
    const rotated = encrypted(plain, fernet([current, old], { environment }), { environment })
    expect((await rotated.get('a:b:c'))?.value).toBe('the value')
    await environment.drain()
    const onlyCurrent = encrypted(plain, fernet(current, { environment }), { environment })
    expect((await onlyCurrent.get('a:b:c'))?.value).toBe('the value')
    environment.advance(60)
    expect(await onlyCurrent.get('a:b:c')).toBeUndefined()
  })

  it('answers although it cannot seal again, and tries again with the next reader (T95)', async () => {
    const { plain, environment } = world()
    await written(encrypted(plain, fernet(old, { environment }), { environment }))
    let readOnly = true
    const failing: Store = {
      ...plain,
      set: (key, value, ttl, seen) => (readOnly ? Promise.reject(new StoreUnavailable('read only')) : plain.set(key, value, ttl, seen)),
    }
    const rejections: unknown[] = []
    const watching = {
      ...environment,
      defer: (work: Promise<void>) => environment.defer(work.catch((error) => void rejections.push(error))),
    }
    const rotated = encrypted(failing, fernet([current, old], { environment }), { environment: watching })
    expect((await rotated.get('a:b:c'))?.value).toBe('the value')
    await environment.drain()
    readOnly = false
    expect((await rotated.get('a:b:c'))?.value).toBe('the value')
    await environment.drain()
    expect(rejections).toEqual([])
    expect((await encrypted(plain, fernet(current, { environment }), { environment }).get('a:b:c'))?.value).toBe('the value')
  })

  it('does not seal again over what was written in the meantime', async () => {
    const { plain, environment } = world()
    const seen = await written(encrypted(plain, fernet(old, { environment }), { environment }))
    const rotated = encrypted(plain, fernet([current, old], { environment }), { environment })
    const entry = await rotated.get('a:b:c')
    expect(await rotated.set('a:b:c', 'newer', 3600, seen)).toBeDefined()
    expect(entry?.value).toBe('the value')
    await environment.drain()
    expect((await rotated.get('a:b:c'))?.value).toBe('newer')
  })
})
