import { describe, expect, it } from 'vitest'
import type { Event } from '../ports/events.ts'
import { StoreUnavailable } from '../ports/store.ts'
import { UpstreamRefused, type UpstreamTokens, UpstreamUnavailable } from '../ports/upstream.ts'
import { defaultLifetimes as lifetimes } from '../protocol/lifetimes.ts'
import type { Seen, Step } from '../records/collection.ts'
import { type Grant, isOfLogin, type LoginGrant } from '../records/grant.ts'
import { openRecords, type Records } from '../records/records.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { storeDouble } from '../testing/store-double.ts'
import { grantEnding } from './end-grant.ts'
import { type UpstreamTokensKeeper, type UpstreamTokensNeeds, upstreamTokens } from './upstream-tokens.ts'

const id = '019b796d-d600-7000-8000-000000000000'
const count: Step<Grant, number> = (grant) => {
  if (!grant) return { answer: -1 }
  const next = { ...grant, refresh: { ...grant.refresh, generation: grant.refresh.generation + 1 } }
  return { next, answer: next.refresh.generation }
}

/** A process: its records, its keeper, and what it told. */
interface Host {
  readonly records: Records
  readonly keeper: UpstreamTokensKeeper
  readonly events: Event[]
  /** Runs `count`, from what is read now. */
  ask(from?: Seen<Grant>): Promise<number>
}

/** Hosts that share a store, and an upstream that rotates strictly: a refresh token is good once. */
async function world({ expiresIn = 60 }: { expiresIn?: number } = {}) {
  const environment = fixedEnvironment()
  const store = storeDouble(environment)
  const upstream = { refreshed: [] as string[], revoked: [] as string[], good: 'refresh 0' }
  const answers: { refresh: (refreshToken: string) => Promise<UpstreamTokens> } = {
    async refresh(token) {
      await environment.sleep(0)
      if (token !== upstream.good) throw new UpstreamRefused('invalid_grant')
      const turn = upstream.refreshed.length
      upstream.good = `refresh ${turn}`
      return { accessToken: `access ${turn}`, refreshToken: `refresh ${turn}`, expiresAt: environment.now() + 3600 }
    },
  }
  const upstreamClient = {
    refresh: (token: string) => {
      upstream.refreshed.push(token)
      return answers.refresh(token)
    },
    async revoke(tokens: Pick<UpstreamTokens, 'accessToken' | 'refreshToken'>) {
      upstream.revoked.push(tokens.accessToken)
    },
  }
  const start = (clientOf: UpstreamTokensNeeds['clientOf'] = () => upstreamClient): Host => {
    const events: Event[] = []
    const emit = (event: Event): void => void events.push(event)
    const records = openRecords({
      store,
      lifetimes,
      namespace: 'test',
      issuer: 'https://mcp.example.com',
      secure: false,
      environment,
      emit,
    })
    const ending = grantEnding({ records, clientOf, environment, emit })
    const keeper = upstreamTokens({ records, clientOf, ending, environment, emit })
    return { records, keeper, events, ask: async (from) => keeper.changeFresh(id, count, from ?? (await records.grants.read(id))) }
  }
  const host = start()
  const grant: LoginGrant = {
    id,
    clientId: 'client-1',
    identity: { subject: '583231', claims: {} },
    scopes: ['read'],
    resource: 'https://mcp.example.com/mcp',
    createdAt: environment.now(),
    endsAt: environment.now() + 10_000_000,
    code: { hash: 'h', challenge: 'c', redirectUri: 'http://127.0.0.1/cb', expiresAt: environment.now(), spent: true },
    refresh: { secret: 's', allowed: true, generation: 0, confirmed: true, graceFrom: environment.now() },
    upstream: {
      accessToken: 'access 0',
      refreshToken: 'refresh 0',
      expiresAt: environment.now() + expiresIn,
      scopes: ['repo'],
      seq: 0,
      checkedAt: environment.now(),
    },
  }
  await host.records.grants.create(id, grant)
  environment.advance(1)
  const stored = () => host.records.grants.find(id)
  return { environment, store, upstream, answers, start, grant, stored, ...host }
}

const fresh = { accessToken: 'access 1', refreshToken: 'refresh 1', scopes: ['repo'], seq: 1 }

