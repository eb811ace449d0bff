import { describe, expect, it } from 'vitest'
import type { Event } from '../ports/events.ts'
import { StoreUnavailable } from '../ports/store.ts'
import { type Identity, UpstreamRefused, UpstreamUnavailable } from '../ports/upstream.ts'
import { defaultLifetimes as lifetimes } from '../protocol/lifetimes.ts'
import type { Grant, LoginGrant } from '../records/grant.ts'
import { openRecords } from '../records/records.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { storeDouble } from '../testing/store-double.ts'
import { grantEnding } from './end-grant.ts'
import type { UpstreamTokensKeeper } from './upstream-tokens.ts'
import { watchGrant } from './watch-grant.ts'

const id = '019b796d-d600-7000-8000-000000000000'
const identity: Identity = { subject: '583231', claims: { login: 'octocat' } }

/** A grant that is watched, an upstream that is asked, and a clock. */
async function world({ upstream = {}, refresh = {} }: { upstream?: Partial<Grant['upstream']>; refresh?: Partial<Grant['refresh']> } = {}) {
  const environment = fixedEnvironment()
  const store = storeDouble(environment)
  const events: Event[] = []
  const emit = (event: Event): void => void events.push(event)
  const records = openRecords({ store, lifetimes, namespace: 'test', issuer: 'https://mcp.example.com', secure: false, environment, emit })
  const asked: string[] = []
  const answers: { identify: () => Promise<Identity>; refresh: () => Promise<void> } = {
    identify: async () => identity,
    refresh: async () => {},
  }
  const upstreamClient = {
    identify(accessToken: string) {
      asked.push(`identify ${accessToken}`)
      return answers.identify()
    },
    revoke: async () => {},
  }
  const keeper: UpstreamTokensKeeper = {
    async changeFresh(grantId, step, from) {
      asked.push('refresh')
      await answers.refresh()
      return records.grants.change(grantId, step, from)
    },
  }
  const ending = grantEnding({ records, clientOf: () => upstreamClient, environment, emit })
  const start = () => watchGrant({ records, keeper, clientOf: () => upstreamClient, ending, environment, emit })
  const now = environment.now()
  const grant: LoginGrant = {
    id,
    clientId: 'client-1',
    identity,
    scopes: ['read'],
    resource: 'https://mcp.example.com/mcp',
    createdAt: now,
    endsAt: now + 10_000_000,
    code: { hash: 'h', challenge: 'c', redirectUri: 'http://127.0.0.1/cb', expiresAt: now, spent: true },
    refresh: { secret: 's', allowed: true, generation: 2, confirmed: true, graceFrom: now, ...refresh },
    upstream: { accessToken: 'access', scopes: [], seq: 0, checkedAt: now, ...upstream },
  }
  await records.grants.create(id, grant)
  environment.advance(1)
  const watch = start()
  /** One verified request with a token of `generation`, and everything that goes beside it. */
  const request = async (generation = 2, by = watch): Promise<void> => {
    by(id, generation, await records.grants.read(id))
    await environment.drain()
  }
  const stored = () => records.grants.find(id)
  return { environment, store, events, records, asked, answers, start, grant, watch, request, stored }
}

describe('a generation is confirmed', () => {
  it('by the first token of it that is used, by one write beside the request', async () => {
    const { request, stored, grant, store, watch, records, environment } = await world({ refresh: { confirmed: false } })
    const seen = await records.grants.read(id)
    store.calls.length = 0
    watch(id, 2, seen)
    expect(store.calls.length).toBeLessThanOrEqual(1)
    await request()
    expect(await stored()).toEqual({ ...grant, refresh: { ...grant.refresh, confirmed: true, graceFrom: environment.now() } })
    expect(store.calls.filter(({ method }) => method === 'set')).toHaveLength(1)
  })

  it('once, by however many requests that have all read it unconfirmed', async () => {
    const { watch, records, environment, store } = await world({ refresh: { confirmed: false } })
    const seen = await records.grants.read(id)
    store.calls.length = 0
    for (let index = 0; index < 20; index += 1) watch(id, 2, seen)
    await environment.drain()
    expect(store.calls.map(({ method }) => method)).toEqual(['set'])
  })

  it('by no token of an older one, and not when it is confirmed already', async () => {
    const unconfirmed = await world({ refresh: { confirmed: false } })
    await unconfirmed.request(1)
    expect(await unconfirmed.stored()).toEqual(unconfirmed.grant)
    const confirmed = await world()
    confirmed.store.calls.length = 0
    await confirmed.request()
    expect(confirmed.store.calls.map(({ method }) => method)).toEqual(['get'])
  })

  it('again, when the store failed the first time; the request did not suffer', async () => {
    const { request, store, stored, events } = await world({ refresh: { confirmed: false } })
    store.before = ({ method }) => {
      if (method === 'set') throw new StoreUnavailable('no answer')
    }
    await request()
    expect(events).toEqual([{ type: 'store.unavailable', endpoint: 'watch-grant', reason: 'StoreUnavailable' }])
    store.before = () => {}
    await request()
    expect((await stored())?.refresh.confirmed).toBe(true)
  })

  it('of a grant that has ended is nothing', async () => {
    const { watch, records, environment, store } = await world()
    await records.grants.change(id, () => ({ next: 'gone', answer: undefined }))
    const seen = await records.grants.read(id)
    store.calls.length = 0
    watch(id, 2, seen)
    await environment.drain()
    expect(store.calls).toEqual([])
  })
})

