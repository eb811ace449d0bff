import { memoryStore } from '@drawbridge/storage'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { failingStore } from '../support/failing-store.ts'
import { type House, type HouseOptions, openHouse, otherSigningKey, type TokenAnswer, verifier } from '../support/house.ts'
import { openProofKey } from '../support/proof-key.ts'
import { expectUnavailable, readJson, refusal } from '../support/read-json.ts'
import { openTab } from '../support/tab.ts'

const files = { resource: 'https://files.example/mcp', clientId: 'files', clientSecret: 'files-secret-0123456789-abcdefghij' }
const mail = { resource: 'https://mail.example', clientId: 'mail', clientSecret: 'mail-secret-9876543210-zyxwvutsrq' }
const elsewhere = { verification: { resourceServers: [files, mail] } }

const basic = ({ clientId, clientSecret }: { clientId: string; clientSecret: string }) => ({
  authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}`,
})
const ask = (house: House, token: string, server = files, fields: Record<string, string> = {}) =>
  house.post('/introspect', { token, ...fields }, basic(server))

async function loginFor(house: House, resource: string): Promise<{ clientId: string; tokens: TokenAnswer }> {
  const clientId = await house.register()
  const end = await house.signIn(clientId, { resource })
  const tokens: TokenAnswer = await (await house.redeem(clientId, end.searchParams.get('code') ?? '', { resource })).json()
  return { clientId, tokens }
}
const reasons = (house: House) => house.events.flatMap((event) => (event.type === 'request.refused' ? [event.reason] : []))

describe('a resource server elsewhere', () => {
  it('is told of a token that is for it: who, for what, until when, and nothing of the upstream (R143)', async () => {
    const house = openHouse(elsewhere)
    const { clientId, tokens } = await loginFor(house, files.resource)
    const answer = await ask(house, tokens.access_token)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await readJson(answer)).toEqual({
      status: 200,
      body: {
        active: true,
        iss: 'http://localhost:8000',
        aud: 'https://files.example/mcp',
        sub: '583231',
        client_id: clientId,
        scope: 'user',
        exp: 1_767_272_400,
        iat: 1_767_268_800,
        jti: decodeJwt(tokens.access_token).jti,
        token_type: 'Bearer',
      },
    })
  })

  it('is told which key a token is bound to, whose proof it has to see itself', async () => {
    const house = openHouse({ ...elsewhere, extensions: { dpop: 'allowed' } })
    const clientId = await house.register()
    const key = await openProofKey(house)
    const code = (await house.signIn(clientId, { resource: files.resource })).searchParams.get('code') ?? ''
    const fields = { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier }
    const tokens: TokenAnswer = await (await house.post('/token', fields, { dpop: await key.tokenProof() })).json()
    expect(await (await ask(house, tokens.access_token)).json()).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: key.thumbprint },
    })
    expect(await (await ask(house, tokens.access_token, mail)).json()).toEqual({ active: false })
  })

  it('may authenticate in the body, and hint at whatever it likes (R143)', async () => {
    const house = openHouse(elsewhere)
    const { tokens } = await loginFor(house, files.resource)
    const secret = { client_id: files.clientId, client_secret: files.clientSecret }
    for (const hint of ['access_token', 'refresh_token', 'nonsense']) {
      const answer = await house.post('/introspect', { token: tokens.access_token, token_type_hint: hint, ...secret })
      expect(await answer.json()).toMatchObject({ active: true, aud: files.resource })
    }
  })

  it('is known from a token on, whose use shows that its answer arrived', async () => {
    const house = openHouse(elsewhere)
    const { clientId, tokens } = await loginFor(house, files.resource)
    const next: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token, { resource: files.resource })).json()
    await ask(house, next.access_token)
    await house.environment.drain()
    house.environment.advance(61)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(400)
    expect(house.events.map(({ type }) => type)).toContain('refresh.replayed')
  })
})

describe('nothing but that it is not active is said (R143, T40) of', () => {
  const cases: readonly [string, (house: House, login: { clientId: string; tokens: TokenAnswer }) => Promise<string> | string][] = [
    ['what is no token', () => 'abc'],
    [
      'a token of another issuer',
      async () => (await loginFor(openHouse({ ...elsewhere, jwtSigningKey: otherSigningKey }), files.resource)).tokens.access_token,
    ],
    ['a refresh token', (_, { tokens }) => tokens.refresh_token],
    ['a token that was changed', (_, { tokens }) => `${tokens.access_token.slice(0, -4)}AAAA`],
    ['a token that is for another resource server', async (house) => (await loginFor(house, mail.resource)).tokens.access_token],
    ['a token that is for our own MCP endpoint', async (house) => (await loginFor(house, 'http://localhost:8000/mcp')).tokens.access_token],
    [
      'a token that was revoked',
      async (house, { clientId, tokens }) => {
        await house.post('/revoke', { token: tokens.refresh_token, client_id: clientId })
        return tokens.access_token
      },
    ],
    [
      'a token that has expired',
      (house, { tokens }) => {
        house.environment.advance(3600 + 31)
        return tokens.access_token
      },
    ],
    [
      'a token whose grant the operator ended',
      async (house, { tokens }) => {
        await house.auth.revoke({ subject: '583231' })
        return tokens.access_token
      },
    ],
  ]
  it.each(cases)('%s', async (_, pick) => {
    const house = openHouse(elsewhere)
    const token = await pick(house, await loginFor(house, files.resource))
    const before = [...house.events]
    expect(await readJson(await ask(house, token))).toEqual({ status: 200, body: { active: false } })
    expect(house.events).toEqual(before)
  })
})

describe('introspection is refused', () => {
  const unauthenticated = refusal(401, 'invalid_client', 'The resource server is unknown or did not authenticate.')
  const post =
    (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    (house: House, token: string) =>
      house.post('/introspect', { token, ...fields }, headers)
  const cases: readonly [string, ReturnType<typeof post>, object, string][] = [
    ['without authentication', post({}), refusal(400, 'invalid_request', 'The parameter client_id is missing.'), 'client_id_missing'],
    ['with an id alone', post({ client_id: files.clientId }), unauthenticated, 'client_authentication_by_another_method'],
    ['with a wrong secret', post({}, basic({ ...files, clientSecret: 'x' })), unauthenticated, 'client_secret_wrong'],
    ['with the secret of another', post({}, basic({ ...files, clientSecret: mail.clientSecret })), unauthenticated, 'client_secret_wrong'],
    ['to whom nobody knows', post({}, basic({ ...files, clientId: 'others' })), unauthenticated, 'client_unknown'],
    ['with a header that is no Basic', post({}, { authorization: 'Bearer x' }), unauthenticated, 'client_authentication_malformed'],
    [
      'without a token',
      (house) => house.post('/introspect', {}, basic(files)),
      refusal(400, 'invalid_request', 'The parameter token is missing.'),
      'token_missing',
    ],
  ]
  it.each(cases)('%s, whatever the token (R143)', async (_, send, expected, reason) => {
    const house = openHouse(elsewhere)
    const { tokens } = await loginFor(house, files.resource)
    expect(await readJson(await send(house, tokens.access_token))).toEqual(expected)
    expect(await readJson(await send(house, 'abc'))).toEqual(expected)
    expect(reasons(house)).toEqual([reason, reason])
  })

  it('to a client of ours, by its own secret: it is no resource server', async () => {
    const house = openHouse(elsewhere)
    const { clientId, tokens } = await loginFor(house, files.resource)
    expect(await readJson(await house.post('/introspect', { token: tokens.access_token, client_id: clientId }))).toEqual(unauthenticated)
  })

  it('after 60 wrong secrets in a minute from one address, and before the next one is looked at', async () => {
    const house = openHouse(elsewhere)
    const body = new URLSearchParams({ token: 'abc' })
    const send = async (server: typeof files) =>
      (
        await house.auth.fetch(new Request('http://localhost:8000/introspect', { method: 'POST', body, headers: basic(server) }), {
          address: '203.0.113.7',
        })
      )?.status
    for (let guess = 0; guess < 60; guess += 1) expect(await send({ ...files, clientSecret: `guess-${guess}` })).toBe(401)
    expect([await send({ ...files, clientSecret: 'guess' }), await send(files)]).toEqual([429, 429])
  })

  it('while the store is down, in a way that passes: not active would end a login (R143, G2)', async () => {
    const store = failingStore(memoryStore())
    const house = openHouse({ ...elsewhere, clientStorage: store })
    const { tokens } = await loginFor(house, files.resource)
    await house.environment.drain()
    store.failAlways()
    await expectUnavailable(await ask(house, tokens.access_token))
    store.heal()
    expect(await (await ask(house, tokens.access_token)).json()).toMatchObject({ active: true })
  })
})

describe('the resource of a resource server elsewhere', () => {
  it('is one that tokens are for, and our own gate does not accept them (R37, T60)', async () => {
    const house = openHouse(elsewhere)
    const { tokens } = await loginFor(house, 'HTTPS://FILES.example:443/mcp')
    expect(decodeJwt(tokens.access_token).aud).toBe('https://files.example/mcp')
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
    await expect(house.auth.verifyAccessToken(tokens.access_token)).rejects.toMatchObject({ reason: 'token_for_another_resource' })
  })

  it('without a path may have a slash (G9), and is named on the consent page', async () => {
    const house = openHouse(elsewhere)
    const page = await openTab(house).open(house.authorizeUrl(await house.register(), { resource: 'https://mail.example/' }))
    expect(page.text).toContain('<dd>https://mail.example</dd>')
  })

  it('is never meant by a request that names none: that is for our own', async () => {
    const house = openHouse(elsewhere)
    const { tokens } = await house.login()
    expect(decodeJwt(tokens.access_token).aud).toBe('http://localhost:8000/mcp')
  })

  it('cannot be reached from a grant of another one, at redemption and at refresh (R60, R95, T59)', async () => {
    const house = openHouse(elsewhere)
    const clientId = await house.register()
    const code = (await house.signIn(clientId, { resource: mail.resource })).searchParams.get('code') ?? ''
    const wrong = refusal(400, 'invalid_target', 'The resource is not the one that was granted.')
    expect(await readJson(await house.redeem(clientId, code, { resource: files.resource }))).toEqual(wrong)
    const tokens: TokenAnswer = await (await house.redeem(clientId, code, { resource: mail.resource })).json()
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token, { resource: files.resource }))).toEqual(wrong)
    const same: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    expect(decodeJwt(same.access_token).aud).toBe('https://mail.example')
  })

  it('does not exist for a server that lists none (T58)', async () => {
    const house = openHouse()
    const page = await openTab(house).open(house.authorizeUrl(await house.register(), { resource: files.resource }))
    expect(new URL(page.location).searchParams.get('error')).toBe('invalid_target')
  })
})

describe('the metadata', () => {
  const membersOf = ({ auth }: House) =>
    Object.fromEntries(Object.entries(auth.oauthMetadata).filter(([name]) => name.startsWith('introspection')))

  it('tells of the endpoint while there is somebody to ask it, and there is none otherwise', async () => {
    expect(membersOf(openHouse(elsewhere))).toEqual({
      introspection_endpoint: 'http://localhost:8000/introspect',
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    })
    const house = openHouse()
    expect([membersOf(house), (await ask(house, 'abc')).status]).toEqual([{}, 404])
  })
})

describe('options that cannot be', () => {
  const named = 'the resource server "https://files.example/mcp"'
  const cases: readonly [string, NonNullable<HouseOptions['verification']>, string][] = [
    [
      'a resource on http',
      { resourceServers: [{ ...files, resource: 'http://files.example/mcp' }] },
      'the resource server "http://files.example/mcp" is not a resource',
    ],
    [
      'a resource with a fragment',
      { resourceServers: [{ ...files, resource: 'https://files.example/#x' }] },
      'the resource server "https://files.example/#x" is not a resource',
    ],
    [
      'a resource in capitals',
      { resourceServers: [{ ...files, resource: 'https://FILES.example/mcp' }] },
      'the resource server "https://FILES.example/mcp" is not a resource',
    ],
    [
      'one of ours',
      { resourceServers: [{ ...files, resource: 'http://localhost:8000/mcp' }] },
      'lists a resource twice, or one of our own',
    ],
    ['a resource twice', { resourceServers: [files, { ...mail, resource: files.resource }] }, 'lists a resource twice, or one of our own'],
    ['an id twice', { resourceServers: [files, { ...mail, clientId: files.clientId }] }, 'lists a clientId twice'],
    [
      'a short secret',
      { resourceServers: [{ ...files, clientSecret: 'short' }] },
      `${named} has a clientSecret of less than 32 characters`,
    ],
    [
      'a secret that is not set',
      Object({ resourceServers: [{ ...files, clientSecret: undefined }] }),
      `${named} has a clientSecret of less than 32`,
    ],
    ['no list', Object({ resourceServers: {} }), 'verification.resourceServers is not a list'],
    ['an id with a colon', { resourceServers: [{ ...files, clientId: 'a:b' }] }, `${named} has a clientId with a blank, : + %`],
  ]
  it.each(cases)('%s', (_, verification, problem) => {
    expect(() => openHouse({ verification })).toThrow(problem)
  })
})
