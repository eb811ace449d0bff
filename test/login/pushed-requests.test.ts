import { memoryStore } from '@drawbridge/storage'
import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { distantStore } from '../support/distant-store.ts'
import { challenge, type House, openHouse, redirectUri, verifier } from '../support/house.ts'
import { type JsonAnswer, readJson, refusal } from '../support/read-json.ts'
import { openTab, signInUpstream } from '../support/tab.ts'
import { watchedStore } from '../support/watched-store.ts'

type Changes = Readonly<Record<string, string | undefined>>

const on = { extensions: { pushedRequests: 'allowed' } } as const
const required = { extensions: { pushedRequests: 'required' } } as const

/** What a client pushes: all that it would put into a URL. */
function fieldsOf(clientId: string, changes: Changes = {}): Record<string, string> {
  const fields = {
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'the-state',
    ...changes,
  }
  return Object.fromEntries(Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined))
}

const push = (house: House, clientId: string, changes?: Changes): Promise<Response> => house.post('/par', fieldsOf(clientId, changes))

/** Pushes a request that is good; answers its reference. */
async function pushed(house: House, clientId: string, changes?: Changes): Promise<string> {
  const answer = await push(house, clientId, changes)
  const { request_uri: requestUri }: { request_uri: string } = await answer.json()
  return requestUri
}

const referringTo = (house: House, clientId: string, requestUri: string, more: Record<string, string> = {}): string =>
  `${house.baseUrl}/authorize?${new URLSearchParams({ client_id: clientId, request_uri: requestUri, ...more })}`

const reasons = (house: House): string[] => house.events.flatMap((event) => (event.type === 'request.refused' ? [event.reason] : []))

const notStarted = {
  error: 'invalid_request_uri',
  error_description: 'This login was not started, or too long ago. Start again in the application.',
}

describe('a pushed request (RFC 9126)', () => {
  it('is answered 201 with a reference of 256 random bits, for 90 seconds, and the answer is not stored (§2.2)', async () => {
    const house = openHouse(on)
    const answer = await push(house, await house.register())
    expect(Object.fromEntries(answer.headers)).toMatchObject({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' })
    expect(await readJson(answer)).toEqual({
      status: 201,
      body: { request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}$/), expires_in: 90 },
    })
  })

  it('becomes a login: everything comes from what was pushed, and other parameters are ignored (§4, RFC 9101 §6.3)', async () => {
    const house = openHouse({ ...on, clients: { validScopes: ['repo'] } })
    const clientId = await house.register({ redirect_uris: [redirectUri, 'https://client.example/cb'] })
    const requestUri = await pushed(house, clientId, { scope: 'repo' })
    const others = { redirect_uri: 'https://client.example/cb', state: 'another', scope: 'user', response_type: 'token', prompt: 'none' }
    const tab = openTab(house)
    const page = await tab.open(referringTo(house, clientId, requestUri, others))
    const { refresh } = await tab.decide(page, 'approve')
    const end = new URL((await tab.open(await signInUpstream(house, refresh))).location)
    expect([end.origin + end.pathname, end.searchParams.get('state'), end.searchParams.get('iss')]).toEqual([
      redirectUri,
      'the-state',
      'http://localhost:8000',
    ])
    const answer = await house.redeem(clientId, end.searchParams.get('code') ?? '')
    expect(await answer.json()).toMatchObject({ token_type: 'Bearer', scope: 'repo' })
  })

  it('can be shown again until it ends, since showing it does nothing, and not a second longer (§4, §7.3)', async () => {
    const house = openHouse(on)
    const clientId = await house.register()
    const requestUri = await pushed(house, clientId)
    const open = () => openTab(house).open(referringTo(house, clientId, requestUri), { accept: 'application/json' })
    expect((await open()).status).toBe(200)
    house.environment.advance(89)
    expect((await open()).status).toBe(200)
    house.environment.advance(1)
    const late = await open()
    expect([late.status, JSON.parse(late.text)]).toEqual([400, notStarted])
    expect(reasons(house)).toEqual(['pushed_request_unknown'])
  })

  it('is good for the client that pushed it and for no other, and nobody is told which it was (§7.2)', async () => {
    const house = openHouse(on)
    const requestUri = await pushed(house, await house.register())
    const other = await house.register()
    const answer = await openTab(house).open(referringTo(house, other, requestUri), { accept: 'application/json' })
    expect([answer.status, answer.location, JSON.parse(answer.text)]).toEqual([400, '', notStarted])
    const guess = `urn:ietf:params:oauth:request_uri:${'A'.repeat(43)}`
    const guessed = await openTab(house).open(referringTo(house, other, guess), { accept: 'application/json' })
    expect([guessed.status, JSON.parse(guessed.text)]).toEqual([400, notStarted])
    expect(reasons(house)).toEqual(['pushed_request_of_another_client', 'pushed_request_unknown'])
  })

  it('needs its client in the URL, once (§4, R62, T30)', async () => {
    const house = openHouse(on)
    const clientId = await house.register()
    const requestUri = await pushed(house, clientId)
    const url = referringTo(house, clientId, requestUri)
    for (const wrong of [url.replace(/client_id=[^&]*&/, ''), `${url}&client_id=${clientId}`]) {
      const answer = await openTab(house).open(wrong)
      expect([answer.status, answer.location]).toEqual([400, ''])
    }
    expect(reasons(house)).toEqual(['client_id_missing', 'parameter_repeated'])
  })

  it('is one that a confidential client proves, by the method it registered and not by a parameter that is kept (§2.1)', async () => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const house = openHouse({ ...on, beside: world, clientStorage: store })
    const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'client_secret_post' })
    const answer = await house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { client_id: clientId, client_secret: secret }: { client_id: string; client_secret: string } = await answer.json()
    expect((await push(house, clientId, { client_secret: secret })).status).toBe(201)
    expect(store.written.filter(({ value }) => value.includes(secret))).toEqual([])
    expect(await readJson(await push(house, clientId))).toEqual(
      refusal(401, 'invalid_client', 'The client is unknown or did not authenticate as it registered.'),
    )
    expect((await push(house, clientId, { client_secret: 'wrong' })).status).toBe(401)
    expect(store.keysOf('pushed-request')).toHaveLength(1)
  })

  it('is made and followed by a client library that knows the RFC', async () => {
    const house = openHouse(on)
    const options = {
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url: string, init: object) => house.call(url, init),
    }
    const issuer = new URL(house.baseUrl)
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }))
    const client = { client_id: await house.register() }
    const parameters = fieldsOf(client.client_id)
    const answer = await oauth.pushedAuthorizationRequest(server, client, oauth.None(), parameters, options)
    const { request_uri: requestUri } = await oauth.processPushedAuthorizationResponse(server, client, answer)
    const tab = openTab(house)
    const { refresh } = await tab.decide(await tab.open(referringTo(house, client.client_id, requestUri)), 'approve')
    const end = new URL((await tab.open(await signInUpstream(house, refresh))).location)
    const code = oauth.validateAuthResponse(server, client, end, 'the-state')
    const redeemed = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), code, redirectUri, verifier, options)
    expect(await oauth.processAuthorizationCodeResponse(server, client, redeemed)).toMatchObject({ token_type: 'bearer', scope: 'user' })
  })
})

