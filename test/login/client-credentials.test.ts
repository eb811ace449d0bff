import { NoUpstream, type StaticClient } from '@drawbridge/core'
import { memoryStore } from '@drawbridge/storage'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { clientAssertionType, createSigner, sign } from '../support/assertions.ts'
import { type House, type HouseOptions, openHouse, redirectUri, type TokenAnswer } from '../support/house.ts'
import { watchedStore } from '../support/watched-store.ts'

const secret = 'a-secret-of-a-machine-01'
const signer = createSigner()
const reports: StaticClient = {
  clientId: 'reports',
  clientSecret: secret,
  grantTypes: ['client_credentials'],
  scopes: ['read', 'write'],
  clientName: 'Reports',
}
const basic = (id: string, proof = secret) => ({ authorization: `Basic ${Buffer.from(`${id}:${proof}`).toString('base64')}` })

const machines = (clients: readonly StaticClient[] = [reports], options: HouseOptions = {}): House =>
  openHouse({ requiredScopes: ['read'], ...options, clients: { ...options.clients, static: clients } })

const ask = (house: House, fields: Record<string, string> = {}, headers: Record<string, string> = basic('reports')): Promise<Response> =>
  house.post('/token', { grant_type: 'client_credentials', ...fields }, headers)

describe('a client that acts for itself (SEP-1046, RFC 6749 §4.4)', () => {
  it('is given one access token, for itself, with all that it is listed with, and no refresh token (R99)', async () => {
    const house = machines()
    const answer = await ask(house)
    const body: TokenAnswer = await answer.json()
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(body).toEqual({ access_token: body.access_token, token_type: 'Bearer', expires_in: 3600, scope: 'read write' })
    expect(decodeJwt(body.access_token)).toMatchObject({
      iss: 'http://localhost:8000',
      aud: 'http://localhost:8000/mcp',
      sub: 'urn:drawbridge:client:reports',
      client_id: 'reports',
      scope: 'read write',
    })
    const { clientId, scopes, extra } = await house.auth.verifyAccessToken(body.access_token)
    expect([clientId, scopes, extra.identity]).toEqual([
      'reports',
      ['read', 'write'],
      { subject: 'urn:drawbridge:client:reports', claims: { client_id: 'reports', name: 'Reports' } },
    ])
    expect(await house.mcpStatus(body.access_token)).toBe(200)
    expect(house.events.map(({ type }) => type)).toEqual(['grant.opened', 'token.issued'])
  })

  it('proves itself by the header, in the body, or by signing (R85, R131)', async () => {
    const house = machines([
      reports,
      { ...reports, clientId: 'post', authentication: 'client_secret_post' },
      { clientId: 'signs', jwks: { keys: [signer.jwk] }, grantTypes: ['client_credentials'] },
    ])
    const now = house.environment.now()
    const claims = { iss: 'signs', sub: 'signs', aud: 'http://localhost:8000', exp: now + 60, jti: 'one' }
    const assertion = { client_assertion_type: clientAssertionType, client_assertion: await sign(signer, claims) }
    expect((await ask(house)).status).toBe(200)
    expect((await ask(house, { client_id: 'post', client_secret: secret }, {})).status).toBe(200)
    expect((await ask(house, assertion, {})).status).toBe(200)
    expect((await ask(house, assertion, {})).status).toBe(401)
  })

  it.each([
    ['less than it is listed with', 'write', 'write'],
    ['what it has and what it has not', 'admin write', 'write'],
    ['nothing', '', 'read write'],
  ])('asks for %s', async (_, scope, granted) => {
    expect(await (await ask(machines(), { scope })).json()).toMatchObject({ scope: granted })
  })

  it('that is listed without scopes has those that every call needs, and no others', async () => {
    const { scopes: _, ...plain } = reports
    const house = machines([plain], { clients: { validScopes: ['read', 'write'] } })
    expect(await (await ask(house, { scope: 'read write' })).json()).toMatchObject({ scope: 'read' })
  })

  it('says for which of several resources (R60)', async () => {
    const house = machines([reports], { mcpPath: ['/mcp', '/admin'] })
    const good = await ask(house, { resource: 'http://localhost:8000/admin' })
    const { access_token: token }: TokenAnswer = await good.json()
    expect(decodeJwt(token).aud).toBe('http://localhost:8000/admin')
    for (const fields of [{}, { resource: 'http://localhost:8000/other' }, { resource: '/mcp' }])
      expect([(await ask(house, fields)).status, await (await ask(house, fields)).json()]).toEqual([
        400,
        { error: 'invalid_target', error_description: 'The resource is not one of this server.' },
      ])
  })
})

