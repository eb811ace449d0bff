import { describe, expect, it } from 'vitest'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { openCollection } from '../records/collection.ts'
import { type Lease, leaseShape } from '../records/lease.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { storeDouble } from '../testing/store-double.ts'
import { type LeaseWork, withLease } from './lease.ts'

/** Hosts that share a store. */
function world() {
  const environment = fixedEnvironment()
  const store = storeDouble(environment)
  const open = () =>
    openCollection<Lease>({
      kind: 'lease',
      emit: () => {},
      store,
      environment,
      shape: leaseShape,
      name: async (id) => `lease of ${id}`,
      missed: async () => {},
    })
  const run = <Answer>(work: LeaseWork<Answer>): Promise<Answer> => withLease(open(), environment, 'grant-1', work)
  return { environment, store, run }
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
const never = async (): Promise<never> => expect.unreachable()

/** Something that happens when it is told to. */
function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

describe('a lease', () => {
  it('is for whoever comes first: it works at once, and nobody waits', async () => {
    const { run, store, environment } = world()
    expect(await run({ holding: async () => 'done', waiting: never })).toBe('done')
    await environment.drain()
    expect(store.calls.map(({ method }) => method)).toEqual(['set', 'delete'])
    expect(store.entries.size).toBe(0)
  })

  it('is held by one at a time, of twenty at once; each of them gets an answer', async () => {
    const { run, environment } = world()
    let holding = 0
    const held: number[] = []
    const work: LeaseWork<string> = {
      async holding() {
        holding += 1
        held.push(holding)
        await turns(10)
        holding -= 1
        return 'held'
      },
      waiting: async () => undefined,
    }
    const answers = await Promise.all(Array.from({ length: 20 }, () => run(work)))
    expect(answers).toEqual(Array.from({ length: 20 }, () => 'held'))
    expect(Math.max(...held)).toBe(1)
    await environment.drain()
  })

  it('is not needed by those who find that the work is done', async () => {
    const { run, environment } = world()
    const finished = gate()
    let looks = 0
    const first = run({ holding: () => finished.opened.then(() => 'first'), waiting: never })
    await turns(3)
    const second = run({
      holding: never,
      async waiting() {
        looks += 1
        if (looks === 3) return { answer: 'found it done' }
        return undefined
      },
    })
    expect(await second).toBe('found it done')
    expect(looks).toBe(3)
    finished.open()
    expect(await first).toBe('first')
    await environment.drain()
  })

  it('is given back when the work fails, and the failure is the holder’s alone', async () => {
    const { run, store, environment } = world()
    const failing = run({ holding: () => Promise.reject(new Error('the work failed')), waiting: never })
    await expect(failing).rejects.toThrow('the work failed')
    await environment.drain()
    expect(store.entries.size).toBe(0)
    expect(await run({ holding: async () => 'next', waiting: never })).toBe('next')
  })

  it('passes to another one when its holder is gone, after 15 seconds (REL-R13)', async () => {
    const { run, environment } = world()
    void run({ holding: () => new Promise(() => {}), waiting: never })
    await turns(3)
    const next = run({ holding: async () => 'took over', waiting: async () => undefined })
    await turns(20)
    environment.advance(15)
    expect(await next).toBe('took over')
  })

  it('is waited for to its end, though that comes late in a second of which our clock only knows the beginning (REL-R13)', async () => {
    const { run, environment, store } = world()
    // It was taken at 100.9 s; at 100.95 s somebody waits for it, and it ends at 115.9 s.
    void run({ holding: () => new Promise(() => {}), waiting: never })
    await turns(3)
    for (const [key, entry] of store.entries) store.entries.set(key, { ...entry, endsAt: entry.endsAt + 0.9 })
    const next = run({ holding: async () => 'took over', waiting: async () => undefined })
    await turns(20)
    environment.advance(15)
    await turns(20)
    environment.advance(1)
    expect(await next).toBe('took over')
  })

  it('that another one holds by now is not given back by who held it before', async () => {
    const { run, store, environment } = world()
    const slow = gate()
    const first = run({ holding: () => slow.opened.then(() => 'slow'), waiting: never })
    await turns(3)
    environment.advance(15)
    void run({ holding: () => new Promise(() => {}), waiting: never })
    await turns(3)
    const [held] = store.entries.values()
    slow.open()
    expect(await first).toBe('slow')
    await environment.drain()
    expect([...store.entries.values()]).toEqual([held])
  })

  it('that stays taken is trouble that passes, and never a no (I6, I9)', async () => {
    const { run, store, environment } = world()
    store.before = ({ method }) => {
      // Somebody else always comes first.
      if (method === 'set') store.entries.set('lease of grant-1', { value: '{}', version: 'theirs', endsAt: environment.now() + 15 })
    }
    const waiting = run({ holding: never, waiting: async () => undefined })
    await turns(20)
    environment.advance(15)
    await turns(20)
    environment.advance(1)
    await expect(waiting).rejects.toThrow(UpstreamUnavailable)
    await expect(waiting).rejects.toMatchObject({ reason: 'lease_not_freed' })
  })

  it('is waited for 25 ms at first, then twice as long, and at most 250 ms', async () => {
    const { store, environment } = world()
    const pauses: number[] = []
    const patient = {
      ...environment,
      async sleep(length: number): Promise<void> {
        pauses.push(length)
        await environment.sleep(length)
      },
    }
    const leases = openCollection<Lease>({
      kind: 'lease',
      emit: () => {},
      store,
      environment,
      shape: leaseShape,
      name: async (id) => id,
      missed: async () => {},
    })
    await leases.create('grant-1', { holder: 'another', endsAt: environment.now() + 15 })
    await withLease(leases, patient, 'grant-1', {
      holding: never,
      waiting: async () => (pauses.length < 7 ? undefined : { answer: 'done' }),
    })
    expect(pauses).toEqual([25, 50, 100, 200, 250, 250, 250])
  })
})