describe('upstream tokens that are good for five more minutes', () => {
  it('are left alone: the step is the only write, and no lease is taken', async () => {
    const { ask, upstream, store, stored, grant, records } = await world({ expiresIn: 301 })
    const seen = await records.grants.read(id)
    store.calls.length = 0
    expect(await ask(seen)).toBe(1)
    expect(upstream.refreshed).toEqual([])
    expect(store.calls.map(({ method }) => method)).toEqual(['set'])
    expect((await stored())?.upstream).toEqual(grant.upstream)
  })

  it('are left alone too when there is nothing to refresh them with', async () => {
    const { upstream, records, keeper } = await world({ expiresIn: 10 })
    await records.grants.change(id, (grant) => {
      if (!isOfLogin(grant)) return { answer: undefined }
      const { refreshToken: _, ...without } = grant.upstream
      return { next: { ...grant, upstream: without }, answer: undefined }
    })
    expect(await keeper.changeFresh(id, count, await records.grants.read(id))).toBe(1)
    expect(upstream.refreshed).toEqual([])
  })
})

describe('upstream tokens that are due', () => {
  it('are refreshed first: the new ones and the step are written by one change', async () => {
    const { ask, upstream, store, stored, events, environment, records } = await world()
    const seen = await records.grants.read(id)
    store.calls.length = 0
    expect(await ask(seen)).toBe(1)
    await environment.drain()
    expect(upstream).toEqual({ refreshed: ['refresh 0'], revoked: [], good: 'refresh 1' })
    expect(await stored()).toMatchObject({
      refresh: { generation: 1 },
      upstream: { ...fresh, expiresAt: environment.now() + 3600, checkedAt: environment.now() },
    })
    // The lease, the grant again, the grant's change; giving the lease back is beside the request (budget: 4 with the first read).
    expect(store.calls.slice(0, 3).map(({ method }) => method)).toEqual(['set', 'get', 'set'])
    expect(store.calls.filter(({ key }) => key.includes(':lease:')).map(({ method }) => method)).toEqual(['set', 'delete'])
    expect(events).toEqual([{ type: 'upstream.refreshed', grantId: id }])
  })

  it('are refreshed once in a process, however many ask at once (REL-R21)', async () => {
    const { ask, upstream, stored, environment } = await world()
    const answers = await Promise.all(Array.from({ length: 7 }, () => ask()))
    await environment.drain()
    expect(answers.sort()).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(upstream).toEqual({ refreshed: ['refresh 0'], revoked: [], good: 'refresh 1' })
    expect(await stored()).toMatchObject({ refresh: { generation: 7 }, upstream: fresh })
  })

  it('are refreshed once by four hosts, and the others wait for it (REL-R2, REL-R21)', async () => {
    const { start, upstream, stored, environment } = await world()
    const hosts = [start(), start(), start(), start()]
    const answers = await Promise.all(hosts.map((host) => host.ask()))
    await environment.drain()
    expect(answers.sort()).toEqual([1, 2, 3, 4])
    expect(upstream).toEqual({ refreshed: ['refresh 0'], revoked: [], good: 'refresh 1' })
    expect(await stored()).toMatchObject({ refresh: { generation: 4 }, upstream: fresh })
    expect(hosts.flatMap(({ events }) => events)).toEqual([{ type: 'upstream.refreshed', grantId: id }])
  })

  it('were refreshed by another host since they were read: that is seen once the lease is held', async () => {
    const { start, upstream, records, environment } = await world()
    const [one, other] = [start(), start()]
    const old = await records.grants.read(id)
    expect(await one.ask()).toBe(1)
    await environment.drain()
    expect(await other.ask(old)).toBe(2)
    expect(upstream.refreshed).toEqual(['refresh 0'])
  })

  it('are refreshed by the next host when the one that had begun is gone', async () => {
    const { start, upstream, answers, environment } = await world()
    const { refresh } = answers
    answers.refresh = () => new Promise(() => {})
    void start().ask()
    while (upstream.refreshed.length === 0) await environment.sleep(0)
    answers.refresh = refresh
    upstream.refreshed.length = 0
    const next = start().ask()
    for (let turn = 0; turn < 20; turn += 1) await environment.sleep(0)
    environment.advance(15)
    expect(await next).toBe(1)
    expect(upstream.refreshed).toEqual(['refresh 0'])
  })

  it('go on being refreshed when whoever asked has gone', async () => {
    const { ask, stored, environment } = await world()
    void ask()
    await environment.sleep(0)
    await environment.drain()
    for (let turn = 0; turn < 20; turn += 1) await environment.sleep(0)
    await environment.drain()
    expect(await stored()).toMatchObject({ upstream: fresh })
  })
})

