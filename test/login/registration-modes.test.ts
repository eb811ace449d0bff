import { ConfigurationError } from '@drawbridge/core'
import { memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { distantStore } from '../support/distant-store.ts'
import { type House, openHouse, redirectUri } from '../support/house.ts'
import { expectUnavailable, readJson, refusal } from '../support/read-json.ts'
import { openTab } from '../support/tab.ts'
import { watchedStore } from '../support/watched-store.ts'

const day = 86_400
const withToken = { clients: { registration: { initialAccessToken: true } } }

function register(house: House, token?: string, metadata: unknown = { redirect_uris: [redirectUri] }): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  return house.call('/register', { method: 'POST', headers, body: JSON.stringify(metadata) })
}

describe('registration that is closed', () => {
  const closed = { clients: { registration: 'closed', static: [{ clientId: 'desk', redirectUris: [redirectUri] }] } } as const

  it('is nowhere: no endpoint, no route, nothing in the metadata, and nothing is stored (R13, T105)', async () => {
    const store = countedStore()
    const house = openHouse({ ...closed, clientStorage: store })
    for (const method of ['POST', 'GET', 'OPTIONS']) expect((await house.call('/register', { method })).status).toBe(404)
    expect((await register(house)).status).toBe(404)
    expect(house.auth.getRoutes().map(({ path }) => path)).not.toContain('/register')
    for (const name of ['oauth-authorization-server', 'openid-configuration'])
      expect(await (await house.call(`/.well-known/${name}`)).json()).not.toHaveProperty('registration_endpoint')
    expect(store.writes).toBe(0)
  })

  it('is not what a person is sent back for, when a client is unknown: only the operator can help (R53)', async () => {
    const house = openHouse(closed)
    const page = await openTab(house).open(house.authorizeUrl('nobody'))
    expect([page.status, /<main>\n(.*)\n<\/main>/s.exec(page.text)?.[1]]).toEqual([
      400,
      `<h1>This login cannot go on</h1>
<p>The application is not known here, and cannot register itself. Ask whoever runs this server.</p>
<p>Close this page and start again in your application.</p>
<p class="quiet">invalid_client</p>
<p class="quiet">Request #</p>`,
    ])
  })

  it('leaves the listed clients a login (R111)', async () => {
    const house = openHouse(closed)
    const end = await house.signIn('desk')
    expect((await house.redeem('desk', end.searchParams.get('code') ?? '')).status).toBe(200)
  })

  it('leaves those that registered before what they have', async () => {
    const open = openHouse()
    const { clientId, tokens } = await open.login()
    const house = openHouse({ beside: open, ...closed })
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
    expect((await openTab(house).open(house.authorizeUrl(clientId))).status).toBe(200)
  })
})

describe('registration that is open', () => {
  it('is in the metadata, and asks for no token, nor minds one (R13, R110)', async () => {
    const house = openHouse({ clients: { registration: 'open' } })
    expect(house.auth.oauthMetadata.registration_endpoint).toBe('http://localhost:8000/register')
    expect((await register(house)).status).toBe(201)
    expect((await register(house, 'anything')).status).toBe(201)
    expect(house.events).toMatchObject([{ access: 'open' }, { access: 'open' }])
  })

  it('has no initial access tokens to give: they would open nothing', async () => {
    const asked = openHouse().auth.createInitialAccessToken({ lifetime: day })
    await expect(asked).rejects.toThrow(
      new ConfigurationError(['registration asks for no initial access token: clients: { registration: { initialAccessToken: true } }']),
    )
  })
})

