import { serve } from '@drawbridge/core/node'
import { memoryStore } from '@drawbridge/storage'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { freePort } from '../support/free-port.ts'
import { type House, openHouse, redirectUri } from '../support/house.ts'
import { expectUnavailable, type JsonAnswer, readJson, refusal } from '../support/read-json.ts'
import { openTab } from '../support/tab.ts'
import { watchedStore } from '../support/watched-store.ts'
import { wrappedStore } from '../support/wrapped-store.ts'

const managed = { clients: { registration: { managed: true }, validScopes: ['repo'] } }

/** A client as it was told of itself. */
interface Told {
  readonly client_id: string
  readonly client_secret?: string
  readonly registration_client_uri: string
  readonly registration_access_token: string
}

async function register(house: House, metadata: Record<string, unknown> = {}): Promise<Told> {
  const body = JSON.stringify({ client_name: 'A test', redirect_uris: [redirectUri], ...metadata })
  const answer = await house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  expect(answer.status).toBe(201)
  return answer.json()
}

/** A request to the client's own address, by its own token unless told otherwise. */
function ask(house: House, client: Told, method: string, body?: unknown, token = client.registration_access_token): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) }
  return house.call(client.registration_client_uri, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
}

const statusOf = async (house: House, clientId: string, uri = redirectUri): Promise<number> =>
  (await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: uri }))).status

const unknown: JsonAnswer = refusal(401, 'invalid_token', 'The client is unknown, or this is not its registration access token.')

describe('a registration that is managed', () => {
  it('is told where it can be changed, and by which token (R112, R117)', async () => {
    const house = openHouse({ ...managed, baseUrl: 'https://mcp.example.com/api' })
    const told = await register(house)
    expect(told).toEqual({
      client_id: told.client_id,
      client_id_issued_at: 1_767_268_800,
      registration_client_uri: `https://mcp.example.com/api/register/client?client_id=${told.client_id}`,
      registration_access_token: expect.stringMatching(/^db_rat_[A-Za-z0-9_-]{43}$/),
      client_name: 'A test',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    })
    expect(house.events).toMatchObject([{ type: 'client.registered', kept: 'managed' }])
  })

  it('has a token that is nowhere in the store, in no name and in no event', async () => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const house = openHouse({ beside: world, clientStorage: store, ...managed })
    const client = await register(house)
    await ask(house, client, 'PUT', { client_id: client.client_id, redirect_uris: [redirectUri] })
    for (const text of [JSON.stringify(store.written), JSON.stringify(house.events)])
      expect(text).not.toContain(client.registration_access_token.slice(7))
  })

  it('can be managed on any host that shares the store', async () => {
    const house = openHouse(managed)
    const client = await register(house)
    expect((await ask(openHouse({ beside: house, ...managed }), client, 'GET')).status).toBe(200)
  })

  it('is neither told of nor served where the option is off (R117)', async () => {
    const on = openHouse(managed)
    const client = await register(on)
    const house = openHouse({ beside: on })
    expect(Object.keys(await register(house)).filter((name) => name.startsWith('registration_'))).toEqual([])
    for (const method of ['GET', 'PUT', 'DELETE']) expect((await ask(house, client, method)).status).toBe(404)
    expect(house.auth.getRoutes().map(({ path }) => path)).not.toContain('/register/client')
  })

  it('is one route as data for each of its methods', () => {
    const routes = openHouse(managed)
      .auth.getRoutes()
      .filter(({ path }) => path === '/register/client')
    expect(routes.map(({ method }) => method)).toEqual(['GET', 'PUT', 'DELETE', 'OPTIONS'])
  })
})