describe('upstream tokens of one of several providers', () => {
  it('go to the upstream that the grant names', async () => {
    const { start, records, upstream } = await world()
    await records.grants.change(id, (grant) =>
      grant ? { next: { ...grant, identity: { ...grant.identity, provider: 'forge' } }, answer: 0 } : { answer: 0 },
    )
    const asked: unknown[] = []
    const host = start((provider) => {
      asked.push(provider)
      return provider === 'forge' ? { ...upstream, refresh: async () => ({ accessToken: 'of forge' }), revoke: async () => {} } : undefined
    })
    expect(await host.ask()).toBe(1)
    expect([asked, (await host.records.grants.find(id))?.upstream?.accessToken, upstream.refreshed]).toEqual([['forge'], 'of forge', []])
    expect(host.events).toEqual([{ type: 'upstream.refreshed', grantId: id, provider: 'forge' }])
  })

  it('go nowhere when that one is not listed, whoever asks: that is trouble, and nothing is ended', async () => {
    const { start, stored, grant, upstream } = await world()
    await expect(start(() => undefined).ask()).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason: 'provider_unknown' })
    expect([await stored(), upstream.refreshed]).toEqual([grant, []])
  })
})

describe('an upstream that cannot be reached', () => {
  it('is noted with the moment; nothing is rotated, and the client may try again (REL-R8)', async () => {
    const { ask, answers, stored, grant, events, environment, store } = await world()
    answers.refresh = () => Promise.reject(new UpstreamUnavailable('status_500'))
    await expect(ask()).rejects.toMatchObject({ name: 'UpstreamUnavailable', reason: 'status_500' })
    await environment.drain()
    expect(await stored()).toEqual({ ...grant, upstream: { ...grant.upstream, unreachableSince: environment.now() } })
    expect(events).toEqual([{ type: 'upstream.failed', operation: 'refresh', reason: 'status_500' }])
    // The lease is free again.
    expect([...store.entries.keys()].filter((key) => key.includes(':lease:'))).toEqual([])
  })

  it('fails everybody who waits for it in this process, by one call', async () => {
    const { ask, answers, upstream, environment } = await world()
    answers.refresh = async () => {
      for (let turn = 0; turn < 20; turn += 1) await environment.sleep(0)
      throw new UpstreamUnavailable('deadline')
    }
    const asked = await Promise.allSettled([ask(), ask(), ask()])
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(upstream.refreshed).toEqual(['refresh 0'])
    await environment.drain()
  })

  it('is asked again by the next request, and its answer ends the trouble', async () => {
    const { ask, answers, stored, environment } = await world()
    const { refresh } = answers
    answers.refresh = () => Promise.reject(new UpstreamUnavailable('status_500'))
    await expect(ask()).rejects.toThrow(UpstreamUnavailable)
    await environment.drain()
    answers.refresh = () => refresh('refresh 0')
    expect(await ask()).toBe(1)
    expect((await stored())?.upstream).not.toHaveProperty('unreachableSince')
  })
})

describe('an upstream that says no', () => {
  it('ends the grant, and the step sees none (T108)', async () => {
    const { ask, answers, stored, events, upstream, environment } = await world()
    answers.refresh = () => Promise.reject(new UpstreamRefused('invalid_grant'))
    expect(await ask()).toBe(-1)
    await environment.drain()
    expect(await stored()).toBeUndefined()
    expect(events).toEqual([
      { type: 'upstream.failed', operation: 'refresh', reason: 'invalid_grant' },
      { type: 'grant.ended', clientId: 'client-1', grantId: id, reason: 'upstream_refused' },
    ])
    expect(upstream.revoked).toEqual(['access 0'])
  })

  it('about tokens that another host has replaced since ends nothing', async () => {
    const { ask, answers, stored, records, events } = await world()
    answers.refresh = async () => {
      await records.grants.change(id, (grant) => {
        if (!isOfLogin(grant)) return { answer: undefined }
        return { next: { ...grant, upstream: { ...grant.upstream, ...fresh, expiresAt: 9_999_999_999 } }, answer: undefined }
      })
      throw new UpstreamRefused('invalid_grant')
    }
    expect(await ask()).toBe(1)
    expect(await stored()).toMatchObject({ refresh: { generation: 1 }, upstream: fresh })
    expect(events).toEqual([{ type: 'upstream.failed', operation: 'refresh', reason: 'invalid_grant' }])
  })

  it('about a grant that has ended meanwhile is no news', async () => {
    const { ask, answers, records, events } = await world()
    answers.refresh = async () => {
      await records.grants.change(id, () => ({ next: 'gone', answer: undefined }))
      throw new UpstreamRefused('invalid_grant')
    }
    expect(await ask()).toBe(-1)
    expect(events.map(({ type }) => type)).toEqual(['upstream.failed'])
  })
})

