import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Event } from '../ports/events.ts'
import { type Entry, type Store, StoreUnavailable, StoreUnreadable } from '../ports/store.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { storeDouble } from '../testing/store-double.ts'
import { type Collection, openCollection, type Step } from './collection.ts'
import { parseRecord } from './entry-reader.ts'

interface Counter {
  readonly count: number
  readonly endsAt: number
}

const shape: z.ZodType<Counter> = z.looseObject({ count: z.number(), endsAt: z.number() })

/** A collection over a store whose inside is known. */
function open({
  missed = async () => {},
  over = (store: Store) => store,
}: {
  missed?: (id: string) => Promise<void>
  over?: (store: Store) => Store
} = {}) {
  const environment = fixedEnvironment()
  const store = storeDouble(environment)
  const events: Event[] = []
  const counters: Collection<Counter> = openCollection({
    kind: 'counter',
    emit: (event) => events.push(event),
    store: over(store),
    environment,
    shape,
    name: async (id) => `name of ${id}`,
    missed,
  })
  const hold = (value: string, endsAt = environment.now() + 1000): void => {
    store.entries.set('name of a', { value, version: `by hand ${store.entries.size}`, endsAt })
  }
  return { environment, store, events, counters, hold, endsAt: environment.now() + 100 }
}

const increment: Step<Counter, number> = (record) => {
  const next = record && { ...record, count: record.count + 1 }
  return { ...(next && { next }), answer: next?.count ?? -1 }
}

describe('a collection', () => {
  it('finds what it created, under a name that is not its id', async () => {
    const { counters, store, environment, endsAt } = open()
    const created = await counters.create('a', { count: 1, endsAt })
    expect(await counters.find('a')).toEqual({ count: 1, endsAt })
    expect([...store.entries]).toEqual([
      ['name of a', { value: `{"count":1,"endsAt":${endsAt}}`, version: created?.entry?.version, endsAt: environment.now() + 100 }],
    ])
  })

  it('finds nothing where nothing is, and says so', async () => {
    const asked: string[] = []
    const { counters } = open({ missed: async (id) => void asked.push(id) })
    expect(await counters.find('a')).toBeUndefined()
    expect(await counters.read('a')).toEqual({ record: undefined, entry: undefined })
    expect(asked).toEqual(['a', 'a'])
  })

  it('passes on that a record was lost and not absent', async () => {
    const lost = new StoreUnavailable('the store was emptied')
    const { counters } = open({ missed: () => Promise.reject(lost) })
    await expect(counters.find('a')).rejects.toBe(lost)
    await expect(counters.change('a', increment)).rejects.toBe(lost)
  })

  it('creates an id once, of fifty at once', async () => {
    const { counters, endsAt } = open()
    const created = await Promise.all(Array.from({ length: 50 }, (_, count) => counters.create('a', { count, endsAt })))
    const won = created.filter((seen) => seen !== undefined)
    expect(won).toHaveLength(1)
    expect(await counters.find('a')).toEqual(won[0]?.record)
  })

  it('creates over what has ended', async () => {
    const { counters, environment, endsAt } = open()
    await counters.create('a', { count: 1, endsAt })
    environment.advance(100)
    expect(await counters.create('a', { count: 2, endsAt: endsAt + 100 })).toMatchObject({ record: { count: 2 } })
  })

  it('never finds a record after its end, even where the store kept it (T94)', async () => {
    const missed: string[] = []
    const { counters, store, environment, hold, endsAt } = open({ missed: async (id) => void missed.push(id) })
    hold(JSON.stringify({ count: 1, endsAt }), environment.now() + 1_000_000)
    environment.advance(99)
    expect(await counters.find('a')).toEqual({ count: 1, endsAt })
    environment.advance(1)
    expect(await counters.find('a')).toBeUndefined()
    expect(await counters.change('a', increment)).toBe(-1)
    // It was there, so nobody asks whether the store was emptied; and it is left to the store.
    expect(missed).toEqual([])
    expect(store.entries.size).toBe(1)
  })

  it('writes over a record that has ended, having seen it', async () => {
    const { counters, environment, hold, endsAt } = open()
    hold(JSON.stringify({ count: 1, endsAt }), environment.now() + 1_000_000)
    environment.advance(100)
    const next = { count: 5, endsAt: endsAt + 500 }
    expect(await counters.change('a', (record) => ({ next, answer: record }))).toBeUndefined()
    expect(await counters.find('a')).toEqual(next)
  })

  it('writes with the time the record has left, and a second at least', async () => {
    const { counters, store, environment, endsAt } = open()
    await counters.create('a', { count: 1, endsAt })
    environment.advance(40)
    await counters.change('a', increment)
    expect(store.entries.get('name of a')?.endsAt).toBe(endsAt)
    await counters.change('a', () => ({ next: { count: 0, endsAt: environment.now() - 5 }, answer: undefined }))
    expect(store.entries.get('name of a')?.endsAt).toBe(environment.now() + 1)
  })

  it('removes, if it still is what was seen', async () => {
    const { counters, store, endsAt } = open()
    await counters.create('a', { count: 1, endsAt })
    expect(await counters.change('a', (record) => ({ next: 'gone', answer: record?.count }))).toBe(1)
    expect(store.entries.size).toBe(0)
    expect(await counters.changeSeen('a', () => ({ next: 'gone', answer: 'nothing to remove' }))).toEqual({
      answer: 'nothing to remove',
      seen: { record: undefined, entry: undefined },
    })
  })
})

