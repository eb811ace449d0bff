import { memoryStore } from '@drawbridge/storage'
import { expect } from 'vitest'
import { type FailingStore, failingStore } from './failing-store.ts'
import { type House, openHouse } from './house.ts'
import { soon } from './read-json.ts'

/** What somebody saw of an answer. */
export interface Sight {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** Something that is tried, and tried again when the answer was 503. */
export interface Trial {
  attempt(): Promise<Sight>
  /** Whether everything is as it should be after an answer that was good. */
  holds(): Promise<boolean>
}

/** How a trial is come to. */
export interface Scene {
  readonly mode?: 'oauth-app' | 'github-app'
  /** Whether nothing was asked of the store before. */
  readonly cold?: boolean
  prepare(house: House): Promise<Trial>
}

/**
 * What became of a trial. `served`: in spite of the failure. `again`: 503, and served when it was tried again. `login`: 503,
 * then a refusal, and a new login worked. `login later`: served, refused some time after it, and a new login worked.
 */
export type Fate = 'served' | 'again' | 'login' | 'login later'

/** How a call fails: it is not executed; it is executed and nobody is told; it and all after it are not executed. */
const failures = {
  lost: (store: FailingStore, nth: number) => store.failAt(nth, 'not-executed'),
  unknown: (store: FailingStore, nth: number) => store.failAt(nth, 'outcome-unknown'),
  outage: (store: FailingStore, nth: number) => store.failAt(nth, 'not-executed', Number.POSITIVE_INFINITY),
}

/** The fates of a trial when one call fails in each of these ways. */
export type Fates = Record<keyof typeof failures, Fate>

/** Lets each call to the store fail in turn, each time in a world of its own; the fates by the call's number and name. */
export async function fatesOf(scene: Scene): Promise<Record<string, Fates>> {
  const fates: Record<string, Fates> = {}
  for (let nth = 1; ; nth += 1) {
    const lost = await failAt(scene, nth, 'lost')
    if (!lost) return fates
    const [unknown, outage] = [await failAt(scene, nth, 'unknown'), await failAt(scene, nth, 'outage')]
    fates[`${nth} ${lost.call}`] = { lost: lost.fate, unknown: unknown?.fate ?? 'served', outage: outage?.fate ?? 'served' }
  }
}

async function failAt(scene: Scene, nth: number, how: keyof typeof failures): Promise<{ call: string; fate: Fate } | undefined> {
  const { house, store } = openWorld(scene)
  if (!scene.cold) await house.register()
  const trial = await scene.prepare(house)
  await house.environment.drain()
  house.events.splice(0)
  failures[how](store, nth)
  const first = await settle(house, trial.attempt())
  const failed = store.calls[nth - 1]
  store.heal()
  if (!failed) return undefined
  const call = `${failed.method} ${failed.key.split(':')[1]}`
  return { call, fate: await fateOf(house, trial, first, `${how}: ${nth} ${call}`) }
}

function openWorld({ mode = 'oauth-app' }: Scene): { house: House; store: FailingStore } {
  const world = openHouse({ mode })
  sleepByTheClock(world)
  const store = failingStore(memoryStore({ environment: world.environment }))
  return { store, house: openHouse({ beside: world, clientStorage: store, lifetimes: { accessToken: 36_000 } }) }
}

async function fateOf(house: House, trial: Trial, first: Sight, what: string): Promise<Fate> {
  expectNoFalseNo(house, first, what)
  const again = isGood(first) ? first : await settle(house, trial.attempt())
  expectOneSuccessor(house, what)
  const holds = isGood(again) && (await settle(house, trial.holds()))
  if (holds) return isGood(first) ? 'served' : 'again'
  if (!isGood(again)) expect([again.status, what], again.text).toEqual([400, what])
  const { tokens } = await house.login()
  expect([await house.mcpStatus(tokens.access_token), what]).toEqual([200, what])
  return isGood(first) ? 'login later' : 'login'
}

const isGood = ({ status }: Sight): boolean => status < 400

/** Trouble that passes is 503, with when to come back, and nothing that makes anybody forget anything (invariant I6). */
function expectNoFalseNo(house: House, sight: Sight, what: string): void {
  const failed = house.events.flatMap((event) => (event.type === 'request.failed' ? [event.errorName] : []))
  expect(failed.filter((name) => name !== 'StoreUnavailable')).toEqual([])
  if (isGood(sight)) return
  const { status, text, headers } = sight
  expect([status, what], text).toEqual([503, what])
  expect([headers.get('retry-after'), what]).toEqual([expect.stringMatching(soon), what])
  expect([headers.get('www-authenticate'), headers.get('location'), what]).toEqual([null, null, what])
  expect(text, what).not.toMatch(/invalid_|server_error|\n +at |file:/)
  expect(house.events.map(({ type }) => type)).toContain('store.unavailable')
}

/** However often it was tried, there is one grant and one generation of it (invariants I2 and I3). */
function expectOneSuccessor(house: House, what: string): void {
  const issued = house.events.flatMap((event) => (event.type === 'token.issued' ? [`${event.grantId} ${event.generation}`] : []))
  expect(new Set(issued).size, what).toBeLessThanOrEqual(1)
}

/** Waits for an answer, and for what goes on beside it. */
async function settle<Result>(house: House, work: Promise<Result>): Promise<Result> {
  const result = await work
  await house.environment.drain()
  return result
}

/** Whoever waits lets time go by, so that nobody waits for ever for what does not come back. */
function sleepByTheClock({ environment }: House): void {
  const { sleep } = environment
  let slept = 0
  Object.assign(environment, {
    async sleep(milliseconds: number) {
      await sleep(milliseconds)
      slept += milliseconds
      environment.advance(Math.floor(slept / 1000))
      slept %= 1000
    },
  })
}
