import { createFernetKey, encrypted, fernet, memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { failingStore } from '../support/failing-store.ts'
import { type Fates, fatesOf, type Scene, type Sight } from '../support/fates.ts'
import { type House, openHouse, redirectUri, type TokenAnswer } from '../support/house.ts'
import { expectUnavailable, readJson, refusal, soon } from '../support/read-json.ts'
import { comeToCallback, openTab } from '../support/tab.ts'
import { takeCode } from '../support/take-code.ts'
import { type WatchedStore, watchedStore } from '../support/watched-store.ts'

const hour = 3600
const due = 8 * hour - 240
const invalidClient = refusal(401, 'invalid_client', 'The client is unknown or did not authenticate as it registered.')
const invalidGrant = refusal(400, 'invalid_grant', 'The code or refresh token is invalid, has expired, or belongs to another client.')

const see = async (answer: Response): Promise<Sight> => ({ status: answer.status, text: await answer.text(), headers: answer.headers })

async function knock(house: House, { access_token: token }: TokenAnswer): Promise<Sight> {
  const who = await house.auth.authenticate(new Request('http://localhost:8000/mcp', { headers: { authorization: `Bearer ${token}` } }))
  return who instanceof Response ? see(who) : { status: 200, text: '', headers: new Headers() }
}

/** Whether our refresh token works, and the upstream's token with it. */
async function refreshes(house: House, clientId: string, tokens: TokenAnswer): Promise<boolean> {
  const answer = await house.refresh(clientId, tokens.refresh_token)
  if (answer.status !== 200) return false
  const { extra } = await house.auth.verifyAccessToken((await answer.json()).access_token)
  const handle = await house.auth.upstream({ extra })
  return (await handle.fetch('http://127.0.0.1:9999/api/v3/user')).status === 200
}

const register: Scene['prepare'] = async (house) => {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ redirect_uris: [redirectUri] })
  let clientId = ''
  return {
    async attempt() {
      const sight = await see(await house.call('/register', { method: 'POST', headers, body }))
      clientId = JSON.parse(sight.text).client_id
      return sight
    },
    holds: async () => (await openTab(house).open(house.authorizeUrl(clientId))).status === 200,
  }
}

const authorize: Scene['prepare'] = async (house) => {
  const [tab, url] = [openTab(house), house.authorizeUrl(await house.register())]
  return { attempt: () => tab.open(url), holds: async () => (await tab.decide(await tab.open(url), 'approve')).status === 200 }
}

const consent: Scene['prepare'] = async (house) => {
  const tab = openTab(house)
  const page = await tab.open(house.authorizeUrl(await house.register()))
  return { attempt: () => tab.decide(page, 'approve'), holds: async () => true }
}

const callback: Scene['prepare'] = async (house) => {
  const { tab, clientId, callback } = await comeToCallback(house)
  let location = ''
  return {
    async attempt() {
      const sight = await tab.open(callback)
      location = sight.location || location
      return sight
    },
    holds: async () => (await house.redeem(clientId, new URL(location).searchParams.get('code') ?? '')).status === 200,
  }
}

const token: Scene['prepare'] = async (house) => {
  const { clientId, code } = await takeCode(house)
  let tokens: TokenAnswer | undefined
  return {
    async attempt() {
      const sight = await see(await house.redeem(clientId, code))
      tokens = JSON.parse(sight.text)
      return sight
    },
    holds: async () => tokens !== undefined && (await knock(house, tokens)).status === 200 && refreshes(house, clientId, tokens),
  }
}

const refresh =
  (later: number): Scene['prepare'] =>
  async (house) => {
    const { clientId, tokens } = await house.login()
    house.environment.advance(later)
    return {
      attempt: async () => see(await house.refresh(clientId, tokens.refresh_token)),
      holds: () => refreshes(house, clientId, tokens),
    }
  }

const revoke: Scene['prepare'] = async (house) => {
  const { clientId, tokens } = await house.login()
  return {
    attempt: async () => see(await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token })),
    holds: async () => (await knock(house, tokens)).status === 401,
  }
}

const gate =
  (later: number): Scene['prepare'] =>
  async (house) => {
    const { clientId, tokens } = await house.login()
    house.environment.advance(later)
    return {
      attempt: () => knock(house, tokens),
      holds: async () => (await knock(house, tokens)).status === 200 && refreshes(house, clientId, tokens),
    }
  }

const served: Fates = { lost: 'served', unknown: 'served', outage: 'served' }
const again: Fates = { lost: 'again', unknown: 'again', outage: 'again' }
const login: Fates = { lost: 'login', unknown: 'login', outage: 'login' }