describe('a change', () => {
  it('writes nothing when its step has nothing to write', async () => {
    const { counters, store, endsAt } = open()
    await counters.create('a', { count: 1, endsAt })
    store.calls.length = 0
    expect(await counters.change('a', (record) => ({ answer: record?.count }))).toBe(1)
    expect(store.calls).toEqual([{ method: 'get', key: 'name of a' }])
  })

  it('gives the step the record and the present moment', async () => {
    const { counters, environment, endsAt } = open()
    await counters.create('a', { count: 1, endsAt })
    environment.advance(7)
    const seen = await counters.change('a', (record, now) => ({ answer: { record, now } }))
    expect(seen).toEqual({ record: { count: 1, endsAt }, now: environment.now() })
  })

  it('starts from what was read before, and reads only after a lost race', async () => {
    const { counters, store, endsAt } = open()
    await counters.create('a', { count: 1, endsAt })
    const seen = await counters.read('a')
    store.calls.length = 0
    expect(await counters.change('a', increment, seen)).toBe(2)
    expect(store.calls.map(({ method }) => method)).toEqual(['set'])
    store.calls.length = 0
    expect(await counters.change('a', increment, seen)).toBe(3)
    expect(store.calls.map(({ method }) => method)).toEqual(['set', 'get', 'set'])
  })

  it('tells what the store holds now, to start the next one from', async () => {
    const { counters, store, endsAt } = open()
    await counters.create('a', { count: 1, endsAt })
    const { answer, seen } = await counters.changeSeen('a', increment)
    expect({ answer, record: seen.record }).toEqual({ answer: 2, record: { count: 2, endsAt } })
    store.calls.length = 0
    expect(await counters.change('a', increment, seen)).toBe(3)
    expect(store.calls.map(({ method }) => method)).toEqual(['set'])
    const unchanged = await counters.changeSeen('a', (record) => ({ answer: record?.count }))
    expect(unchanged).toMatchObject({ answer: 3, seen: { record: { count: 3 } } })
    expect((await counters.changeSeen('a', () => ({ next: 'gone', answer: 0 }))).seen).toEqual({ record: undefined, entry: undefined })
  })

  it('runs its step again on what it reads after a lost race: the race is never the answer (R104)', async () => {
    const { counters, store, endsAt } = open()
    await counters.create('a', { count: 1, endsAt })
    const rival = { done: false }
    store.before = async ({ method }) => {
      if (method !== 'set' || rival.done) return
      rival.done = true
      await counters.change('a', (record) => ({ ...(record && { next: { ...record, count: 100 } }), answer: undefined }))
    }
    const judged: (number | undefined)[] = []
    const answer = await counters.change('a', (record) => {
      judged.push(record?.count)
      return record && record.count < 100 ? { next: { ...record, count: 2 }, answer: 'spent' } : { answer: 'already spent' }
    })
    expect({ answer, judged }).toEqual({ answer: 'already spent', judged: [1, 100] })
    expect(await counters.find('a')).toEqual({ count: 100, endsAt })
  })

  it('of a record that another one removes finds it gone', async () => {
    const { counters, store, endsAt } = open()
    await counters.create('a', { count: 1, endsAt })
    const rival = { done: false }
    store.before = async ({ method }) => {
      if (method !== 'set' || rival.done) return
      rival.done = true
      await counters.change('a', () => ({ next: 'gone', answer: undefined }))
    }
    expect(await counters.change('a', increment)).toBe(-1)
    expect(store.entries.size).toBe(0)
  })

  it('that removes what another one changes removes what it reads then', async () => {
    const { counters, store, endsAt } = open()
    await counters.create('a', { count: 1, endsAt })
    const rival = { done: false }
    store.before = async ({ method }) => {
      if (method !== 'delete' || rival.done) return
      rival.done = true
      await counters.change('a', increment)
    }
    expect(await counters.change('a', (record) => ({ next: 'gone', answer: record?.count }))).toBe(2)
    expect(store.entries.size).toBe(0)
  })

  it('is not lost, of seven at once: each count is answered once', async () => {
    const { counters, endsAt } = open()
    await counters.create('a', { count: 0, endsAt })
    const answers = await Promise.all(Array.from({ length: 7 }, () => counters.change('a', increment)))
    expect(answers.sort()).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(await counters.find('a')).toEqual({ count: 7, endsAt })
  })

  it('gives up after eight lost races, as trouble that passes and not as a no (I6)', async () => {
    const { counters, store, hold, endsAt } = open()
    hold(JSON.stringify({ count: 1, endsAt }))
    let wins = 0
    store.before = ({ method }) => {
      if (method !== 'set') return
      wins += 1
      store.entries.set('name of a', { value: JSON.stringify({ count: wins, endsAt }), version: `rival ${wins}`, endsAt: endsAt + 1000 })
    }
    let ran = 0
    const changing = counters.change('a', (record, now) => {
      ran += 1
      return increment(record, now)
    })
    await expect(changing).rejects.toThrow(StoreUnavailable)
    expect({ ran, wins }).toEqual({ ran: 8, wins: 8 })
  })

  it.each([
    ['no time', 0, 8],
    ['a second each', 1, 2],
    ['three seconds each', 3, 1],
  ])('begins no other attempt two seconds after its first: where lost races take %s (I9, REL-R7)', async (_, seconds, expected) => {
    const { counters, store, hold, environment, endsAt } = open()
    hold(JSON.stringify({ count: 1, endsAt: endsAt + 1000 }), endsAt + 1000)
    let wins = 0
    store.before = ({ method }) => {
      if (method !== 'set') return
      wins += 1
      environment.advance(seconds)
      const value = JSON.stringify({ count: wins, endsAt: endsAt + 1000 })
      store.entries.set('name of a', { value, version: `rival ${wins}`, endsAt: endsAt + 1000 })
    }
    await expect(counters.change('a', increment)).rejects.toThrow(StoreUnavailable)
    expect(wins).toBe(expected)
  })
})

