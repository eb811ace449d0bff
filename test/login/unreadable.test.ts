import type { Store } from '@drawbridge/core'
import { createFernetKey, encrypted, fernet, memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { challenge, type House, type HouseOptions, openHouse, redirectUri } from '../support/house.ts'
import { expectUnavailable } from '../support/read-json.ts'
import { type Answer, comeToCallback, openTab } from '../support/tab.ts'
import { takeCode } from '../support/take-code.ts'
import { type WatchedStore, watchedStore } from '../support/watched-store.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const everything: HouseOptions = {
  extensions: { pushedRequests: 'allowed', deviceGrant: true },
  clients: { registration: { initialAccessToken: true } },
}

/** A house over a sealed store, and what lies below the seal. */
function openSealed(options: HouseOptions = {}): { house: House; below: WatchedStore } {
  const world = openHouse()
  const below = watchedStore(memoryStore(world))
  const clientStorage = encrypted(below, fernet(createFernetKey(), world), world)
  return { below, house: openHouse({ beside: world, clientStorage, ...options }) }
}

/** Damages one byte of the last record of a kind that was written; `mend` puts it back, `isKept` says whether it is as it was left. */
async function damage(below: WatchedStore, kind: string) {
  const name = below.keysOf(kind).at(-1) ?? ''
  const entry = await below.get(name)
  const text = entry?.value ?? ''
  const at = text.length - 41
  const damaged = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
  const seen = await below.set(name, damaged, 3600, entry)
  return {
    name,
    isKept: async () => (await below.get(name))?.value === damaged,
    mend: () => below.set(name, text, 3600, seen),
  }
}

/** What is done with a record, and done again when it can be read again. */
interface Use {
  readonly as: string
  readonly kind: string
  /** How it is answered then. */
  readonly mended: number
  prepare(house: House): Promise<() => Promise<Response | Answer>>
}

/** A client that may register, by a token of the operator's. */
async function registered(house: House, metadata: Record<string, unknown> = {}): Promise<string> {
  const { token } = await house.auth.createInitialAccessToken({ lifetime: 3600 })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const body = JSON.stringify({ redirect_uris: [redirectUri], ...metadata })
  return (await (await house.call('/register', { method: 'POST', headers, body })).json()).client_id
}

const withClients = (house: House): House => ({ ...house, register: (metadata) => registered(house, metadata) })

const uses: readonly Use[] = [
  {
    as: 'a client, by a person',
    kind: 'client',
    mended: 200,
    async prepare(house) {
      const url = house.authorizeUrl(await registered(house))
      return () => openTab(house).open(url)
    },
  },
  {
    as: 'a grant whose code waits, by its client',
    kind: 'grant',
    mended: 200,
    async prepare(house) {
      const { clientId, code } = await takeCode(withClients(house))
      return () => house.redeem(clientId, code)
    },
  },
  {
    as: 'a login under way, by its browser',
    kind: 'transaction',
    mended: 303,
    async prepare(house) {
      const { tab, callback } = await comeToCallback(withClients(house))
      return () => tab.open(callback)
    },
  },
  {
    as: 'a request that was pushed, by its browser',
    kind: 'pushed-request',
    mended: 200,
    async prepare(house) {
      const clientId = await registered(house)
      const fields = { response_type: 'code', redirect_uri: redirectUri, code_challenge: challenge, code_challenge_method: 'S256' }
      const { request_uri: requestUri } = await (await house.post('/par', { client_id: clientId, ...fields })).json()
      const url = `${house.baseUrl}/authorize?${new URLSearchParams({ client_id: clientId, request_uri: requestUri })}`
      return () => openTab(house).open(url)
    },
  },
  {
    // It goes on waiting.
    as: 'a device that waits, by itself',
    kind: 'device',
    mended: 400,
    async prepare(house) {
      const clientId = await registered(house, { redirect_uris: [], grant_types: [deviceGrant] })
      const { device_code: deviceCode } = await (await house.post('/device_authorization', { client_id: clientId })).json()
      return () => house.post('/token', { grant_type: deviceGrant, client_id: clientId, device_code: deviceCode })
    },
  },
  {
    as: 'an initial access token, by who has it',
    kind: 'initial-access-token',
    mended: 201,
    async prepare(house) {
      const { token } = await house.auth.createInitialAccessToken({ lifetime: 3600 })
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
      const body = JSON.stringify({ redirect_uris: [redirectUri] })
      return () => house.call('/register', { method: 'POST', headers, body })
    },
  },
]