describe('a no that could not be written down', () => {
  /** An upstream that says no, and a store that does not let grants be ended. */
  async function stuck() {
    const all = await world()
    all.answers.refresh = () => Promise.reject(new UpstreamRefused('invalid_grant'))
    all.store.before = ({ method, key }) => {
      if (method === 'delete' && key.includes(':grant:')) throw new StoreUnavailable('no answer')
    }
    return all
  }

  it('is not asked for again: a strict upstream must not see a dead token twice (G2)', async () => {
    const { ask, upstream, events, environment } = await stuck()
    for (let turn = 0; turn < 5; turn += 1) {
      await expect(ask()).rejects.toThrow(StoreUnavailable)
      await environment.drain()
      environment.advance(119)
    }
    expect(upstream.refreshed).toEqual(['refresh 0'])
    expect(events.map(({ type }) => type)).toEqual(['upstream.failed'])
  })

  it('ends the grant as soon as the store lets it, and is told then', async () => {
    const { ask, upstream, store, events, stored, environment } = await stuck()
    await expect(ask()).rejects.toThrow(StoreUnavailable)
    await environment.drain()
    store.before = () => {}
    expect(await ask()).toBe(-1)
    await environment.drain()
    expect([upstream.refreshed, await stored()]).toEqual([['refresh 0'], undefined])
    expect(events.at(-1)).toEqual({ type: 'grant.ended', clientId: 'client-1', grantId: id, reason: 'upstream_refused' })
  })

  it('is believed no more when other tokens have come meanwhile', async () => {
    const { ask, upstream, store, answers, records, stored, environment } = await stuck()
    await expect(ask()).rejects.toThrow(StoreUnavailable)
    await environment.drain()
    store.before = () => {}
    await records.grants.change(id, (grant) => {
      if (!isOfLogin(grant)) return { answer: undefined }
      return { next: { ...grant, upstream: { ...grant.upstream, ...fresh } }, answer: undefined }
    })
    answers.refresh = async () => ({ accessToken: 'access 2', refreshToken: 'refresh 2', expiresAt: 9_999_999_999 })
    expect(await ask()).toBe(1)
    expect(upstream.refreshed).toEqual(['refresh 0', 'refresh 1'])
    expect(await stored()).toMatchObject({ upstream: { accessToken: 'access 2', seq: 2 } })
  })

  it('is asked for once more after ten minutes, and by a process that never heard it', async () => {
    const { ask, start, upstream, environment } = await stuck()
    await expect(ask()).rejects.toThrow(StoreUnavailable)
    await environment.drain()
    environment.advance(600)
    await expect(ask()).rejects.toThrow(StoreUnavailable)
    await environment.drain()
    await expect(start().ask()).rejects.toThrow(StoreUnavailable)
    await environment.drain()
    expect(upstream.refreshed).toEqual(['refresh 0', 'refresh 0', 'refresh 0'])
  })

  it('and was wrong, for another host had refreshed, is forgotten at once', async () => {
    const { ask, upstream, answers, records, stored } = await world()
    answers.refresh = async () => {
      // A lenient upstream: the refresh token stays the same one.
      await records.grants.change(id, (grant) => {
        if (!isOfLogin(grant)) return { answer: undefined }
        return { next: { ...grant, upstream: { ...grant.upstream, accessToken: 'theirs', seq: 1 } }, answer: undefined }
      })
      throw new UpstreamRefused('invalid_grant')
    }
    expect(await ask()).toBe(1)
    answers.refresh = async () => ({ accessToken: 'ours', expiresAt: 9_999_999_999 })
    expect(await ask()).toBe(2)
    expect(upstream.refreshed).toEqual(['refresh 0', 'refresh 0'])
    expect(await stored()).toMatchObject({ upstream: { accessToken: 'ours', refreshToken: 'refresh 0' } })
  })
})