describe('trouble of the store', () => {
  it.each(['get', 'set', 'delete'] as const)('on %s comes out as it is, once, and is never absent or lost', async (failing) => {
    const { counters, store, hold, endsAt } = open()
    hold(JSON.stringify({ count: 1, endsAt }))
    const trouble = new StoreUnavailable('no answer')
    store.before = ({ method }) => {
      if (method === failing) throw trouble
    }
    const changing = counters.change('a', (): { next: 'gone' | Counter; answer: string } => ({
      next: failing === 'delete' ? 'gone' : { count: 2, endsAt },
      answer: 'done',
    }))
    await expect(changing).rejects.toBe(trouble)
    expect(store.calls.filter(({ method }) => method === failing)).toHaveLength(1)
    expect(store.entries.get('name of a')?.value).toBe(JSON.stringify({ count: 1, endsAt }))
  })
})

describe('a record that cannot be read (REL-R17)', () => {
  it.each([
    ['no JSON', '{"count":'],
    ['another kind', '{"holder":"h","endsAt":9999999999}'],
    ['a member of another type', '{"count":"1","endsAt":9999999999}'],
    ['a list', '[1]'],
    ['nothing', ''],
    ['null', 'null'],
  ])('because it is %s is trouble, and is kept', async (_, value) => {
    const { counters, store, hold } = open()
    hold(value)
    await expect(counters.find('a')).rejects.toThrow(StoreUnreadable)
    await expect(counters.change('a', () => ({ next: 'gone', answer: 'removed' }))).rejects.toThrow(StoreUnreadable)
    await expect(counters.change('a', increment)).rejects.toThrow(StoreUnreadable)
    expect(store.entries.get('name of a')?.value).toBe(value)
    expect(store.calls.every(({ method }) => method === 'get')).toBe(true)
  })

  it('because its seal does not open is trouble too, and is kept', async () => {
    const sealed = (store: Store): Store => ({
      ...store,
      async get(key): Promise<Entry | undefined> {
        const entry = await store.get(key)
        return (
          entry && {
            version: entry.version,
            get value(): string {
              throw new StoreUnreadable('another key sealed it')
            },
          }
        )
      },
    })
    const { counters, store, hold } = open({ over: sealed })
    hold('anything')
    await expect(counters.change('a', increment)).rejects.toThrow(StoreUnreadable)
    expect(store.entries.size).toBe(1)
  })

  it('is told by its kind and name, and not for each time it is asked for (REL-R17, REL-R40)', async () => {
    const { counters, store, hold, environment, events } = open()
    hold('{')
    for (let turn = 0; turn < 50; turn += 1) await counters.find('a').catch(() => {})
    const told = { type: 'record.unreadable', kind: 'counter', name: 'name of a' }
    expect(events).toEqual([told])
    store.entries.set('name of b', { value: '{', version: 'by hand', endsAt: environment.now() + 1000 })
    await counters.find('b').catch(() => {})
    expect(events).toEqual([told, { ...told, name: 'name of b' }])
    environment.advance(300)
    await counters.find('a').catch(() => {})
    expect(events).toEqual([told, { ...told, name: 'name of b' }, told])
  })

  it('is not told of when it was the store that failed', async () => {
    const { counters, store, events } = open()
    store.before = () => {
      throw new StoreUnavailable('no answer')
    }
    await expect(counters.find('a')).rejects.toThrow(StoreUnavailable)
    expect(events).toEqual([])
  })

  it('is told with what was wrong for the operator', () => {
    expect(() => parseRecord(shape, 'x')).toThrow('a record is not JSON')
    expect(() => parseRecord(shape, '{}')).toThrow('a record does not have the shape of its kind')
    try {
      parseRecord(shape, 'x')
    } catch (error) {
      expect(error).toMatchObject({ name: 'StoreUnreadable', cause: { name: 'SyntaxError' } })
    }
  })
})

