import { StoreUnavailable, StoreUnreadable, systemEnvironment } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { Keyv } from 'keyv'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { keyvStore } from './index.ts'

/** An adapter over a Map, of which single calls can be scripted: the first of `script` is taken for the next call. */
class ScriptedAdapter {
  readonly opts = {}
  readonly map = new Map<string, unknown>()
  readonly calls: unknown[][] = []
  readonly script: Record<'get' | 'set' | 'delete', (() => unknown)[]> = { get: [], set: [], delete: [] }

  async get(key: string): Promise<unknown> {
    this.calls.push(['get', key])
    await this.script.get.shift()?.()
    return this.map.get(key)
  }
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    this.calls.push(['set', key, value, ttl])
    const answer = await this.script.set.shift()?.()
    if (answer !== 'not written') this.map.set(key, value)
    if (answer === 'lost on the way back') throw new Error('connection reset')
    return answer !== 'not written'
  }
  async delete(key: string): Promise<boolean> {
    this.calls.push(['delete', key])
    const answer = await this.script.delete.shift()?.()
    if (answer === 'not deleted') return false
    const deleted = this.map.delete(key)
    if (answer === 'lost on the way back') throw new Error('connection reset')
    return deleted
  }
  async clear(): Promise<void> {
    this.map.clear()
  }
}

function world({ clock = fixedEnvironment() } = {}) {
  const adapter = new ScriptedAdapter()
  return { adapter, environment: clock, store: keyvStore(new Keyv({ store: adapter, useKeyPrefix: false }), { environment: clock }) }
}

/** A door that opens later. */
function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, wait: () => opened }
}

const key = 'ns:kind:hash'
const settled = () => new Promise((resolve) => setTimeout(resolve, 5))
function refuse(): never {
  throw new Error('connection refused')
}

afterEach(() => {
  vi.useRealTimers()
})

describe('what Keyv is given', () => {
  it('is the value with its version and its end, as JSON, for as many milliseconds', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 })
    const { adapter, store } = world()
    const entry = await store.set(key, 'the value', 60, undefined)
    const inner = JSON.stringify({ value: 'the value', version: entry?.version, endsAt: 1_767_268_860 })
    expect(adapter.calls.at(-1)).toEqual(['set', key, JSON.stringify({ value: inner, expires: 60_000 }), 60_000])
  })

  it('is not asked twice for what is absent, and read once for what is there', async () => {
    const { adapter, store } = world()
    await store.get(key)
    await store.set(key, 'one', 60, undefined)
    expect(adapter.calls.map(([call]) => call)).toEqual(['get', 'get', 'set'])
  })
})

describe('what is under a name and is not of this store', () => {
  it.each(['not JSON', 'null', '1', '{"value":"v","version":1,"endsAt":1}', '{}'])(
    'is unreadable as an entry, and kept: %s',
    async (text) => {
      const { adapter, store } = world()
      await new Keyv({ store: adapter, useKeyPrefix: false }).set(key, text)
      await expect(store.get(key)).rejects.toThrow(StoreUnreadable)
      await expect(store.set(key, 'v', 60, undefined)).rejects.toThrow(StoreUnreadable)
      expect(adapter.map.size).toBe(1)
    },
  )

  it.each(['not JSON', 'null', '1', '{"member":"soon"}'])('is unreadable as a list, and kept: %s', async (text) => {
    const { adapter, store } = world()
    await new Keyv({ store: adapter, useKeyPrefix: false }).set(key, text)
    await expect(store.directory?.list(key, undefined, 10)).rejects.toThrow(StoreUnreadable)
    await expect(store.directory?.add(key, 'other', 60)).rejects.toThrow(StoreUnreadable)
    expect(adapter.map.size).toBe(1)
  })
})

describe('a write whose outcome is unknown', () => {
  it('won when its answer alone was lost', async () => {
    const { adapter, store } = world()
    adapter.script.set.push(() => 'lost on the way back')
    const entry = await store.set(key, 'one', 60, undefined)
    expect(entry?.value).toBe('one')
    expect(await store.get(key)).toEqual(entry)
    expect(adapter.calls.filter(([call]) => call === 'set')).toHaveLength(1)
  })

  it.each<[string, () => unknown]>([
    ['refused', refuse],
    ['answered with false', () => 'not written'],
  ])('goes out again, with the same version, when it was %s', async (_, first) => {
    const { adapter, store } = world()
    adapter.script.set.push(first)
    const entry = await store.set(key, 'one', 60, undefined)
    const sent = adapter.calls.filter(([call]) => call === 'set').map(([, , value]) => String(value))
    expect(sent).toHaveLength(2)
    for (const text of sent) expect(text).toContain(entry?.version)
    expect(await store.get(key)).toEqual(entry)
  })

  it('is unavailable when it is unknown twice, and when it cannot be read back', async () => {
    const { adapter, store } = world()
    adapter.script.set.push(refuse, refuse)
    await expect(store.set(key, 'one', 60, undefined)).rejects.toThrow(StoreUnavailable)
    adapter.script.set.push(refuse)
    adapter.script.get.push(() => undefined, refuse)
    await expect(store.set(key, 'one', 60, undefined)).rejects.toThrow(StoreUnavailable)
  })

  it('lost when it deletes and nothing is there: another may have been faster', async () => {
    const { adapter, store } = world()
    const seen = await store.set(key, 'one', 60, undefined)
    adapter.script.delete.push(() => 'lost on the way back')
    expect(seen && (await store.delete(key, seen))).toBe(false)
    expect(await store.get(key)).toBeUndefined()
  })

  it('goes out again when it deletes and what was seen is still there', async () => {
    const { adapter, store } = world()
    const seen = await store.set(key, 'one', 60, undefined)
    adapter.script.delete.push(() => 'not deleted')
    expect(seen && (await store.delete(key, seen))).toBe(true)
    expect(await store.get(key)).toBeUndefined()
  })
})

