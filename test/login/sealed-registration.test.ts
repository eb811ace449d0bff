import { memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { type House, openHouse, redirectUri } from '../support/house.ts'
import { readJson, refusal } from '../support/read-json.ts'
import { openTab } from '../support/tab.ts'

const sealingSecret = 'first-sealing-secret-0123456789-abcdef'
const otherSecret = 'other-sealing-secret-9876543210-zyxwvu'
const sealed = { clients: { registration: { sealedWith: sealingSecret } } }

function register(house: House, metadata: Record<string, unknown> = {}, token?: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  return house.call('/register', { method: 'POST', headers, body: JSON.stringify({ redirect_uris: [redirectUri], ...metadata }) })
}

const statusOf = async (house: House, clientId: string): Promise<number> => (await openTab(house).open(house.authorizeUrl(clientId))).status

describe('a sealed registration', () => {
  it('is answered like any other, and stores nothing at all (R110, R112, R132)', async () => {
    const store = countedStore()
    const house = openHouse({ ...sealed, clientStorage: store })
    expect(await readJson(await register(house, { client_name: 'A test' }))).toEqual({
      status: 201,
      body: {
        client_id: expect.stringMatching(/^sealed_[A-Za-z0-9_-]{100,400}$/),
        client_id_issued_at: 1_767_268_800,
        client_name: 'A test',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
    })
    expect([...store.held]).toEqual([])
    expect(house.events).toMatchObject([{ type: 'client.registered', access: 'open', kept: 'sealed' }])
  })

  it('leads to a login, a refresh, and a revocation by the client', async () => {
    const house = openHouse(sealed)
    const { clientId, tokens } = await house.login()
    expect(clientId).toMatch(/^sealed_/)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    const refreshed = await (await house.refresh(clientId, tokens.refresh_token)).json()
    expect(await house.mcpStatus(refreshed.access_token)).toBe(200)
    expect((await house.post('/revoke', { client_id: clientId, token: refreshed.refresh_token })).status).toBe(200)
    expect(await house.mcpStatus(refreshed.access_token)).toBe(401)
  })

  it('works while the store is down, and the store has no part in whether a client is known', async () => {
    const store = countedStore()
    const house = openHouse({ ...sealed, clientStorage: store })
    await house.auth.ready()
    store.fail(true)
    const clientId = await house.register()
    expect(await statusOf(house, clientId)).toBe(200)
    expect(await statusOf(house, `${clientId}A`)).toBe(400)
  })

  it('outlives its store: a flush forgets no client', async () => {
    const before = openHouse(sealed)
    const { clientId } = await before.login()
    before.environment.advance(5)
    const emptied = openHouse({ beside: before, clientStorage: memoryStore(before), ...sealed })
    expect(await statusOf(emptied, clientId)).toBe(200)
    const end = await emptied.signIn(clientId)
    expect((await emptied.redeem(clientId, end.searchParams.get('code') ?? '')).status).toBe(200)
  })

  it('does not end by itself, however long nobody uses it', async () => {
    const house = openHouse(sealed)
    const clientId = await house.register()
    house.environment.advance(2000 * 86_400)
    expect(await statusOf(house, clientId)).toBe(200)
  })

  it('is known on every host with the key, and while it rotates', async () => {
    const house = openHouse(sealed)
    const clientId = await house.register()
    const rotating = openHouse({ beside: house, clients: { registration: { sealedWith: [otherSecret, sealingSecret] } } })
    expect(await statusOf(rotating, clientId)).toBe(200)
    const next = await rotating.register()
    const rotated = openHouse({ beside: house, clients: { registration: { sealedWith: otherSecret } } })
    expect(await Promise.all([clientId, next].map((id) => statusOf(rotated, id)))).toEqual([400, 200])
  })

  it('leaves the clients that are in the store, and those that the operator lists', async () => {
    const open = openHouse()
    const clientId = await open.register()
    const listed = { clientId: 'desk', redirectUris: [redirectUri] }
    const house = openHouse({ beside: open, clients: { ...sealed.clients, static: [listed] } })
    expect(await Promise.all([clientId, 'desk'].map((id) => statusOf(house, id)))).toEqual([200, 200])
  })

  it('is judged by the rules of now, not by those it was sealed under (T25, T28)', async () => {
    const open = openHouse({ clients: { ...sealed.clients, redirectSchemes: ['mine'] } })
    const { client_id: clientId } = await (await register(open, { redirect_uris: ['mine://cb', redirectUri] })).json()
    const house = openHouse({ beside: open, clients: { ...sealed.clients, redirectUris: ['http://127.0.0.1/other'] } })
    for (const uri of ['mine://cb', redirectUri])
      expect((await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: uri }))).text).toContain(
        'The redirect URI is not allowed.',
      )
  })

  it('that says too much is refused, and says why (T34)', async () => {
    const uris = Array.from({ length: 10 }, (_, index) => `https://client.example.com/a/rather/long/path/that/fills/an/id/quickly/${index}`)
    expect(await readJson(await register(openHouse(sealed), { redirect_uris: uris }))).toEqual(
      refusal(400, 'invalid_client_metadata', 'The metadata is too long to be registered here: fewer or shorter redirect URIs would fit.'),
    )
  })

  it('may need an initial access token, which one client of fifty uses up', async () => {
    const house = openHouse({ clients: { registration: { sealedWith: sealingSecret, initialAccessToken: true } } })
    const { token } = await house.auth.createInitialAccessToken({ lifetime: 60 })
    const answers = await Promise.all(Array.from({ length: 50 }, () => register(house, {}, token)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(49)
  })
})

describe('a sealed client that has a secret', () => {
  const unknown = refusal(401, 'invalid_client', 'The client is unknown or did not authenticate as it registered.')

  it('is taken by it and by nothing else, and its id holds no more than the hash', async () => {
    const house = openHouse(sealed)
    const answer = await (await register(house, { token_endpoint_auth_method: 'client_secret_post' })).json()
    const { client_id: clientId, client_secret: secret } = answer
    expect(answer).toMatchObject({ client_secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/), client_secret_expires_at: 0 })
    const code = (await house.signIn(clientId)).searchParams.get('code') ?? ''
    expect(await readJson(await house.redeem(clientId, code))).toEqual(unknown)
    expect(await readJson(await house.redeem(clientId, code, { client_secret: `${secret}x` }))).toEqual(unknown)
    expect((await house.redeem(clientId, code, { client_secret: secret })).status).toBe(200)
    expect(JSON.stringify(house.events)).not.toContain(secret)
  })

  it('is unknown with an id that was tampered with, by the same words', async () => {
    const house = openHouse(sealed)
    const { client_id: clientId, client_secret: secret } = await (
      await register(house, { token_endpoint_auth_method: 'client_secret_post' })
    ).json()
    const tampered = `${clientId.slice(0, 40)}${clientId[40] === 'A' ? 'B' : 'A'}${clientId.slice(41)}`
    expect(await readJson(await house.redeem(tampered, 'x', { client_secret: secret }))).toEqual(unknown)
    expect(house.events.at(-1)).toMatchObject({ type: 'request.refused', reason: 'client_unknown' })
  })
})

describe('an operator', () => {
  it('ends what a sealed client was granted, though not the client', async () => {
    const house = openHouse(sealed)
    const { clientId, tokens } = await house.login()
    expect(await house.auth.revoke({ clientId })).toBe(1)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(400)
    expect(await statusOf(house, clientId)).toBe(200)
  })

  it('who takes the key away forgets every client it sealed', async () => {
    const house = openHouse(sealed)
    const { clientId, tokens } = await house.login()
    const closed = openHouse({ beside: house, clients: { registration: 'closed' } })
    expect(await statusOf(closed, clientId)).toBe(400)
    expect((await closed.refresh(clientId, tokens.refresh_token)).status).toBe(401)
  })
})