describe('when one call to the store fails, the answer is 503 and nothing is lost but, at worst, one login (I6, REL-R13, G2), at', () => {
  it.each<[string, Scene, Record<string, Fates>]>([
    ['a registration', { prepare: register }, { '1 set client': again, '2 add clients': again }],
    [
      'the first registration ever',
      { cold: true, prepare: register },
      { '1 get deployment': again, '2 set deployment': again, '3 set client': again, '4 add clients': again },
    ],
    ['an authorization request', { prepare: authorize }, { '1 get client': again }],
    ['a decision', { prepare: consent }, { '1 set transaction': again }],
    [
      'a callback',
      { prepare: callback },
      {
        '1 get transaction': again,
        '2 set transaction': again,
        '3 set grant': login,
        '4 add subject-grants': login,
        '5 add client-grants': login,
        '6 set transaction': served,
      },
    ],
    [
      'a redemption',
      { prepare: token },
      {
        '1 get client': again,
        '2 get grant': again,
        '3 set grant': { lost: 'again', unknown: 'login', outage: 'again' },
        '4 add clients': served,
        '5 get client': served,
        '6 set client': served,
      },
    ],
    ['a refresh', { prepare: refresh(0) }, { '1 get client': again, '2 get grant': again, '3 set grant': again }],
    [
      'a refresh with upstream tokens that are due',
      { mode: 'github-app', prepare: refresh(due) },
      {
        '1 get deployment': { lost: 'served', unknown: 'served', outage: 'again' },
        '2 get client': again,
        '3 get grant': again,
        '4 set lease': again,
        '5 get grant': again,
        '6 set grant': { lost: 'served', unknown: 'served', outage: 'login' },
        '7 delete lease': served,
      },
    ],
    [
      'a revocation',
      { prepare: revoke },
      {
        '1 get client': again,
        '2 get grant': again,
        '3 delete grant': again,
        '4 remove subject-grants': served,
        '5 remove client-grants': served,
      },
    ],
    ['a verification', { prepare: gate(0) }, { '1 get grant': again, '2 set grant': served }],
    [
      'a verification while the upstream is asked',
      { prepare: gate(901) },
      {
        '1 get deployment': { lost: 'served', unknown: 'served', outage: 'again' },
        '2 get grant': again,
        '3 set grant': served,
        '4 get grant': served,
        '5 set lease': served,
        '6 get grant': served,
        '7 get grant': served,
        '8 set grant': served,
        '9 delete lease': served,
      },
    ],
    [
      'a verification with upstream tokens that are due',
      { mode: 'github-app', prepare: gate(due) },
      {
        '1 get deployment': { lost: 'served', unknown: 'served', outage: 'again' },
        '2 get grant': again,
        '3 set grant': served,
        '4 get grant': served,
        '5 set lease': served,
        '6 get grant': served,
        '7 set grant': { lost: 'served', unknown: 'served', outage: 'login later' },
        '8 delete lease': served,
      },
    ],
  ])('%s', async (_, scene, fates) => {
    expect(await fatesOf(scene)).toEqual(fates)
  })
})

describe('when one call to the store fails, the operator’s revocation', () => {
  it('rejects, and done again it ends what is left (I6)', async () => {
    for (let nth = 1; ; nth += 1) {
      const world = openHouse()
      const store = failingStore(world.store)
      const house = openHouse({ beside: world, clientStorage: store })
      const logins = [await house.login(), await house.login(), await house.login()]
      await house.environment.drain()
      store.failAt(nth)
      const first = await house.auth.revoke({ subject: '583231' }).catch((cause: Error) => cause.name)
      await house.environment.drain()
      if (store.calls.length < nth) break
      store.heal()
      if (first !== 3) expect(first).toBe('StoreUnavailable')
      await house.auth.revoke({ subject: '583231' })
      for (const { tokens } of logins) expect(await house.mcpStatus(tokens.access_token)).toBe(401)
    }
  })
})

describe('a record that changes under every attempt to change it', () => {
  it('is 503 after eight attempts, and no refusal (I6)', async () => {
    const world = openHouse()
    let attempts = 0
    const set = async () => {
      attempts += 1
      return undefined
    }
    const { clientId, tokens } = await world.login()
    const house = openHouse({ beside: world, clientStorage: { ...world.store, set } })
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
    expect(attempts).toBe(8)
    expect((await world.refresh(clientId, tokens.refresh_token)).status).toBe(200)
  })
})