describe('a client that reads its registration (RFC 7592 §2.1)', () => {
  it('is told what it registered, and nobody else may keep the answer', async () => {
    const house = openHouse(managed)
    const told = await register(house, { scope: 'repo' })
    const answer = await ask(house, told, 'GET')
    expect([answer.headers.get('cache-control'), answer.headers.get('access-control-allow-origin')]).toEqual(['no-store', '*'])
    expect(await readJson(answer)).toEqual({ status: 200, body: told })
  })

  it('is not told its secret again: only a hash of it is left', async () => {
    const house = openHouse(managed)
    const told = await register(house, { token_endpoint_auth_method: 'client_secret_post' })
    const { body } = await readJson(await ask(house, told, 'GET'))
    expect(Object.keys(Object(body)).filter((name) => name.startsWith('client_secret'))).toEqual([])
  })
})

describe('a client that replaces its registration (RFC 7592 §2.2)', () => {
  it('has what it says now, and nothing of before', async () => {
    const house = openHouse(managed)
    const client = await register(house, { scope: 'repo', application_type: 'native' })
    house.environment.advance(60)
    const answer = await ask(house, client, 'PUT', { client_id: client.client_id, redirect_uris: ['https://new.example/cb'] })
    const expected = {
      client_id: client.client_id,
      client_id_issued_at: 1_767_268_800,
      registration_client_uri: client.registration_client_uri,
      registration_access_token: client.registration_access_token,
      redirect_uris: ['https://new.example/cb'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
    expect(await readJson(answer)).toEqual({ status: 200, body: expected })
    expect(await readJson(await ask(house, client, 'GET'))).toEqual({ status: 200, body: expected })
    expect(await statusOf(house, client.client_id)).toBe(400)
    expect(await statusOf(house, client.client_id, 'https://new.example/cb')).toBe(200)
    expect(house.events).toContainEqual({ type: 'client.changed', clientId: client.client_id, clientName: undefined, at: 1_767_268_860 })
  })

  it('can send back what it was told, changed where it wants', async () => {
    const house = openHouse(managed)
    const told = await register(house)
    const answer = await ask(house, told, 'PUT', { ...told, client_name: 'Another name' })
    expect(await readJson(answer)).toEqual({ status: 200, body: { ...told, client_name: 'Another name' } })
  })

  it('keeps its secret, however often, and is given one only when it asks for the first', async () => {
    const house = openHouse(managed)
    const client = await register(house)
    const put = (method: string, rest = {}): Promise<Response> =>
      ask(house, client, 'PUT', { client_id: client.client_id, redirect_uris: [redirectUri], token_endpoint_auth_method: method, ...rest })
    const { client_secret: secret, client_secret_expires_at: endsAt } = await (await put('client_secret_post')).json()
    expect([secret, endsAt]).toEqual([expect.stringMatching(/^[A-Za-z0-9_-]{43}$/), 0])
    expect(await (await put('client_secret_post', { client_secret: secret })).json()).not.toHaveProperty('client_secret')
    const code = (await house.signIn(client.client_id)).searchParams.get('code') ?? ''
    expect((await house.redeem(client.client_id, code, { client_secret: secret })).status).toBe(200)
    // Public again: the secret is forgotten, and the next one is another.
    expect((await put('none')).status).toBe(200)
    const { client_secret: next } = await (await put('client_secret_basic')).json()
    expect(next).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(next).not.toBe(secret)
  })

  it('keeps its grants', async () => {
    const house = openHouse(managed)
    const client = await register(house)
    const code = (await house.signIn(client.client_id)).searchParams.get('code') ?? ''
    const tokens = await (await house.redeem(client.client_id, code)).json()
    await ask(house, client, 'PUT', { client_id: client.client_id, redirect_uris: ['https://new.example/cb'] })
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect((await house.refresh(client.client_id, tokens.refresh_token)).status).toBe(200)
  })

  it('does not live longer for it: thirty days, unless somebody logs in (R118)', async () => {
    const house = openHouse(managed)
    const client = await register(house)
    house.environment.advance(30 * 86_400 - 1)
    expect((await ask(house, client, 'PUT', { client_id: client.client_id, redirect_uris: [redirectUri] })).status).toBe(200)
    house.environment.advance(1)
    expect(await readJson(await ask(house, client, 'GET'))).toEqual(unknown)
  })

  const changed = refusal(400, 'invalid_client_metadata', 'The client_id, or the client_secret, is not the one that was registered.')
  const cases: readonly [string, (client: Told) => unknown, JsonAnswer][] = [
    ['without its id', () => ({ redirect_uris: [redirectUri] }), changed],
    ["with another client's id", () => ({ client_id: '019b796d-d600-7f16-9f9b-4e6a10247522', redirect_uris: [redirectUri] }), changed],
    [
      'with a secret of its choice',
      ({ client_id }) => ({ client_id, client_secret: 'chosen-by-the-client-0123456789', redirect_uris: [redirectUri] }),
      changed,
    ],
    ['that is no object', () => [], changed],
    [
      'with a redirect URI that nobody may register (T24)',
      ({ client_id }) => ({ client_id, redirect_uris: [redirectUri, 'javascript:x'] }),
      refusal(400, 'invalid_redirect_uri', 'A redirect URI has a scheme that is not allowed.'),
    ],
    [
      'with no redirect URI',
      ({ client_id }) => ({ client_id }),
      refusal(400, 'invalid_redirect_uri', 'The field redirect_uris is missing or not as RFC 7591 has it.'),
    ],
    [
      'with a malformed field (T34)',
      ({ client_id }) => ({ client_id, redirect_uris: [redirectUri], client_name: 5 }),
      refusal(400, 'invalid_client_metadata', 'The field client_name is missing or not as RFC 7591 has it.'),
    ],
  ]
  it.each(cases)('is refused %s, and stays as it was', async (_, bodyOf, refused) => {
    const store = countedStore()
    const house = openHouse({ ...managed, clientStorage: store })
    const client = await register(house)
    const before = store.writes
    expect(await readJson(await ask(house, client, 'PUT', bodyOf(client)))).toEqual(refused)
    expect(store.writes).toBe(before)
    expect(await readJson(await ask(house, client, 'GET'))).toEqual({ status: 200, body: client })
  })

  it("is held to the operator's list of redirect URIs", async () => {
    const clients = { ...managed.clients, redirectUris: ['http://127.0.0.1/callback'] }
    const house = openHouse({ clients })
    const client = await register(house)
    const answer = await ask(house, client, 'PUT', { client_id: client.client_id, redirect_uris: ['https://new.example/cb'] })
    expect(await readJson(answer)).toEqual(refusal(400, 'invalid_redirect_uri', 'A redirect URI is not one that this server allows.'))
  })

  it('gains no privilege by it: its token, its times and its id are ours (R99, T39)', async () => {
    const house = openHouse(managed)
    const client = await register(house)
    const body = {
      client_id: client.client_id,
      redirect_uris: [redirectUri],
      registration_access_token: 'chosen',
      registration_client_uri: 'https://evil.example',
      client_id_issued_at: 1,
      endsAt: 9_999_999_999,
      registrationTokenHash: 'chosen',
      scope: 'admin',
    }
    expect(await readJson(await ask(house, client, 'PUT', body))).toEqual({
      status: 200,
      body: { ...client, client_name: undefined },
    })
  })
})

describe('a client that removes itself (RFC 7592 §2.3)', () => {
  it('is gone, with everything it was granted', async () => {
    const house = openHouse(managed)
    const client = await register(house)
    const tokens = []
    for (let count = 0; count < 3; count += 1) {
      const code = (await house.signIn(client.client_id)).searchParams.get('code') ?? ''
      tokens.push(await (await house.redeem(client.client_id, code)).json())
    }
    const pending = (await house.signIn(client.client_id)).searchParams.get('code') ?? ''
    const answer = await ask(house, client, 'DELETE')
    expect([answer.status, await answer.text(), answer.headers.get('cache-control')]).toEqual([204, '', 'no-store'])
    for (const { access_token: accessToken } of tokens) expect(await house.mcpStatus(accessToken)).toBe(401)
    expect((await house.refresh(client.client_id, tokens[0].refresh_token)).status).toBe(401)
    expect((await house.redeem(client.client_id, pending)).status).toBe(401)
    expect(await statusOf(house, client.client_id)).toBe(400)
    for (const method of ['GET', 'DELETE']) expect(await readJson(await ask(house, client, method))).toEqual(unknown)
    expect(house.events.filter((event) => event.type === 'grant.ended').map(({ reason }) => reason)).toEqual(
      Array.from({ length: 4 }, () => 'client_removed'),
    )
    expect(house.events).toContainEqual({ type: 'client.removed', clientId: client.client_id, at: 1_767_268_800 })
  })

  it('takes with it what was granted while it was at it', async () => {
    const world = openHouse()
    const meanwhile: (() => Promise<void>)[] = []
    const store = wrappedStore(memoryStore(world), async ({ method, key }, run) => {
      if (method === 'delete' && key.includes(':client:')) await meanwhile.pop()?.()
      return run()
    })
    const house = openHouse({ beside: world, clientStorage: store, ...managed })
    const client = await register(house)
    const accessTokens: string[] = []
    meanwhile.push(async () => {
      const code = (await house.signIn(client.client_id)).searchParams.get('code') ?? ''
      accessTokens.push((await (await house.redeem(client.client_id, code)).json()).access_token)
      expect(await house.mcpStatus(accessTokens[0] ?? '')).toBe(200)
    })
    expect((await ask(house, client, 'DELETE')).status).toBe(204)
    expect(await Promise.all(accessTokens.map((token) => house.mcpStatus(token)))).toEqual([401])
  })

  it('takes nothing of another client with it', async () => {
    const house = openHouse(managed)
    const { clientId, tokens } = await house.login()
    await ask(house, await register(house), 'DELETE')
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect(await statusOf(house, clientId)).toBe(200)
  })

  it('can try again where the store failed, until everything is gone', async () => {
    const store = countedStore()
    const house = openHouse({ ...managed, clientStorage: store })
    const client = await register(house)
    const code = (await house.signIn(client.client_id)).searchParams.get('code') ?? ''
    const tokens = await (await house.redeem(client.client_id, code)).json()
    store.fail(({ method, key }) => method === 'delete' && key.includes(':grant:'))
    await expectUnavailable(await ask(house, client, 'DELETE'))
    store.fail(({ method, key }) => method === 'delete' && key.includes(':client:'))
    await expectUnavailable(await ask(house, client, 'DELETE'))
    store.fail(false)
    expect((await ask(house, client, 'DELETE')).status).toBe(204)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
  })

  it('stays gone, whatever else was asked in the same moment', async () => {
    const house = openHouse(managed)
    const client = await register(house)
    const body = { client_id: client.client_id, redirect_uris: [redirectUri] }
    const asked = ['PUT', 'DELETE', 'PUT', 'GET', 'DELETE', 'PUT'].map((method) =>
      ask(house, client, method, method === 'PUT' ? body : undefined),
    )
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    expect(statuses.filter((status) => ![200, 204, 401].includes(status))).toEqual([])
    expect(statuses).toContain(204)
    expect((await ask(house, client, 'GET')).status).toBe(401)
    expect(await statusOf(house, client.client_id)).toBe(400)
  })
})

describe('whoever is not that client', () => {
  const cases: readonly [string, (house: House, client: Told) => Promise<Response> | Response, string, string][] = [
    ['brings no token', (house, client) => house.call(client.registration_client_uri), 'Bearer realm="Drawbridge"', 'credentials_missing'],
    [
      'brings another token',
      (house, client) => ask(house, client, 'GET', undefined, `db_rat_${'A'.repeat(43)}`),
      'Bearer realm="Drawbridge", error="invalid_token"',
      'registration_token_wrong',
    ],
    [
      "brings another client's token",
      async (house, client) => ask(house, client, 'GET', undefined, (await register(house)).registration_access_token),
      'Bearer realm="Drawbridge", error="invalid_token"',
      'registration_token_wrong',
    ],
    [
      'names a client that never was',
      (house, client) => ask(house, { ...client, registration_client_uri: '/register/client?client_id=nobody' }, 'GET'),
      'Bearer realm="Drawbridge", error="invalid_token"',
      'client_unknown',
    ],
    [
      'names none',
      (house, client) => ask(house, { ...client, registration_client_uri: '/register/client' }, 'GET'),
      'Bearer realm="Drawbridge", error="invalid_token"',
      'client_unknown',
    ],
    [
      'names two',
      (house, client) =>
        ask(house, { ...client, registration_client_uri: `${client.registration_client_uri}&client_id=${client.client_id}` }, 'GET'),
      'Bearer realm="Drawbridge", error="invalid_token"',
      'client_unknown',
    ],
  ]
  it.each(cases)('is refused by the same words, whichever way: %s', async (_, asked, challenge, reason) => {
    const house = openHouse(managed)
    const answer = await asked(house, await register(house))
    expect(answer.headers.get('www-authenticate')).toBe(challenge)
    expect(await readJson(answer)).toEqual(unknown)
    expect(house.events.at(-1)).toEqual({
      type: 'request.refused',
      endpoint: 'client-configuration',
      error: 'invalid_token',
      reason,
      at: 1_767_268_800,
    })
  })

  it.each(['PUT', 'DELETE'])('can neither change nor remove it: %s', async (method) => {
    const store = countedStore()
    const house = openHouse({ ...managed, clientStorage: store })
    const client = await register(house)
    const other = await register(house)
    const before = store.writes
    const body = { client_id: client.client_id, redirect_uris: ['https://evil.example/cb'] }
    const answer = await ask(house, client, method, method === 'PUT' ? body : undefined, other.registration_access_token)
    expect(await readJson(answer)).toEqual(unknown)
    expect(store.writes).toBe(before)
    expect(await statusOf(house, client.client_id)).toBe(200)
  })

  it('may be a client from before, or one that the operator lists: neither has a token', async () => {
    const open = openHouse()
    const clientId = await open.register()
    const house = openHouse({
      beside: open,
      clients: { ...managed.clients, static: [{ clientId: 'desk', redirectUris: [redirectUri] }] },
    })
    for (const id of [clientId, 'desk']) {
      const client = { client_id: id, registration_client_uri: `/register/client?client_id=${id}`, registration_access_token: 'x' }
      expect(await readJson(await ask(house, client, 'GET'))).toEqual(unknown)
    }
  })

  it.each(['POST', 'PATCH', 'HEAD'])('finds no %s there', async (method) => {
    const answer = await openHouse(managed).call('/register/client', { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, PUT, DELETE'])
  })

  it('is heard while the store was emptied: trouble, and not unknown', async () => {
    const house = openHouse(managed)
    const client = await register(house)
    house.environment.advance(5)
    await expectUnavailable(await ask(openHouse({ beside: house, clientStorage: memoryStore(house), ...managed }), client, 'GET'))
  })
})

describe('over a connection', () => {
  it('reaches us with every method, and a browser is told which there are (R15)', async () => {
    const port = await freePort()
    const house = openHouse({ ...managed, baseUrl: `http://localhost:${port}` })
    const app = { fetch: async (request: Request) => (await house.auth.fetch(request)) ?? new Response(null, { status: 404 }) }
    const served = await serve(app, { port, print: () => {} })
    try {
      const client = await register(house)
      const headers = { authorization: `Bearer ${client.registration_access_token}`, 'content-type': 'application/json' }
      const body = JSON.stringify({ client_id: client.client_id, redirect_uris: [redirectUri] })
      const url = client.registration_client_uri.replace('localhost', '127.0.0.1')
      const preflight = await fetch(url, {
        method: 'OPTIONS',
        headers: { origin: 'https://inspector.example', 'access-control-request-method': 'PUT' },
      })
      expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'GET,PUT,DELETE'])
      const statuses = []
      for (const init of [{ method: 'GET' }, { method: 'PUT', body }, { method: 'DELETE' }])
        statuses.push((await fetch(url, { headers, ...init })).status)
      expect(statuses).toEqual([200, 200, 204])
    } finally {
      await served.close()
    }
  })
})