describe('an initial access token (RFC 7591 §3)', () => {
  it('lets its holder register once, and the client log in', async () => {
    const house = openHouse(withToken)
    const { token, id, expiresAt } = await house.auth.createInitialAccessToken({ lifetime: day })
    const uuid = '019b796d-d600-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
    expect(token).toMatch(new RegExp(`^db_iat_${uuid}\\.[A-Za-z0-9_-]{43}$`))
    expect([token.slice(7, 43), expiresAt]).toEqual([id, 1_767_268_800 + day])
    const answer = await register(house, token)
    expect(answer.status).toBe(201)
    const { client_id: clientId } = await answer.json()
    expect(house.events).toEqual([
      { type: 'initial_access_token.created', initialAccessTokenId: id, uses: 1, at: 1_767_268_800 },
      {
        type: 'client.registered',
        clientId,
        clientName: undefined,
        access: 'initial_access_token',
        initialAccessTokenId: id,
        kept: 'stored',
        at: 1_767_268_800,
      },
    ])
    const end = await house.signIn(clientId)
    expect((await house.redeem(clientId, end.searchParams.get('code') ?? '')).status).toBe(200)
    expect((await register(house, token)).status).toBe(401)
  })

  it('is good as often as it was made for, on any host', async () => {
    const house = openHouse(withToken)
    const other = openHouse({ beside: house, ...withToken })
    const { token } = await house.auth.createInitialAccessToken({ lifetime: day, uses: 3 })
    const statuses = []
    for (const host of [house, other, house, other]) statuses.push((await register(host, token)).status)
    expect(statuses).toEqual([201, 201, 201, 401])
  })

  it('ends by its time', async () => {
    const house = openHouse(withToken)
    const { token } = await house.auth.createInitialAccessToken({ lifetime: 60, uses: 9 })
    house.environment.advance(59)
    expect((await register(house, token)).status).toBe(201)
    house.environment.advance(1)
    expect((await register(house, token)).status).toBe(401)
  })

  it('ends when the operator says so, by its id', async () => {
    const house = openHouse(withToken)
    const { token, id } = await house.auth.createInitialAccessToken({ lifetime: day })
    expect(await house.auth.revoke({ initialAccessTokenId: id })).toBe(1)
    expect((await register(house, token)).status).toBe(401)
    expect(await house.auth.revoke({ initialAccessTokenId: id })).toBe(0)
  })

  it('is not spent by a registration that is refused for what it says', async () => {
    const store = countedStore()
    const house = openHouse({ ...withToken, clientStorage: store })
    const { token } = await house.auth.createInitialAccessToken({ lifetime: day })
    const before = store.writes
    expect((await register(house, token, { redirect_uris: ['javascript:x'] })).status).toBe(400)
    expect((await register(house, token, [])).status).toBe(400)
    expect(store.writes).toBe(before)
    expect((await register(house, token)).status).toBe(201)
  })

  it('is not spent where the client could not be stored', async () => {
    const store = countedStore()
    const house = openHouse({ ...withToken, clientStorage: store })
    const { token } = await house.auth.createInitialAccessToken({ lifetime: day })
    store.fail(({ method, key }) => method === 'set' && key.includes(':client:'))
    await expectUnavailable(await register(house, token))
    store.fail(false)
    expect((await register(house, token)).status).toBe(201)
  })

  it('of one use registers one client, however many hosts are asked at once, and the others leave nothing behind', async () => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const distant = distantStore(store, world.environment)
    const hosts = [0, 1].map(() => openHouse({ beside: world, clientStorage: distant, ...withToken }))
    const { token } = await (hosts[0] as House).auth.createInitialAccessToken({ lifetime: day })
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => register(hosts[index % 2] as House, token)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(49)
    const kept = await Promise.all(store.keysOf('client').map((key) => store.get(key)))
    expect(kept.filter((entry) => entry !== undefined)).toHaveLength(1)
    expect(kept.length).toBeGreaterThan(10)
    const listed = await Promise.all(
      store.keysOf('clients').map(async (key) => (await store.directory?.list(key, undefined, 100))?.members),
    )
    expect(listed.flat()).toHaveLength(1)
    expect(hosts.flatMap(({ events }) => events.filter(({ type }) => type === 'client.registered'))).toHaveLength(1)
  })

  it('of twenty uses registers twenty clients of fifty at once', async () => {
    const world = openHouse()
    const distant = distantStore(memoryStore(world), world.environment)
    const house = openHouse({ beside: world, clientStorage: distant, ...withToken })
    const { token } = await house.auth.createInitialAccessToken({ lifetime: day, uses: 20 })
    const statuses: number[] = []
    const attempt = async (): Promise<void> => {
      const { status } = await register(house, token)
      // More than eight lost races in a row: nothing was spent, and it says so.
      if (status === 503) return attempt()
      statuses.push(status)
    }
    await Promise.all(Array.from({ length: 50 }, attempt))
    expect(statuses.filter((status) => status === 201)).toHaveLength(20)
    expect(statuses.filter((status) => status === 401)).toHaveLength(30)
  })

  it('is nowhere in the store, nor in a name there', async () => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const house = openHouse({ beside: world, clientStorage: store, ...withToken })
    const { token, id } = await house.auth.createInitialAccessToken({ lifetime: day })
    await register(house, token)
    const all = JSON.stringify(store.written)
    expect(all).not.toContain(token.slice(44))
    expect(all).not.toContain(id)
    expect(JSON.stringify(house.events)).not.toContain(token.slice(44))
  })

  it('that was lost with its store is trouble, and not unknown', async () => {
    const before = openHouse(withToken)
    const { token } = await before.auth.createInitialAccessToken({ lifetime: day })
    before.environment.advance(5)
    const emptied = openHouse({ beside: before, clientStorage: memoryStore(before), ...withToken })
    await expectUnavailable(await register(emptied, token))
  })

  it.each([0, -1, 1.5, Number.NaN, '60', undefined])('is not made for a lifetime or a number of uses of %s', async (value) => {
    const { auth } = openHouse(withToken)
    const asked = auth.createInitialAccessToken(Object.assign({ lifetime: day, uses: 1 }, { lifetime: value }))
    await expect(asked).rejects.toThrow(new TypeError('lifetime is not a whole number above 0'))
    if (value === undefined) return
    const often = auth.createInitialAccessToken(Object.assign({ lifetime: day, uses: 1 }, { uses: value }))
    await expect(often).rejects.toThrow(new TypeError('uses is not a whole number above 0'))
  })
})