describe('while the store is down', () => {
  it('the documents are there, and the operator is told that the rest is not (R18, I6)', async () => {
    const world = openHouse()
    const store = failingStore(world.store)
    const house = openHouse({ beside: world, clientStorage: store })
    store.failAlways()
    for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/oauth-protected-resource/mcp', '/.well-known/jwks.json']) {
      expect((await house.call(path)).status).toBe(200)
    }
    await expect(house.auth.ready()).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await expectUnavailable(await house.redeem('x', 'y'))
    expect(house.events).toEqual([{ type: 'store.unavailable', endpoint: 'token', reason: 'StoreUnavailable', at: 1_767_268_800 }])
    store.heal()
    await expect(house.auth.ready()).resolves.toBeUndefined()
  })

  it('a person is shown a page that says when to come back, and goes nowhere (I4)', async () => {
    const world = openHouse()
    const store = failingStore(world.store)
    const house = openHouse({ beside: world, clientStorage: store })
    const { tab, clientId, callback } = await comeToCallback(house)
    const page = await tab.open(house.authorizeUrl(clientId))
    store.failAlways()
    const answers = [await tab.open(house.authorizeUrl(clientId)), await tab.decide(page, 'approve'), await tab.open(callback)]
    for (const { status, headers, text } of answers) {
      expect([status, headers.get('retry-after'), headers.get('location')]).toEqual([503, expect.stringMatching(soon), null])
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(text).toContain('The server cannot answer at the moment. Try again shortly.')
    }
  })
})

/** Takes every entry out, as a flush does. */
async function empty(store: WatchedStore): Promise<void> {
  for (const key of new Set(store.written.map((written) => written.key))) {
    const entry = await store.get(key)
    if (entry) await store.delete(key, entry)
  }
}

function openWatched(): { house: House; store: WatchedStore } {
  const world = openHouse()
  const store = watchedStore(memoryStore(world))
  return { store, house: openHouse({ beside: world, clientStorage: store }) }
}

describe('a store that was emptied', () => {
  it.each([
    ['that goes on', false],
    ['that starts again', true],
  ])('is 503 for ten minutes on a host %s, so that no client forgets its registration; then what is gone is gone', async (_, restart) => {
    const { house: before, store } = openWatched()
    const { clientId, tokens } = await before.login()
    const { clientId: waiting, code } = await takeCode(before)
    await before.environment.drain()
    await empty(store)
    before.environment.advance(1)
    const house = restart ? openHouse({ beside: before }) : before
    const tab = openTab(house)

    for (const seconds of [0, 599]) {
      house.environment.advance(seconds)
      await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
      await expectUnavailable(await house.redeem(waiting, code))
      await expectUnavailable(await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token }))
      expect((await knock(house, tokens)).status).toBe(503)
      expect((await tab.open(house.authorizeUrl(clientId))).status).toBe(503)
    }
    const lost = house.events.flatMap((event) => (event.type === 'store.lost' ? [event.kind] : []))
    expect(new Set(lost)).toEqual(new Set(['client', 'grant']))

    house.environment.advance(1)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidClient)
    expect((await knock(house, tokens)).status).toBe(401)
    expect((await tab.open(house.authorizeUrl(clientId))).status).toBe(400)
    const other = await house.login()
    expect(await readJson(await house.refresh(other.clientId, tokens.refresh_token))).toEqual(invalidGrant)
  })

  it('is 503 for as long as the operator says', async () => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const house = openHouse({ beside: world, clientStorage: store, lifetimes: { lostStore: 60 } })
    const { clientId, tokens } = await house.login()
    await house.environment.drain()
    await empty(store)
    house.environment.advance(1)
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
    house.environment.advance(59)
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
    house.environment.advance(1)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidClient)
  })

  it('serves those who come new at once', async () => {
    const { house, store } = openWatched()
    await house.login()
    await house.environment.drain()
    await empty(store)
    house.environment.advance(1)
    const { tokens } = await house.login()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })

  it.each([
    ['something was missed', 1, true],
    ['an hour has gone by', 3601, false],
  ])('gets its keys back from a host that knew them, once %s, so that hosts that start later agree with it', async (_, seconds, missed) => {
    const { house, store } = openWatched()
    const { tokens: lost } = await house.login()
    await house.environment.drain()
    await empty(store)
    house.environment.advance(seconds)
    if (missed) expect(await house.mcpStatus(lost.access_token)).toBe(503)
    const { tokens } = await house.login()
    const later = openHouse({ beside: house })
    expect(await later.mcpStatus(tokens.access_token)).toBe(200)
  })

  it('is not suspected for ids that are not ours, nor for ids of after it', async () => {
    const { house, store } = openWatched()
    const { tokens } = await house.login()
    await house.environment.drain()
    await empty(store)
    house.environment.advance(1)
    expect(await readJson(await house.refresh('unknown', tokens.refresh_token.replace('db_rt', 'x')))).toEqual(invalidClient)
    const later = await house.register()
    expect(await readJson(await house.redeem(later, 'db_ac_x'))).toEqual(invalidGrant)
  })

  it('is not suspected once it is older than what is missed: a client that was never there is unknown at once', async () => {
    const { house } = openWatched()
    await house.login()
    house.environment.advance(5)
    const minted = await openHouse({ beside: house, clientStorage: memoryStore({ environment: house.environment }) }).register()
    expect(await readJson(await house.redeem(minted, 'x'))).toEqual(invalidClient)
  })
})