const told = (house: House) => house.events.flatMap((event) => (event.type === 'record.unreadable' ? [event] : []))

describe('a record of which one byte is damaged is 503 and kept, and told of once by its kind (REL-R17, REL-R40, I6)', () => {
  it.each(uses)('$as', async ({ kind, mended, prepare }) => {
    const { house, below } = openSealed(everything)
    const use = await prepare(house)
    await house.environment.drain()
    const { name, isKept, mend } = await damage(below, kind)
    const written = below.written.length
    house.events.splice(0)
    for (let turn = 0; turn < 5; turn += 1) {
      const answer = await use()
      if (answer instanceof Response) await expectUnavailable(answer)
      else expect([answer.status, answer.location, answer.headers.get('set-cookie')]).toEqual([503, '', null])
    }
    await house.environment.drain()
    expect([await isKept(), below.written.length - written]).toEqual([true, 0])
    expect(told(house)).toEqual([{ type: 'record.unreadable', kind, name, at: house.environment.now() }])
    expect(house.events.map(({ type }) => type).filter((type) => type !== 'record.unreadable')).toEqual(Array(5).fill('store.unavailable'))
    await mend()
    expect((await use()).status).toBe(mended)
  })
})

describe('a storage key that was dropped too early (REL-R17, T91)', () => {
  it('makes 503 of what it had sealed, keeps it, and says what it is; put back, everything goes on', async () => {
    const world = openHouse()
    const below = watchedStore(memoryStore(world))
    const [old, fresh] = [createFernetKey(), createFernetKey()]
    const start = (...keys: readonly string[]): House => {
      const store: Store = encrypted(below, fernet(keys, world), world)
      return openHouse({ beside: world, clientStorage: store })
    }
    const { clientId, tokens } = await start(old).login()
    await world.environment.drain()
    // It lasted until the deployment was sealed again, so that hosts start.
    await start(fresh, old).auth.ready()
    await world.environment.drain()

    const house = start(fresh)
    await house.auth.ready()
    const sealedByOld = [below.keysOf('client')[0] ?? '', below.keysOf('grant')[0] ?? '']
    const versions = () => Promise.all(sealedByOld.map(async (key) => (await below.get(key))?.version))
    const before = await versions()
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
    expect(await house.mcpStatus(tokens.access_token)).toBe(503)
    expect(new Set(told(house).map(({ kind }) => kind))).toEqual(new Set(['client', 'grant']))
    expect((await house.call('/.well-known/oauth-authorization-server')).status).toBe(200)
    // Those who come new are served all the while.
    const { tokens: others } = await house.login()
    expect(await house.mcpStatus(others.access_token)).toBe(200)
    await house.environment.drain()
    expect(await versions()).toEqual(before)

    const mended = start(fresh, old)
    expect(await mended.mcpStatus(tokens.access_token)).toBe(200)
    expect((await mended.refresh(clientId, tokens.refresh_token)).status).toBe(200)
  })
})

describe('a grant that cannot be read', () => {
  it.each([
    ['their subject', ({ told }: House) => told.flatMap((event) => (event.type === 'grant.opened' ? [{ subject: event.subject }] : []))],
    ['their client', ({ told }: House) => told.flatMap((event) => (event.type === 'grant.opened' ? [{ clientId: event.clientId }] : []))],
  ])('keeps none of the others: revoking by %s ends those, and then rejects (T108, REL-R17)', async (_, targets) => {
    const { house, below } = openSealed()
    const clientId = await house.register()
    const tokens: string[] = []
    for (let turn = 0; turn < 3; turn += 1) {
      const end = await house.signIn(clientId)
      tokens.push((await (await house.redeem(clientId, end.searchParams.get('code') ?? '')).json()).access_token)
      if (turn === 0) await damage(below, 'grant')
    }
    const target = targets(house)[0] ?? { grantId: '' }
    await expect(house.auth.revoke(target)).rejects.toMatchObject({ name: 'StoreUnreadable' })
    expect(await Promise.all(tokens.map((token) => house.mcpStatus(token)))).toEqual([503, 401, 401])
  })
})