describe('nothing is given, and nothing written, to', () => {
  const refused = { error: 'invalid_client', error_description: 'The client is unknown or did not authenticate as it registered.' }
  const unauthorized = { error: 'unauthorized_client', error_description: 'The client may not use this grant type.' }
  const noScope = { error: 'invalid_scope', error_description: 'None of the scopes is one that the client has.' }
  const malformed = { error: 'invalid_scope', error_description: 'The parameter scope has characters that no scope has.' }
  const others: StaticClient[] = [
    { clientId: 'desk', clientSecret: secret, redirectUris: [redirectUri] },
    { clientId: 'public', redirectUris: [redirectUri] },
  ]

  it.each<[string, number, object, Record<string, string>, Record<string, string>]>([
    ['a client with a wrong secret (T17)', 401, refused, {}, basic('reports', 'wrong')],
    ['a client without a secret', 401, refused, { client_id: 'reports' }, {}],
    ['a client that nobody listed', 401, refused, {}, basic('nobody')],
    ['a client that is listed for people', 400, unauthorized, {}, basic('desk')],
    ['a public client', 400, unauthorized, { client_id: 'public' }, {}],
    ['scopes that it has not', 400, noScope, { scope: 'admin' }, basic('reports')],
    ['scopes that are none', 400, malformed, { scope: 'a"b' }, basic('reports')],
  ])('%s', async (_, status, body, fields, headers) => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const house = machines([reports, ...others], { beside: world, clientStorage: store })
    const answer = await ask(house, fields, headers)
    expect([answer.status, await answer.json()]).toEqual([status, body])
    expect(store.keysOf('grant')).toEqual([])
  })

  it('a client that registered by itself, whatever it registered for', async () => {
    const house = machines()
    const headers = { 'content-type': 'application/json' }
    const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: 'client_secret_post' }
    const grants = { grant_types: ['authorization_code', 'client_credentials'] }
    const answer = await house.call('/register', { method: 'POST', headers, body: JSON.stringify({ ...metadata, ...grants }) })
    const client: Record<string, string> = await answer.json()
    expect(client.grant_types).toEqual(['authorization_code'])
    const fields = { client_id: client.client_id ?? '', client_secret: client.client_secret ?? '' }
    expect(await (await ask(house, fields, {})).json()).toEqual(unauthorized)
  })

  it('anybody, while no client is listed for it: the grant type does not exist, and the metadata names none (R8)', async () => {
    const house = openHouse({ clients: { static: others } })
    expect(await (await ask(house, {}, basic('desk'))).json()).toEqual({
      error: 'unsupported_grant_type',
      error_description: 'The grant type is not supported.',
    })
    expect(house.auth.oauthMetadata.grant_types_supported).toEqual(['authorization_code', 'refresh_token'])
    expect(machines().auth.oauthMetadata.grant_types_supported).toEqual(['authorization_code', 'refresh_token', 'client_credentials'])
  })
})

describe('a token that a client has for itself', () => {
  const token = async (house: House): Promise<string> => {
    const { access_token: accessToken }: TokenAnswer = await (await ask(house)).json()
    return accessToken
  }

  it('has no upstream: a tool is told so, and nobody is asked', async () => {
    const house = machines()
    const info = await house.auth.verifyAccessToken(await token(house))
    house.environment.advance(3599)
    await house.auth.verifyAccessToken(info.token)
    await house.environment.drain()
    await expect(house.auth.upstream(info)).rejects.toThrow(NoUpstream)
    expect(house.github.received).toEqual([])
  })

  it('is written once and never again, and its grant ends with it', async () => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const house = machines([reports], { beside: world, clientStorage: store })
    const accessToken = await token(house)
    expect(await house.mcpStatus(accessToken)).toBe(200)
    await house.environment.drain()
    const written = store.written.filter(({ key }) => key.split(':')[1] === 'grant')
    expect(written.map(({ ttl }) => ttl)).toEqual([3630])
    expect(store.written.filter(({ key }) => key.split(':')[1]?.endsWith('-grants')).map(({ ttl }) => ttl)).toEqual([3630, 3630])
    expect(JSON.parse(written[0]?.value ?? '')).not.toHaveProperty('upstream')
    house.environment.advance(3629)
    expect(await house.mcpStatus(accessToken)).toBe(200)
    house.environment.advance(1)
    expect(await house.mcpStatus(accessToken)).toBe(401)
  })

  it.each<[string, (house: House, token: string) => Promise<unknown>]>([
    ['by the client', (house, accessToken) => house.post('/revoke', { token: accessToken }, basic('reports'))],
    ['by the operator, by its client', (house) => house.auth.revoke({ clientId: 'reports' })],
    ['by the operator, by its subject', (house) => house.auth.revoke({ subject: 'urn:drawbridge:client:reports' })],
  ])('is revoked %s, and the upstream is not told', async (_, revoke) => {
    const house = machines()
    const accessToken = await token(house)
    await revoke(house, accessToken)
    await house.environment.drain()
    expect(await house.mcpStatus(accessToken)).toBe(401)
    expect(house.events.filter(({ type }) => type === 'grant.ended' || type === 'upstream.failed')).toHaveLength(1)
    expect(house.github.received).toEqual([])
  })
})

describe('a client for itself that cannot work stops the start', () => {
  it.each<[string, Partial<StaticClient>, string]>([
    [
      'without anything to prove itself by',
      {},
      'has the grant type client_credentials and nothing to prove itself by: give it a clientSecret or jwks',
    ],
    [
      'with a secret and keys',
      { clientSecret: secret, jwks: { keys: [signer.jwk] } },
      'has a clientSecret and keys: it proves itself by one of them',
    ],
    ['with a key that is none', { jwks: { keys: [] } }, 'is refused: The field jwks is not a set of 1 to 10 public keys.'],
    [
      'with no grant type',
      { grantTypes: [], clientSecret: secret },
      'has other grantTypes than authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:jwt-bearer',
    ],
    [
      'for people too, without a redirect URI',
      { grantTypes: ['authorization_code', 'client_credentials'], clientSecret: secret },
      'is refused: The field redirect_uris is missing or not as RFC 7591 has it.',
    ],
  ])('%s', (_, parts, problem) => {
    expect(() => machines([{ clientId: 'reports', grantTypes: ['client_credentials'], ...parts }])).toThrow(
      `Drawbridge cannot start:\n  - the static client "reports" ${problem}`,
    )
  })
})