describe('a record that cannot be read', () => {
  const key = createFernetKey()

  /** A house over a sealed store, what lies below the seal, and a login. */
  async function openSealed() {
    const world = openHouse({ mode: 'github-app' })
    const below = watchedStore(memoryStore(world))
    const clientStorage = encrypted(below, fernet(key, world), world)
    const house = openHouse({ beside: world, clientStorage })
    const { clientId, tokens } = await house.login()
    await house.environment.drain()
    return { house, below, clientId, tokens }
  }

  /** Puts another text under the key of the first record of a kind; answers how to see what is there now. */
  async function overwrite(
    below: WatchedStore,
    kind: string,
    change: (text: string) => string,
  ): Promise<() => Promise<string | undefined>> {
    const [name = ''] = below.keysOf(kind)
    const entry = await below.get(name)
    await below.set(name, change(entry?.value ?? ''), 3600, entry)
    return async () => (await below.get(name))?.value
  }

  const flip = (text: string) => text.replace(/.(.{40})$/, (_, rest) => `${text.at(-41) === 'A' ? 'B' : 'A'}${rest}`)

  it.each([
    ['a byte of it was flipped', flip],
    ['another key sealed it', () => fernet(createFernetKey()).seal('{}')],
    ['it is not sealed', () => '{"plain":true}'],
    ['it is empty text', () => ''],
    ['it is sealed and has another shape', () => fernet(key).seal('{"key":"x"}')],
  ])('because %s, is 503 and kept (REL-R17, T91, I6)', async (_, change) => {
    for (const kind of ['client', 'grant']) {
      const { house, below, clientId, tokens } = await openSealed()
      const now = await overwrite(below, kind, change)
      const written = await now()
      await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
      await expectUnavailable(await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token }))
      if (kind === 'grant') expect((await knock(house, tokens)).status).toBe(503)
      else expect((await openTab(house).open(house.authorizeUrl(clientId))).status).toBe(503)
      expect(await now()).toBe(written)
      expect(house.events).toContainEqual(expect.objectContaining({ type: 'store.unavailable', reason: 'StoreUnreadable' }))
    }
  })

  it('because it was sealed under another name, is never taken for the one whose name it has (T91)', async () => {
    const { house, below, clientId, tokens } = await openSealed()
    const other = await house.login()
    const [mine = '', others = ''] = below.keysOf('grant')
    const [entry, stolen] = [await below.get(mine), await below.get(others)]
    await below.set(mine, stolen?.value ?? '', 3600, entry)
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
    expect((await house.refresh(other.clientId, other.tokens.refresh_token)).status).toBe(200)
  })

  it('because it outlived its end, is not used (T94)', async () => {
    const { house, below, clientId, tokens } = await openSealed()
    const [name = ''] = below.keysOf('grant')
    const entry = await below.get(name)
    await below.set(name, entry?.value ?? '', 400 * 86_400, entry)
    house.environment.advance(91 * 86_400)
    await house.register()
    expect((await house.refresh(clientId, tokens.refresh_token)).status).not.toBe(200)
    expect((await knock(house, tokens)).status).not.toBe(200)
  })

  it('when it is the deployment, keeps a host from starting and is kept; the others go on (REL-R17)', async () => {
    const { house, below, tokens } = await openSealed()
    const now = await overwrite(below, 'deployment', flip)
    const written = await now()
    const starting = openHouse({ beside: house })
    await expect(starting.auth.ready()).rejects.toThrow('the storage key does not open the store')
    await expectUnavailable(await starting.redeem('x', 'y'))
    expect((await starting.call('/.well-known/oauth-authorization-server')).status).toBe(200)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect(await now()).toBe(written)
  })

  it.each([
    ['text that is no JSON', '{'],
    ['JSON of another shape', '{"id":"x"}'],
    ['a list', '[]'],
  ])('because it is %s, is 503 in a plain store as well (REL-R17)', async (_, text) => {
    const { house, store } = openWatched()
    const { clientId, tokens } = await house.login()
    await house.environment.drain()
    const [name = ''] = store.keysOf('grant')
    await store.set(name, text, 3600, await store.get(name))
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
    expect((await knock(house, tokens)).status).toBe(503)
    expect((await store.get(name))?.value).toBe(text)
  })
})