describe('fields that this release does not know', () => {
  it('are written back as they were', async () => {
    const { counters, store, hold, endsAt } = open()
    hold(JSON.stringify({ count: 1, endsAt, fromTheNextRelease: { deep: ['x', null] } }))
    await counters.change('a', increment)
    expect(JSON.parse(store.entries.get('name of a')?.value ?? '')).toEqual({
      count: 2,
      endsAt,
      fromTheNextRelease: { deep: ['x', null] },
    })
  })

  it('pollute nothing, whatever they are called (T103)', async () => {
    const { counters, hold, endsAt } = open()
    hold(`{"count":1,"endsAt":${endsAt},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}`)
    const record = await counters.find('a')
    expect(record).toMatchObject({ count: 1, endsAt })
    expect(Reflect.get(record ?? {}, 'polluted')).toBeUndefined()
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(await counters.change('a', increment)).toBe(2)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })
})

describe('a parsed record', () => {
  /** Counts how often a value is opened: behind `encrypted(...)` that is a decryption. */
  function counting() {
    const opened: string[] = []
    const over = (store: Store): Store => ({
      ...store,
      async get(key) {
        const entry = await store.get(key)
        return (
          entry && {
            version: entry.version,
            get value(): string {
              opened.push(entry.version)
              return entry.value
            },
          }
        )
      },
    })
    return { opened, ...open({ over }) }
  }

  it('is neither opened nor parsed again while its version is the same', async () => {
    const { opened, counters, hold, endsAt } = counting()
    hold(JSON.stringify({ count: 1, endsAt }))
    const [one, other] = [await counters.find('a'), await counters.find('a')]
    expect(other).toBe(one)
    expect(opened).toHaveLength(1)
  })

  it('is opened again when another host wrote it, and not when this one did', async () => {
    const { opened, counters, hold, endsAt } = counting()
    await counters.create('a', { count: 1, endsAt })
    await counters.change('a', increment)
    expect(await counters.find('a')).toEqual({ count: 2, endsAt })
    expect(opened).toEqual([])
    hold(JSON.stringify({ count: 7, endsAt }))
    expect(await counters.find('a')).toEqual({ count: 7, endsAt })
    expect(opened).toHaveLength(1)
  })

  it('that is remembered ends on time all the same (T94)', async () => {
    const { counters, environment, hold, endsAt } = counting()
    hold(JSON.stringify({ count: 1, endsAt }), environment.now() + 1_000_000)
    expect(await counters.find('a')).toBeDefined()
    environment.advance(100)
    expect(await counters.find('a')).toBeUndefined()
  })

  it('that was removed is not remembered', async () => {
    const { counters, endsAt } = counting()
    await counters.create('a', { count: 1, endsAt })
    await counters.change('a', () => ({ next: 'gone', answer: undefined }))
    expect(await counters.find('a')).toBeUndefined()
  })
})
