import { inspect } from 'node:util'
import type { OAuthProxyOptions } from '@drawbridge/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openHouse, redirectUri } from '../support/house.ts'
import { type Change, change, requestAfter } from './changes.ts'
import { gatePath, type Plausible, plausibleRequests, withoutRequest } from './plausible.ts'
import { openWorld, variants, type World } from './world.ts'

/** `FUZZ_SEED` and `FUZZ_CASES` look elsewhere, or longer; a failure prints the seed that shows it again. */
const { FUZZ_SEED = '7', FUZZ_CASES = '120' } = process.env
const runs = { seed: Number(FUZZ_SEED), numRuns: Number(FUZZ_CASES) }
process.stdout.write(`fuzz: FUZZ_SEED=${runs.seed} FUZZ_CASES=${runs.numRuns}\n`)

const day = 86_400

/** What the caller has and events may name. */
const noSecrets: readonly string[] = ['clientId', 'refreshing', 'deviceClientId', 'redirectUri', 'machine', 'jwtBearer', 'resourceServer']

/** Requests that follow each other, each from a good one: which, and what is wrong about it. */
const sequence = fc.array(fc.tuple(fc.noBias(fc.nat(1000)), fc.array(change, { maxLength: 3 })), { minLength: 1, maxLength: 12 })

/** What an answer is worth looking at for. */
interface Answer {
  readonly plausible: Plausible
  readonly path: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

async function send({ house, own }: World, plausible: Plausible, changes: readonly Change[]): Promise<Answer> {
  const [path, init] = requestAfter(plausible, changes, own)
  const answer =
    plausible.path === gatePath
      ? await house.auth
          .authenticate(new Request(`http://localhost:8000${path}`, init))
          .then((who) => (who instanceof Response ? who : new Response()))
      : await house.call(path, init)
  return { plausible, path, status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** Says what is wrong with an answer, whatever the question was. */
function judge({ plausible, path, status, headers, text }: Answer): void {
  expect([200, 201, 204, 303, 400, 401, 403, 404, 405, 413, 415, 421]).toContain(status)
  expect(text).not.toMatch(/\bat .*[:/]\d+:\d+|\b\w*Error:|node_modules|dist\//)
  const location = headers.get('location')
  if (location !== null) expect(location.startsWith(redirectUri) || location.startsWith('http://127.0.0.1:9999/')).toBe(true)
  if (status === 404 || plausible.path === gatePath) return
  const type = headers.get('content-type')
  expect(text === '' || type === 'application/json' || type === 'text/html; charset=utf-8').toBe(true)
  if (status >= 400 && type === 'application/json') {
    const error = {
      error: expect.stringMatching(/^[a-z_]+$/),
      error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
    }
    expect(JSON.parse(text)).toEqual(error)
  }
  const isDocument = path.startsWith('/.well-known/') && status === 200
  expect(headers.get('cache-control')).toBe(status === 204 ? null : isDocument ? 'public, max-age=300' : 'no-store')
}

/** Which of these texts are in `text`, as they are or encoded. */
function found(secrets: Iterable<[string, string]>, text: string): string[] {
  return [...secrets].flatMap(([name, secret]) => (text.includes(secret) || text.includes(encodeURIComponent(secret)) ? [name] : []))
}

describe('whatever is asked', () => {
  it('every route is asked', () => {
    const { auth } = openHouse()
    expect(withoutRequest([...auth.getRoutes(), ...auth.getWellKnownRoutes()])).toEqual([])
    expect(withoutRequest([{ method: 'GET', path: '/new', handler: async () => new Response() }])).toEqual(['/new'])
  })

  it.each(Object.entries(variants))(
    'what it starts from is taken, so that it comes past the first check, with %s',
    { timeout: 60_000 },
    async (_, variant) => {
      const { house } = await openWorld(variant)
      const routes = [...house.auth.getRoutes(), ...house.auth.getWellKnownRoutes()]
      for (let index = 0; ; index += 1) {
        // A world of its own for each: what one takes, another may need.
        const world = await openWorld(variant)
        const request = plausibleRequests(routes, world)[index]
        if (!request) return
        const taken = request.path !== gatePath || 'authorization' in request.headers ? [200, 201, 303] : [401]
        expect([request.path, (await send(world, request, [])).status]).toEqual([request.path, expect.toBeOneOf(taken)])
      }
    },
  )

  it.each(Object.entries(variants))(
    `nothing is a 500, no secret moves, nothing is left without an end, and nobody else loses anything, with %s (T79, T83, T103, T104, I4, I7, I8; seed ${runs.seed})`,
    (_, variant) =>
      fc.assert(
        fc.asyncProperty(sequence, (steps) => tryAll(variant, steps)),
        runs,
      ),
    120_000,
  )
})

/** Sends all of it in a world of its own, and looks after each answer, and at the end. */
async function tryAll(variant: Partial<OAuthProxyOptions>, steps: readonly (readonly [number, readonly Change[]])[]): Promise<void> {
  const world = await openWorld(variant)
  const { house, store, canaries, own } = world
  const routes = [...house.auth.getRoutes(), ...house.auth.getWellKnownRoutes()]
  expect(withoutRequest(routes)).toEqual([])
  const plausible = plausibleRequests(routes, world)
  const before = house.events.length
  for (const [index, changes] of steps) {
    const request = plausible[index % plausible.length]
    if (!request) throw new Error('no request')
    const answer = await send(world, request, changes)
    judge(answer)
    expect(found(canaries, `${inspect([...answer.headers])} ${answer.text}`)).toEqual([])
  }
  await house.environment.drain()
  const events = house.events.slice(before)
  const given = Object.entries(own).filter(([name]) => !noSecrets.includes(name))
  expect(found([...canaries, ...given], inspect(events, { depth: 5, maxStringLength: null }))).toEqual([])
  expect(events.filter(({ type }) => type === 'request.failed' || type === 'store.unavailable')).toEqual([])
  expect(store.written.filter(({ ttl }) => !(ttl > 0 && ttl <= 430 * day))).toEqual([])
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
  expect(await world.bystanderIsWell()).toBe(true)
}
