import { beforeEach, describe, expect, it } from 'vitest'
import type { Event } from '../ports/events.ts'
import { type Examination, type Finding, type Store, StoreUnavailable } from '../ports/store.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import { type FixedEnvironment, fixedEnvironment } from '../testing/fixed-environment.ts'
import { type StoreWatch, watchStore } from './watch-store.ts'

const evicting: Finding = { setting: 'policy', problem: 'allkeys-lru: set it to noeviction', verdict: 'refused' }
const volatile: Finding = { setting: 'persistence', problem: 'no: set it to yes', verdict: 'warned' }

let environment: FixedEnvironment
let events: Event[]
/** What the store says when it is asked, or what it fails with; and how often it was. */
let says: () => Promise<Examination>
let asked: number

function watching(secure: boolean): StoreWatch {
  const never = () => Promise.reject(new Error('not to be called'))
  const store: Store = {
    reach: 'shared',
    sealed: true,
    get: never,
    set: never,
    delete: never,
    examine() {
      asked += 1
      return says()
    },
  }
  return watchStore({ store, secure, environment, emit: (event) => events.push(event) })
}

beforeEach(() => {
  environment = fixedEnvironment()
  events = []
  asked = 0
  says = async () => ({ now: environment.now(), findings: [] })
})

/** Settings as they are from now on. */
const find = (...findings: Finding[]): void => {
  says = async () => ({ now: environment.now(), findings })
}

const unsafe = ({ setting, problem, verdict }: Finding): Event => ({ type: 'store.unsafe', setting, verdict, reason: problem })

describe('a public server', () => {
  it('refuses to start on a store that loses records, says what mends it, and starts when that is done (REL-R14)', async () => {
    const watch = watching(true)
    find(evicting, volatile)
    const error = await watch.check().catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({ problems: ['clientStorage: policy: allkeys-lru: set it to noeviction'] })
    expect(events).toEqual([unsafe(evicting), unsafe(volatile)])
    find(volatile)
    await expect(watch.check()).resolves.toBeUndefined()
  })

  it('goes on when it is found later, and tells of it', async () => {
    const watch = watching(true)
    await watch.check()
    environment.advance(3600)
    find(evicting)
    await expect(watch.check()).resolves.toBeUndefined()
    expect(events).toEqual([unsafe(evicting)])
  })

  it('is not ready, and not refused, while the store cannot be asked at the start', async () => {
    const watch = watching(true)
    says = () => Promise.reject(new StoreUnavailable('away'))
    await expect(watch.check()).rejects.toThrow(StoreUnavailable)
    says = async () => ({ findings: [] })
    await expect(watch.check()).resolves.toBeUndefined()
  })
})

describe('a store that is a class', () => {
  it('is asked as one: it finds its own members', async () => {
    class Classy implements Store {
      readonly reach = 'shared'
      readonly sealed = true
      readonly #findings = [volatile]
      get = () => Promise.reject(new Error('not to be called'))
      set = this.get
      delete = this.get
      async examine(): Promise<Examination> {
        return { findings: this.#findings }
      }
    }
    const watch = watchStore({ store: new Classy(), secure: true, environment, emit: (event) => events.push(event) })
    await watch.check()
    environment.advance(3600)
    watch.lookBeside()
    await environment.drain()
    expect(events).toEqual([unsafe(volatile)])
  })
})

describe('a server on loopback', () => {
  it('starts on whatever there is, and tells of it', async () => {
    find(evicting, volatile)
    await watching(false).check()
    expect(events).toEqual([unsafe(evicting), unsafe(volatile)])
  })
})

describe('the store', () => {
  it('is asked at the start, and then once an hour, at the readiness check or beside a request, whichever comes first', async () => {
    const watch = watching(true)
    await watch.check()
    await watch.check()
    watch.lookBeside()
    environment.advance(3599)
    watch.lookBeside()
    expect(asked).toBe(1)
    environment.advance(1)
    watch.lookBeside()
    watch.lookBeside()
    await environment.drain()
    expect(asked).toBe(2)
    environment.advance(3600)
    await watch.check()
    expect(asked).toBe(3)
  })

  it('is asked beside the first request where nobody asked whether it is ready', async () => {
    find(evicting)
    watching(true).lookBeside()
    await environment.drain()
    expect(events).toEqual([unsafe(evicting)])
  })

  it('is asked again after a minute when it did not answer, which is no news', async () => {
    const watch = watching(true)
    await watch.check()
    says = () => Promise.reject(new StoreUnavailable('away'))
    environment.advance(3600)
    await watch.check()
    watch.lookBeside()
    await environment.drain()
    expect(asked).toBe(2)
    environment.advance(60)
    watch.lookBeside()
    await environment.drain()
    expect([asked, events]).toEqual([3, []])
  })

  it('that cannot be asked is left alone', async () => {
    const silent = watchStore({ store: { ...memory(), reach: 'process' }, secure: true, environment, emit: (event) => events.push(event) })
    await silent.check()
    silent.lookBeside()
    expect(events).toEqual([])
  })
})

const memory = (): Store => ({
  reach: 'process',
  sealed: true,
  get: async () => undefined,
  set: async () => undefined,
  delete: async () => false,
})

describe('what was found', () => {
  it('is told once, and again when it changes or comes back', async () => {
    const watch = watching(false)
    const other = { ...evicting, problem: 'volatile-ttl: set it to noeviction' }
    for (const findings of [[volatile], [volatile], [volatile, evicting], [other], [], [volatile]]) {
      find(...findings)
      await watch.check()
      environment.advance(3600)
    }
    expect(events).toEqual([unsafe(volatile), unsafe(evicting), unsafe(other), unsafe(volatile)])
  })
})

describe('the clocks of a host and its store (REL-R10)', () => {
  const skewed = (seconds: number): Event => ({ type: 'clock.skewed', seconds })
  /** Ours is ahead by so much. */
  const ahead = (seconds: number): void => {
    says = async () => ({ now: environment.now() - seconds, findings: [] })
  }

  it.each([0, 5, -5])('work at %i s', async (seconds) => {
    ahead(seconds)
    await watching(true).check()
    expect(events).toEqual([])
  })

  it.each([6, -6, 29])('are told of at %i s', async (seconds) => {
    ahead(seconds)
    await watching(true).check()
    expect(events).toEqual([skewed(seconds)])
  })

  it.each([31, -31, 30, 3600])('make the host not ready at %i s, until they agree', async (seconds) => {
    const watch = watching(true)
    ahead(seconds)
    await expect(watch.check()).rejects.toThrow(`the clocks of this host and of its store are ${Math.abs(seconds)} s apart`)
    await expect(watch.check()).rejects.toThrow(StoreUnavailable)
    expect(events).toEqual([skewed(seconds)])
    ahead(0)
    await expect(watch.check()).resolves.toBeUndefined()
  })

  it('are told of again when they drift on, and when they come apart again', async () => {
    const watch = watching(true)
    for (const seconds of [6, 8, 12, 1, 7]) {
      ahead(seconds)
      await watch.check()
      environment.advance(3600)
    }
    expect(events).toEqual([skewed(6), skewed(12), skewed(7)])
  })

  it('are not apart by what the call took', async () => {
    says = async () => {
      const now = environment.now()
      environment.advance(20)
      return { now: now + 10.5, findings: [] }
    }
    await watching(true).check()
    expect(events).toEqual([])
  })
})