describe('an upstream whose tokens never end', () => {
  it('is asked every 15 minutes whether it still knows the person, and not before', async () => {
    const { request, asked, environment, stored, grant } = await world()
    environment.advance(899)
    await request()
    expect(asked).toEqual([])
    environment.advance(1)
    await request()
    expect(asked).toEqual(['identify access'])
    expect(await stored()).toEqual({ ...grant, upstream: { ...grant.upstream, checkedAt: environment.now() } })
    environment.advance(900)
    await request()
    expect(asked).toHaveLength(1)
    environment.advance(1)
    await request()
    expect(asked).toHaveLength(2)
  })

  it('is asked beside the request, which does not wait', async () => {
    const { watch, records, environment, answers, asked } = await world()
    answers.identify = () => new Promise(() => {})
    environment.advance(901)
    watch(id, 2, await records.grants.read(id))
    for (let turn = 0; turn < 10; turn += 1) await environment.sleep(0)
    expect(asked).toEqual(['identify access'])
  })

  it('is asked once by a process and once by all hosts together, however many requests there are', async () => {
    const { watch, start, records, environment, asked } = await world()
    environment.advance(901)
    const seen = await records.grants.read(id)
    for (const by of [watch, watch, start(), start(), watch]) by(id, 2, seen)
    await environment.drain()
    expect(asked).toEqual(['identify access'])
  })

  it('is not asked again by a host that read the grant before another one had asked', async () => {
    const { watch, start, records, environment, asked } = await world()
    environment.advance(901)
    const seen = await records.grants.read(id)
    watch(id, 2, seen)
    await environment.drain()
    start()(id, 2, seen)
    await environment.drain()
    expect(asked).toEqual(['identify access'])
  })

  it('that says who the person is now is believed', async () => {
    const { request, answers, environment, stored } = await world()
    answers.identify = async () => ({ subject: '583231', claims: { login: 'renamed' } })
    environment.advance(901)
    await request()
    expect((await stored())?.identity).toEqual({ subject: '583231', claims: { login: 'renamed' } })
  })

  it('that no longer accepts the token ends the grant, and nothing else is told (T108)', async () => {
    const { request, answers, environment, stored, events } = await world()
    answers.identify = () => Promise.reject(new UpstreamRefused('token_not_accepted'))
    environment.advance(901)
    await request()
    expect(await stored()).toBeUndefined()
    expect(events.filter(({ type }) => type !== 'upstream.failed')).toEqual([
      { type: 'grant.ended', clientId: 'client-1', grantId: id, reason: 'upstream_refused' },
    ])
  })

  it('that names another person ends the grant: it never changes hands', async () => {
    const { request, answers, environment, stored, events } = await world()
    answers.identify = async () => ({ subject: '1', claims: {} })
    environment.advance(901)
    await request()
    expect(await stored()).toBeUndefined()
    expect(events).toEqual([{ type: 'grant.ended', clientId: 'client-1', grantId: id, reason: 'upstream_names_another_person' }])
  })

  it('that cannot be reached is noted with the first moment, and left alone for 30 seconds (REL-R8)', async () => {
    const { request, answers, asked, environment, stored, events } = await world()
    answers.identify = () => Promise.reject(new UpstreamUnavailable('deadline'))
    environment.advance(901)
    await request()
    const since = environment.now()
    expect((await stored())?.upstream?.unreachableSince).toBe(since)
    expect(events).toEqual([{ type: 'upstream.failed', operation: 'identify', reason: 'deadline' }])
    environment.advance(29)
    await request()
    expect(asked).toHaveLength(1)
    environment.advance(1)
    await request()
    expect(asked).toHaveLength(2)
    expect((await stored())?.upstream?.unreachableSince).toBe(since)
    answers.identify = async () => identity
    environment.advance(30)
    await request()
    expect((await stored())?.upstream).not.toHaveProperty('unreachableSince')
  })
})

describe('an upstream whose tokens end', () => {
  it('is asked for new ones when they are due, beside the request, and not who the person is', async () => {
    const { request, asked, environment } = await world({ upstream: { refreshToken: 'refresh', expiresAt: 1_767_268_800 + 3600 } })
    environment.advance(3299)
    await request()
    expect(asked).toEqual([])
    environment.advance(1)
    await request()
    expect(asked).toEqual(['refresh'])
  })

  it('is left alone for 30 seconds after a failure, which the keeper has told already (REL-R8)', async () => {
    const { request, asked, answers, environment, events } = await world({
      upstream: { refreshToken: 'refresh', expiresAt: 1_767_268_800 },
    })
    answers.refresh = () => Promise.reject(new UpstreamUnavailable('status_500'))
    await request()
    environment.advance(29)
    await request()
    expect(asked).toEqual(['refresh'])
    environment.advance(1)
    await request()
    expect(asked).toEqual(['refresh', 'refresh'])
    expect(events).toEqual([])
  })

  it('is not asked twice while it is being asked', async () => {
    const { watch, records, asked, answers, environment } = await world({ upstream: { refreshToken: 'refresh', expiresAt: 1_767_268_800 } })
    answers.refresh = () => new Promise(() => {})
    const seen = await records.grants.read(id)
    for (let index = 0; index < 5; index += 1) watch(id, 2, seen)
    for (let turn = 0; turn < 10; turn += 1) await environment.sleep(0)
    expect(asked).toEqual(['refresh'])
  })

  it('is asked after the generation was confirmed, by what is stored then', async () => {
    const { request, asked, stored } = await world({
      refresh: { confirmed: false },
      upstream: { refreshToken: 'refresh', expiresAt: 1_767_268_800 },
    })
    await request()
    expect(asked).toEqual(['refresh'])
    expect((await stored())?.refresh.confirmed).toBe(true)
  })

  it('and that cannot be refreshed is asked who the person is, as one whose tokens never end', async () => {
    const { request, asked, environment } = await world({ upstream: { expiresAt: 1_767_268_800 + 3600 } })
    environment.advance(901)
    await request()
    expect(asked).toEqual(['identify access'])
  })
})