describe('what could not be asked for in a URL cannot be pushed either (RFC 9126 §2.1 and §2.3, R54)', () => {
  const cases: readonly [string, Changes, JsonAnswer, string][] = [
    [
      'a redirect URI of nobody',
      { redirect_uri: 'https://evil.example/cb' },
      refusal(400, 'invalid_request', 'The redirect URI is not one that the application registered.'),
      'redirect_uri_unregistered',
    ],
    [
      'no challenge',
      { code_challenge: undefined },
      refusal(400, 'invalid_request', 'The parameter code_challenge is missing.'),
      'challenge_missing',
    ],
    [
      'another response type',
      { response_type: 'token' },
      refusal(400, 'unsupported_response_type', 'The response type is not code.'),
      'unsupported_response_type',
    ],
    [
      'another resource',
      { resource: 'https://elsewhere.example/mcp' },
      refusal(400, 'invalid_target', 'The resource is not one of this server.'),
      'resource_unknown',
    ],
    [
      'a request object',
      { request: 'a.b.c' },
      refusal(400, 'request_not_supported', 'Request objects are not supported.'),
      'request_not_supported',
    ],
    [
      'a reference',
      { request_uri: `urn:ietf:params:oauth:request_uri:${'A'.repeat(43)}` },
      refusal(400, 'invalid_request', 'The parameter request_uri cannot be pushed.'),
      'request_uri_pushed',
    ],
    [
      'an unknown client',
      { client_id: 'nobody' },
      refusal(401, 'invalid_client', 'The client is unknown or did not authenticate as it registered.'),
      'client_unknown',
    ],
    ['no client', { client_id: undefined }, refusal(400, 'invalid_request', 'The parameter client_id is missing.'), 'client_id_missing'],
  ]

  it.each(cases)('%s: it is told to the client, nobody is redirected, and nothing is kept', async (_, changes, expected, reason) => {
    const store = countedStore()
    const house = openHouse({ ...on, clientStorage: store })
    const clientId = await house.register()
    const { writes } = store
    const answer = await push(house, clientId, changes)
    expect(answer.headers.get('location')).toBeNull()
    expect(await readJson(answer)).toEqual(expected)
    expect(reasons(house)).toEqual([reason])
    expect(store.writes).toBe(writes)
  })

  it('a parameter twice, and a body that is no form (R80, T30)', async () => {
    const house = openHouse(on)
    const fields = new URLSearchParams(fieldsOf(await house.register()))
    fields.append('scope', 'user')
    fields.append('scope', 'user')
    expect(await readJson(await house.post('/par', fields))).toEqual(
      refusal(400, 'invalid_request', 'The parameter scope was sent more than once.'),
    )
    const body = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    expect((await house.call('/par', body)).status).toBe(400)
    expect((await house.call('/par')).status).toBe(405)
  })
})

