import type { Store } from '@drawbridge/core'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { dropsGrace, freesLeases, hidesLostRaces } from '../hosts/careless-stores.ts'
import { looksThenWrites } from '../hosts/looks-then-writes.ts'
import { swallowsErrors } from '../hosts/swallows-errors.ts'
import { anySteps, beginSession, commandOf, endSession, type Step } from './session-model.ts'
import { openWorlds, type Worlds } from './world.ts'

// Processes start; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 })

describe.each([
  ['redisStore', false],
  ['encrypted(redisStore)', true],
])('any sequence of steps of a session on two hosts and %s', (_, sealed) => {
  let worlds: Worlds
  beforeAll(async () => {
    worlds = await openWorlds({ sealed })
  })
  afterAll(() => worlds?.close())

  it('is answered as its client may expect, whatever happens to connections (I2, I3, I6)', async () => {
    const property = fc.asyncProperty(anySteps(12), async (steps) => {
      const world = await worlds.open()
      const session = await beginSession(world)
      await fc.asyncModelRun(() => ({ model: session, real: world }), steps)
      await endSession(session, world)
    })
    // The same steps each time; `npm run chaos` takes others.
    await fc.assert(property, { numRuns: 10, seed: 20_260_101 })
  })
})

/** What fast-check found where a store is careless, shrunk as far as it goes. */
const counterExamples: readonly { readonly double: (store: Store) => Store; readonly steps: readonly Step[]; readonly broken: string }[] = [
  { double: looksThenWrites, steps: [{ does: 'redeem twice' }], broken: 'redemptions of one code (I2)' },
  { double: hidesLostRaces, steps: [{ does: 'redeem twice' }], broken: 'redemptions of one code (I2)' },
  {
    double: dropsGrace,
    steps: [
      { does: 'redeem', host: 0 },
      { does: 'refresh', host: 0, which: 'newest' },
      { does: 'refresh', host: 0, which: 'previous' },
    ],
    broken: 'a good refresh token was refused (I6)',
  },
  {
    double: freesLeases,
    steps: [{ does: 'redeem', host: 0 }, { does: 'wait', seconds: 28_600 }, { does: 'refresh twice' }],
    broken: 'how often the upstream was asked',
  },
  {
    double: swallowsErrors,
    steps: [
      { does: 'redeem', host: 0, trap: { is: 'is too late for it', nth: 2 } },
      { does: 'redeem', host: 1 },
    ],
    broken: 'redemptions of one code (I2)',
  },
]

describe.each(counterExamples)('what was found with $double.name', ({ double, steps, broken }) => {
  let worlds: Worlds | undefined
  afterEach(() => worlds?.close())

  /** Races may be won by luck: the steps are taken again, each time from the start, until something is broken. */
  const run = async (around: (store: Store) => Store, times: number): Promise<void> => {
    worlds = await openWorlds({ sealed: false, around })
    for (let time = 1; time <= times; time += 1) {
      const world = await worlds.open()
      const session = await beginSession(world)
      await fc.asyncModelRun(() => ({ model: session, real: world }), steps.map(commandOf))
    }
  }

  it('holds in earnest', () => run((store) => store, 5))

  it('is found with the double', async () => {
    await expect(run(double, 20)).rejects.toThrow(broken)
  })
})