describe('tokens that come too late', () => {
  it('because others came first are dropped, and not ended upstream: those in use may be the same ones; the step goes by what is stored', async () => {
    const { ask, answers, stored, records, upstream, environment, events } = await world()
    answers.refresh = async () => {
      await records.grants.change(id, (grant) => {
        if (!isOfLogin(grant)) return { answer: undefined }
        return {
          next: { ...grant, upstream: { ...grant.upstream, ...fresh, accessToken: 'theirs', expiresAt: 9_999_999_999 } },
          answer: undefined,
        }
      })
      return { accessToken: 'late', refreshToken: 'late refresh' }
    }
    expect(await ask()).toBe(1)
    await environment.drain()
    expect(await stored()).toMatchObject({ refresh: { generation: 1 }, upstream: { accessToken: 'theirs', seq: 1 } })
    expect(upstream.revoked).toEqual([])
    expect(events).toEqual([])
  })

  it('because the grant has ended are ended upstream', async () => {
    const { ask, answers, records, upstream, environment, stored } = await world()
    answers.refresh = async () => {
      await records.grants.change(id, () => ({ next: 'gone', answer: undefined }))
      return { accessToken: 'late', refreshToken: 'late refresh' }
    }
    expect(await ask()).toBe(-1)
    await environment.drain()
    expect(upstream.revoked).toEqual(['late'])
    expect(await stored()).toBeUndefined()
  })

  it('by a lost race are written all the same: what else changed is kept', async () => {
    const { ask, answers, stored, records, upstream } = await world()
    const { refresh } = answers
    answers.refresh = async (token) => {
      const tokens = await refresh(token)
      await records.grants.change(id, (grant) => ({ ...(grant && { next: { ...grant, scopes: ['changed'] } }), answer: undefined }))
      return tokens
    }
    expect(await ask()).toBe(1)
    expect(await stored()).toMatchObject({ scopes: ['changed'], refresh: { generation: 1 }, upstream: fresh })
    expect(upstream.revoked).toEqual([])
  })
})

describe('a store that fails while the new tokens are written', () => {
  /** A store that fails so many writes, each of which takes so long. */
  async function failingWorld(times: number, seconds: number) {
    const all = await world()
    const failures = { count: 0 }
    all.store.before = ({ method, key }) => {
      if (all.upstream.refreshed.length === 0 || !key.includes(':grant:') || method !== 'set' || failures.count === times) return
      failures.count += 1
      all.environment.advance(seconds)
      throw new StoreUnavailable('no answer')
    }
    return { ...all, failures }
  }

  it('for a moment is tried again, and nobody notices', async () => {
    const { ask, stored, environment, upstream } = await failingWorld(10, 0.1)
    expect(await ask()).toBe(1)
    expect(await stored()).toMatchObject({ refresh: { generation: 1 }, upstream: fresh })
    expect(upstream).toEqual({ refreshed: ['refresh 0'], revoked: [], good: 'refresh 1' })
    await environment.drain()
  })

  it('for longer is tried again until the lease ends: the upstream has forgotten the old ones', async () => {
    const { ask, stored, environment, upstream, failures } = await failingWorld(10, 1)
    // Whoever waits is not kept waiting, the first one and those who come after.
    await expect(Promise.all([ask(), ask()])).rejects.toThrow(StoreUnavailable)
    expect(failures.count).toBeLessThan(4)
    await expect(ask()).rejects.toThrow(StoreUnavailable)
    await environment.drain()
    expect(failures.count).toBe(10)
    expect(await stored()).toMatchObject({ refresh: { generation: 1 }, upstream: fresh })
    expect(upstream).toEqual({ refreshed: ['refresh 0'], revoked: [], good: 'refresh 1' })
  })

  it('is given up when the lease has ended, as trouble that passes', async () => {
    const { ask, store, environment, upstream } = await world()
    store.before = ({ key }) => {
      if (upstream.refreshed.length === 0 || !key.includes(':grant:')) return
      environment.advance(1)
      throw new StoreUnavailable('no answer')
    }
    await expect(ask()).rejects.toThrow(StoreUnavailable)
    await environment.drain()
  })

  it('but has written them, does not get them revoked (outcome unknown)', async () => {
    const { ask, stored, store, environment, upstream, grant } = await world()
    const { set } = store
    let isFirst = true
    Object.assign(store, {
      async set(...written: Parameters<typeof set>) {
        const entry = await set(...written)
        if (!written[0].includes(':grant:') || !isFirst) return entry
        isFirst = false
        throw new StoreUnavailable('written, but nobody heard')
      },
    })
    expect(await ask()).toBe(2)
    await environment.drain()
    expect(await stored()).toMatchObject({ upstream: { ...fresh, scopes: grant.upstream.scopes } })
    expect(upstream).toEqual({ refreshed: ['refresh 0'], revoked: [], good: 'refresh 1' })
  })
})