describe('where requests have to be pushed', () => {
  it('any other is refused, to the client and without showing anything (RFC 9126 §5)', async () => {
    const house = openHouse(required)
    const clientId = await house.register()
    const answer = await openTab(house).open(house.authorizeUrl(clientId))
    expect(Object.fromEntries(new URL(answer.location).searchParams)).toEqual({
      error: 'invalid_request',
      error_description: 'The request has to be pushed first.',
      state: 'the-state',
      iss: 'http://localhost:8000',
    })
    expect(reasons(house)).toEqual(['request_not_pushed'])
    expect((await openTab(house).open(referringTo(house, clientId, await pushed(house, clientId)))).status).toBe(200)
  })

  it('because the client registered so, its other requests are refused, and those of other clients are not (RFC 9126 §6)', async () => {
    const house = openHouse(on)
    const body = JSON.stringify({ redirect_uris: [redirectUri], require_pushed_authorization_requests: true })
    const answer = await house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { client_id: clientId, ...rest }: { client_id: string } = await answer.json()
    expect(rest).toMatchObject({ require_pushed_authorization_requests: true })
    const refused = await openTab(house).open(house.authorizeUrl(clientId))
    expect(new URL(refused.location).searchParams.get('error')).toBe('invalid_request')
    expect((await openTab(house).open(referringTo(house, clientId, await pushed(house, clientId)))).status).toBe(200)
    expect((await openTab(house).open(house.authorizeUrl(await house.register()))).status).toBe(200)
  })
})

describe('the metadata says', () => {
  const members = async (house: House): Promise<unknown> => {
    const document: Record<string, unknown> = await (await house.call('/.well-known/oauth-authorization-server')).json()
    return Object.fromEntries(Object.entries(document).filter(([name]) => name.includes('pushed')))
  }

  it('nothing of it while it is off; then there is no endpoint, and a reference is a request object (R12)', async () => {
    const house = openHouse()
    expect(await members(house)).toEqual({})
    const clientId = await house.register({ require_pushed_authorization_requests: true })
    expect((await push(house, clientId)).status).toBe(404)
    const answer = await openTab(house).open(
      house.authorizeUrl(clientId, { request_uri: `urn:ietf:params:oauth:request_uri:${'A'.repeat(43)}` }),
    )
    expect(new URL(answer.location).searchParams.get('error')).toBe('request_uri_not_supported')
    expect((await openTab(house).open(house.authorizeUrl(clientId))).status).toBe(200)
  })

  it('where to push, and whether it has to be (RFC 9126 §5)', async () => {
    const endpoint = { pushed_authorization_request_endpoint: 'http://localhost:8000/par' }
    expect(await members(openHouse(on))).toEqual(endpoint)
    expect(await members(openHouse(required))).toEqual({ ...endpoint, require_pushed_authorization_requests: true })
  })
})

it('a reference of another kind is still refused, to the client: nothing is fetched (RFC 9101 §10.4)', async () => {
  const house = openHouse(on)
  const url = house.authorizeUrl(await house.register(), { request_uri: 'https://client.example/request.jwt' })
  const answer = await openTab(house).open(url)
  expect(new URL(answer.location).searchParams.get('error')).toBe('request_uri_not_supported')
})

it('an option that is neither of the two is a problem', () => {
  const options: object = { extensions: { pushedRequests: true } }
  expect(() => openHouse(options)).toThrow("extensions.pushedRequests is neither 'allowed' nor 'required'")
})

it('the store is waited for twice to push, and once to show', { retry: 4 }, async () => {
  const world = openHouse()
  const store = distantStore(memoryStore(world), world.environment)
  const house = openHouse({ ...on, beside: world, clientStorage: store })
  const clientId = await house.register()
  const { waits, result: requestUri } = await store.waitsOf(() => pushed(house, clientId))
  expect(waits).toBe(2)
  const show = () => openTab(house).open(referringTo(house, clientId, requestUri))
  expect(await store.waitsOf(show)).toMatchObject({ waits: 1, result: { status: 200 } })
})