describe('errors', () => {
  it('are heard where Keyv was told to keep them to itself', async () => {
    const adapter = new ScriptedAdapter()
    const keyv = new Keyv({ store: adapter, useKeyPrefix: false, emitErrors: false, throwOnErrors: false })
    const store = keyvStore(keyv)
    adapter.script.get.push(() => keyv.emit('error', new Error('connection refused')))
    await expect(store.get(key)).rejects.toThrow(StoreUnavailable)
    adapter.script.get.push(refuse)
    await expect(store.get(key)).rejects.toThrow(StoreUnavailable)
  })

  it('are kept as the cause', async () => {
    const { adapter, store } = world()
    const cause = new Error('connection refused')
    adapter.script.get.push(() => Promise.reject(cause))
    await expect(store.get(key)).rejects.toMatchObject({ cause })
  })

  it('between two calls fail neither', async () => {
    const adapter = new ScriptedAdapter()
    const keyv = new Keyv({ store: adapter, useKeyPrefix: false })
    const store = keyvStore(keyv)
    keyv.emit('error', new Error('connection lost'))
    expect(await store.get(key)).toBeUndefined()
  })
})

describe('turns', () => {
  it('are for one key: a slow one keeps nobody else waiting', async () => {
    const { adapter, store } = world()
    const door = gate()
    adapter.script.get.push(door.wait)
    const slow = store.get(key)
    expect(await store.get('ns:kind:other')).toBeUndefined()
    door.open()
    expect(await slow).toBeUndefined()
  })

  it('last until a late write has ended, so that it writes over nobody (I2)', async () => {
    const { adapter, environment, store } = world()
    const door = gate()
    const seen = await store.set(key, 'one', 60, undefined)
    adapter.script.set.push(door.wait)
    const late = store.set(key, 'late', 60, seen)
    await settled()
    environment.advance(1)
    await expect(late).rejects.toThrow(StoreUnavailable)
    const next = store.set(key, 'next', 60, seen)
    await settled()
    door.open()
    expect(await next).toBeUndefined()
    expect((await store.get(key))?.value).toBe('late')
  })

  it('that come after the deadline are not taken: nothing is sent any more', async () => {
    const { adapter, environment, store } = world()
    const door = gate()
    adapter.script.get.push(door.wait)
    const writes = [store.set(key, 'first', 60, undefined), store.set(key, 'second', 60, undefined)]
    const answers = Promise.allSettled(writes)
    await settled()
    environment.advance(1)
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    door.open()
    await settled()
    expect(adapter.calls).toEqual([['get', key]])
    expect(await store.set(key, 'third', 60, undefined)).toBeDefined()
  })

  it('that meet the deadline between reading and writing write nothing', async () => {
    const { adapter, environment, store } = world()
    const seen = await store.set(key, 'one', 60, undefined)
    await store.directory?.add('ns:list:hash', 'member', 60)
    adapter.calls.length = 0
    const door = gate()
    adapter.script.get.push(door.wait, door.wait)
    const answers = Promise.allSettled([seen && store.delete(key, seen), store.directory?.remove('ns:list:hash', 'member')])
    await settled()
    environment.advance(1)
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    door.open()
    await settled()
    expect(adapter.calls.map(([call]) => call)).toEqual(['get', 'get'])
    expect(await store.get(key)).toEqual(seen)
  })

  it('keep the deadline of everyone who waits, by the real clock', async () => {
    const adapter = new ScriptedAdapter()
    const store = keyvStore(new Keyv({ store: adapter }), { environment: systemEnvironment() })
    const door = gate()
    adapter.script.get.push(door.wait)
    const started = performance.now()
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => store.get(key)))
    expect(answers.every(({ status }) => status === 'rejected')).toBe(true)
    expect(performance.now() - started).toBeLessThan(1000)
    door.open()
  })
})

describe('an entry that Keyv finds expired', () => {
  it('is not deleted after somebody has created it anew', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 })
    const { adapter, environment, store } = world()
    await store.set(key, 'brief', 1, undefined)
    vi.setSystemTime(2000)
    environment.advance(2)
    const door = gate()
    // The reader has its answer from the adapter, and is about to delete what it takes for expired.
    adapter.script.delete.push(door.wait)
    const reader = store.get(key)
    await settled()
    const writer = store.set(key, 'anew', 60, undefined)
    await settled()
    door.open()
    expect(await reader).toBeUndefined()
    expect(await writer).toBeDefined()
    expect((await store.get(key))?.value).toBe('anew')
  })
})
