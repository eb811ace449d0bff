import { createFernetKey, encrypted, fernet, memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { failingStore } from '../support/failing-store.ts'
import { type House, type HouseOptions, openHouse, redirectUri, signingKey, type TokenAnswer } from '../support/house.ts'
import { openTab, signInUpstream } from '../support/tab.ts'
import { watchedStore } from '../support/watched-store.ts'

// The third roll-out of a storage key: everything that lasts is sealed again, so that the old key can go.

const [old, current] = [createFernetKey(), createFernetKey()]
const listed = { clientId: 'listed', redirectUris: [redirectUri] }
const clients = { registration: { sealedWith: 'a-sealing-secret-0123456789-abcdefghijklmnop' }, static: [listed] }

/** Houses over one backend, each with the keys it is given. */
function openWorld(options: HouseOptions = {}) {
  const world = openHouse()
  const backend = watchedStore(memoryStore(world))
  const open = (keys: readonly string[], more: HouseOptions = {}): House =>
    openHouse({ beside: world, clientStorage: encrypted(backend, fernet(keys, world), world), ...options, ...more })
  return { world, backend, open }
}

const works = async (house: House, { clientId, tokens }: { clientId: string; tokens: TokenAnswer }): Promise<readonly number[]> => [
  await house.mcpStatus(tokens.access_token),
  (await house.refresh(clientId, tokens.refresh_token)).status,
]

describe('rotateStorageKey', () => {
  it('seals again every client and every grant, of clients that registered, that are listed and that are sealed, so that the old key can go (T95, REL-R18)', async () => {
    const { world, open } = openWorld()
    const before = open([old])
    const logins = [await before.login(), await before.login()]
    const sealedClient = open([old], { clients })
    logins.push(await sealedClient.login())
    const end = await sealedClient.signIn('listed')
    logins.push({
      clientId: 'listed',
      tokens: await (await sealedClient.redeem('listed', end.searchParams.get('code') ?? '')).json(),
    })
    await before.register()
    await world.environment.drain()

    const both = open([current, old], { clients })
    // Three registered clients, and a look at each of the two that have no record; four grants. The deployment beside.
    expect(await both.auth.rotateStorageKey()).toEqual({ read: 9, resealed: 7, unreadable: 0 })
    expect(await both.auth.rotateStorageKey()).toEqual({ read: 9, resealed: 0, unreadable: 0 })
    await world.environment.drain()

    const after = open([current], { clients })
    await after.auth.ready()
    for (const login of logins) expect(await works(after, login)).toEqual([200, 200])
  })

  it('counts what no key opens, and leaves it where it is (REL-R17)', async () => {
    const { world, backend, open } = openWorld()
    await open([old]).login()
    await world.environment.drain()
    const [name = ''] = backend.keysOf('grant')
    const entry = await backend.get(name)
    await backend.set(name, fernet(createFernetKey(), world).seal('{}'), 3600, entry)
    const spoilt = await backend.get(name)
    expect(await open([current, old]).auth.rotateStorageKey()).toEqual({ read: 2, resealed: 1, unreadable: 1 })
    expect(await backend.get(name)).toEqual(spoilt)
  })

  it('loses nothing of what is written at the same moment, and is done by two hosts as well as by one', async () => {
    const { world, open } = openWorld()
    const before = open([old])
    const logins = await Promise.all(Array.from({ length: 8 }, () => before.login()))
    await world.environment.drain()
    const [a, b] = [open([current, old]), open([current, old])]
    const [first, second, ...answers] = await Promise.all([
      a.auth.rotateStorageKey(),
      b.auth.rotateStorageKey(),
      ...logins.map(({ clientId, tokens }) => a.refresh(clientId, tokens.refresh_token)),
    ])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect([first.unreadable, second.unreadable]).toEqual([0, 0])
    const after = open([current])
    for (const [index, answer] of answers.entries()) {
      const { refresh_token: token } = await answer.json()
      expect((await after.refresh(logins[index]?.clientId ?? '', token)).status).toBe(200)
    }
  })

  it('rejects while the store is away, and goes on from there when it is called again', async () => {
    const world = openHouse()
    const backend = failingStore(memoryStore(world))
    const open = (keys: readonly string[]): House =>
      openHouse({ beside: world, clientStorage: encrypted(backend, fernet(keys, world), world) })
    const before = open([old])
    const logins = [await before.login(), await before.login()]
    await world.environment.drain()
    const both = open([current, old])
    await both.auth.ready()
    await world.environment.drain()
    backend.failAt(8)
    await expect(both.auth.rotateStorageKey()).rejects.toMatchObject({ name: 'StoreUnavailable' })
    backend.heal()
    await both.auth.rotateStorageKey()
    for (const login of logins) expect(await works(open([current]), login)).toEqual([200, 200])
  })

  it('is refused over a store that seals nothing', async () => {
    await expect(openHouse().auth.rotateStorageKey()).rejects.toThrow('This store seals nothing: encrypted(store, fernet([new, old])).')
  })
})

describe('a record that an older key sealed', () => {
  it('is told of when it is read, once a kind and reading, so that its last reader is seen (T95, REL-R18)', async () => {
    const { world, open } = openWorld()
    const login = await open([old]).login()
    await world.environment.drain()
    const both = open([current, old])
    const outdated = () => both.events.flatMap((event) => (event.type === 'record.outdated' ? [event.kind] : []))
    expect(await both.mcpStatus(login.tokens.access_token)).toBe(200)
    expect(outdated()).toEqual(['grant'])
    await world.environment.drain()
    expect(await works(both, login)).toEqual([200, 200])
    expect(outdated()).toEqual(['grant', 'client'])
    await world.environment.drain()
    both.events.splice(0)
    expect(await both.mcpStatus(login.tokens.access_token)).toBe(200)
    expect(outdated()).toEqual([])
  })
})

describe('a yes that was remembered under a key that is gone', () => {
  it('is asked for again, and the login goes on without keeping the new one (R66, REL-R17)', async () => {
    const remembered: HouseOptions = { consent: { mode: 'remembered', rememberNative: true }, jwtSigningKey: signingKey }
    const { world, open } = openWorld(remembered)
    const before = open([old])
    let house = before
    const tab = openTab({ baseUrl: before.baseUrl, call: (url, init) => house.call(url, init) })
    const clientId = await before.register()
    const resource = `${before.baseUrl}/mcp`
    const asked = await tab.open(before.authorizeUrl(clientId, { resource }))
    await tab.open(await signInUpstream(before, (await tab.decide(asked, 'approve')).refresh))
    const headers = { 'sec-fetch-site': 'none' }
    expect((await tab.open(before.authorizeUrl(clientId, { resource }), headers)).status).toBe(303)
    const both = open([current, old])
    await both.auth.rotateStorageKey()
    await world.environment.drain()

    house = open([current])
    const again = await tab.open(house.authorizeUrl(clientId, { resource }), headers)
    expect([again.status, again.text.includes(' asks for access to ')]).toEqual([200, true])
    const { location } = await tab.open(await signInUpstream(house, (await tab.decide(again, 'approve')).refresh))
    expect(new URL(location).searchParams.get('code')).toMatch(/^db_ac_/)
  })
})