describe('a registration without an initial access token that is good', () => {
  const text = 'Registration here needs an initial access token, and this is none that is good.'

  it.each([
    ['none', undefined, 'Bearer realm="Drawbridge"', 'credentials_missing'],
    ['one of another scheme', 'Basic YTpi', 'Bearer realm="Drawbridge"', 'credentials_missing'],
    ['something else', 'Bearer abc', 'Bearer realm="Drawbridge", error="invalid_token"', 'initial_access_token_unknown'],
    [
      'one that nobody made',
      `Bearer db_iat_019b796d-d600-7f16-9f9b-4e6a10247522.${'A'.repeat(43)}`,
      'Bearer realm="Drawbridge", error="invalid_token"',
      'initial_access_token_unknown',
    ],
  ])('is refused with a challenge, before its body is looked at: %s', async (_, authorization, challenge, reason) => {
    const store = countedStore()
    const house = openHouse({ ...withToken, clientStorage: store })
    await house.auth.createInitialAccessToken({ lifetime: day })
    house.events.length = 0
    const before = store.writes
    const headers = { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) }
    const answer = await house.call('/register', { method: 'POST', headers, body: '{' })
    expect(answer.headers.get('www-authenticate')).toBe(challenge)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await readJson(answer)).toEqual(refusal(401, 'invalid_token', text))
    expect(house.events).toEqual([{ type: 'request.refused', endpoint: 'register', error: 'invalid_token', reason, at: 1_767_268_800 }])
    expect(store.writes).toBe(before)
  })

  it('is refused for the secret half alone, and the token stays good', async () => {
    const house = openHouse(withToken)
    const { token } = await house.auth.createInitialAccessToken({ lifetime: day })
    expect(await readJson(await register(house, `${token.slice(0, 44)}${'A'.repeat(43)}`))).toEqual(refusal(401, 'invalid_token', text))
    expect((await register(house, token)).status).toBe(201)
  })

  it('is malformed with two of them', async () => {
    const house = openHouse(withToken)
    const { token } = await house.auth.createInitialAccessToken({ lifetime: day })
    expect(await readJson(await register(house, `${token}, Bearer ${token}`))).toEqual(
      refusal(400, 'invalid_request', 'The Authorization header is malformed.'),
    )
  })

  it('is let in by no access token of ours', async () => {
    const open = openHouse()
    const { tokens } = await open.login()
    expect((await register(openHouse({ beside: open, ...withToken }), tokens.access_token)).status).toBe(401)
  })

  it('is told so in a browser too: the challenge can be read from any origin (R15)', async () => {
    const answer = await register(openHouse(withToken))
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate')
  })
})
