import { createSecretKey, generateKeyPairSync } from 'node:crypto'
import { mcpApp } from '@drawbridge/core/hono'
import { decodeJwt, decodeProtectedHeader, EncryptJWT, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { failingStore } from '../support/failing-store.ts'
import { type House, openHouse, otherSigningKey, signingKey, type TokenAnswer } from '../support/house.ts'
import { expectUnavailable, readJson, refusal } from '../support/read-json.ts'
import { takeCode } from '../support/take-code.ts'
import { detour } from '../support/upstream-detour.ts'

const hour = 3600
const day = 86_400
const quarter = 900

const metadata = 'http://localhost:8000/.well-known/oauth-protected-resource/mcp'
const bare = `Bearer scope="user", resource_metadata="${metadata}"`
const challengeOf = (error: string, description: string) =>
  `Bearer error="${error}", scope="user", resource_metadata="${metadata}", error_description="${description}"`
const invalidToken = 'The access token is invalid or has expired.'

/** A request to the MCP endpoint; what the gate says. */
async function knock(house: House, headers: HeadersInit = {}, path = '/mcp', init: RequestInit = {}): Promise<Response> {
  const who = await house.auth.authenticate(new Request(`http://localhost:8000${path}`, { headers, ...init }))
  return who instanceof Response ? who : Response.json({ passed: who.clientId })
}
/** An MCP server that counts how often the gate let somebody through. */
function countingMcp(): { mcp: { fetch(): Response }; served: () => number } {
  let served = 0
  const fetch = () => {
    served += 1
    return new Response('served')
  }
  return { mcp: { fetch }, served: () => served }
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const refusals = (house: House) => house.events.flatMap((event) => (event.type === 'token.refused' ? [event.reason] : []))
const ended = (house: House) => house.events.filter(({ type }) => type === 'grant.ended')

async function expectInvalid(house: House, token: string): Promise<void> {
  const answer = await knock(house, bearer(token))
  expect(answer.headers.get('www-authenticate')).toBe(challengeOf('invalid_token', invalidToken))
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(await readJson(answer)).toEqual(refusal(401, 'invalid_token', invalidToken))
}

async function expectBare(answer: Response): Promise<void> {
  expect([answer.status, answer.headers.get('www-authenticate'), await answer.text()]).toEqual([401, bare, ''])
}

describe('a good token', () => {
  it('passes, and says who calls, for whom, and for how long (R36)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const request = new Request('http://localhost:8000/mcp', { headers: bearer(tokens.access_token) })
    expect(await house.auth.authenticate(request)).toEqual({
      token: tokens.access_token,
      clientId,
      scopes: ['user'],
      expiresAt: 1_767_272_400,
      resource: new URL('http://localhost:8000/mcp'),
      resourceMetadataUrl: metadata,
      extra: {
        subject: '583231',
        grantId: tokens.refresh_token.slice(6, 42),
        requestId: expect.stringMatching(/^[0-9a-f]{20}$/),
        identity: {
          subject: '583231',
          claims: {
            login: 'octocat',
            name: 'The Octocat',
            email: 'octocat@example.com',
            avatar_url: 'http://127.0.0.1:9999/avatars/u/583231?v=4',
            html_url: 'http://127.0.0.1:9999/octocat',
          },
        },
      },
    })
  })

  it('passes with any spelling of the scheme and more than one blank (T73)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer ']) {
      expect((await knock(house, { authorization: `${scheme} ${tokens.access_token}` })).status).toBe(200)
    }
  })

  it('passes until it ends, and half a minute longer for clocks that differ (R28, R36)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    house.environment.advance(hour + 29)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    house.environment.advance(1)
    await expectInvalid(house, tokens.access_token)
    expect(refusals(house)).toEqual(['token_expired'])
  })

  it('that ends is refused on a host that never saw it, too (R28)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    house.environment.advance(hour + 30)
    await expectInvalid(openHouse({ beside: house }), tokens.access_token)
  })
})

describe('without a token', () => {
  it('the answer is 401 with a challenge that names the scopes and the metadata, and no error (R22, R26, R28, R29, R42, G14, G15)', async () => {
    const house = openHouse()
    const answer = await knock(house)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    await expectBare(answer)
    expect((await house.call(metadata)).status).toBe(200)
  })

  it('the challenge has no scope when none is needed (G14)', async () => {
    const house = openHouse({ requiredScopes: [] })
    expect((await knock(house)).headers.get('www-authenticate')).toBe(`Bearer resource_metadata="${metadata}"`)
  })

  it('the challenge is the same each time (R27)', async () => {
    const house = openHouse()
    const answers = await Promise.all([knock(house), knock(house, {}, '/mcp?x=1'), knock(house, {}, '/mcp/')])
    expect(answers.map((answer) => answer.headers.get('www-authenticate'))).toEqual([bare, bare, bare])
  })

  it('a token in the query is not looked at (R39, R147, T57)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    await expectBare(await knock(house, {}, `/mcp?access_token=${tokens.access_token}`))
  })

  it('a token in the body is not looked at (T57)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const body = new URLSearchParams({ access_token: tokens.access_token })
    await expectBare(await knock(house, {}, '/mcp', { method: 'POST', body }))
  })

  it.each([
    ['a cookie', (token: string) => ({ cookie: `access_token=${token}; Authorization=Bearer ${token}` })],
    ['Basic', (token: string) => ({ authorization: `Basic ${token}` })],
    ['DPoP', (token: string) => ({ authorization: `DPoP ${token}` })],
    ['Basic, and Bearer after it', (token: string) => ({ authorization: `Basic eDp5, Bearer ${token}` })],
    ['no scheme', (token: string) => ({ authorization: token })],
    ['a scheme that only begins like it', (token: string) => ({ authorization: `Bearerx ${token}` })],
    ['other headers', (token: string) => ({ 'x-authorization': `Bearer ${token}`, 'x-forwarded-authorization': `Bearer ${token}` })],
  ])('a token in %s is not looked at (T57, T73)', async (_, headers) => {
    const house = openHouse()
    const { tokens } = await house.login()
    await expectBare(await knock(house, headers(tokens.access_token)))
  })

  it('the answer names our URLs, whatever Host or X-Forwarded-Host say (T85)', async () => {
    const house = openHouse({ baseUrl: 'https://mcp.example.com' })
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example',
    }
    const who = await house.auth.authenticate(new Request('https://evil.example/mcp', { headers }))
    const challenge = 'Bearer scope="user", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'
    expect(who instanceof Response && [who.status, who.headers.get('www-authenticate'), await who.text()]).toEqual([401, challenge, ''])
  })
})

describe('a malformed Authorization header', () => {
  it.each([
    ['the scheme alone', 'Bearer'],
    ['two tokens', 'Bearer abc def'],
    ['two headers', 'Bearer abc, Bearer def'],
    ['a parameter instead of a token', 'Bearer token="abc"'],
    ['characters that no token has', 'Bearer a"b'],
    ['a comma behind it', 'Bearer abc,'],
    ['JSON', 'Bearer {"payload":"","protected":"","signature":""}'],
  ])('is 400 invalid_request: %s (R35, T64, T73)', async (_, authorization) => {
    const house = openHouse()
    const answer = await knock(house, { authorization })
    const description = 'The Authorization header is malformed.'
    expect(answer.headers.get('www-authenticate')).toBe(challengeOf('invalid_request', description))
    expect(await readJson(answer)).toEqual(refusal(400, 'invalid_request', description))
  })

  it('is 400 when two good tokens come in two headers (T73)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const headers = new Headers(bearer(tokens.access_token))
    headers.append('authorization', `Bearer ${tokens.access_token}`)
    expect((await knock(house, headers)).status).toBe(400)
  })
})

/** Signs what a real token says, changed, with our own key unless told. */
async function forge(
  token: string,
  { header = {}, claims = {}, key = signingKey }: { header?: Record<string, unknown>; claims?: Record<string, unknown>; key?: string },
): Promise<string> {
  const payload: JWTPayload = Object.fromEntries(
    Object.entries({ ...decodeJwt(token), ...claims }).filter(([, value]) => value !== undefined),
  )
  const protectedHeader = Object.fromEntries(
    Object.entries({ ...decodeProtectedHeader(token), ...header }).filter(([, value]) => value !== undefined),
  )
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', ...protectedHeader })
    .sign(createSecretKey(key, 'utf8'), { crit: { x: true } })
}

describe('a token that is not good', () => {
  it('is good when it is forged without a change, so that the refusals below are about the change', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const same = await forge(tokens.access_token, {})
    expect(same).not.toBe('')
    expect((await knock(house, bearer(same))).status).toBe(200)
  })

  it.each([
    ['signed by another key', { key: otherSigningKey }],
    ['of another kid', { header: { kid: 'AAAAAAAAAAAAAAAA' } }],
    ['without a kid (T65)', { header: { kid: undefined } }],
    ['with a kid that is a path (T65)', { header: { kid: '../../dev/null' } }],
    ['with a kid of 10 kB (T65)', { header: { kid: 'A'.repeat(10_000) } }],
    ['with a key of its own (T65)', { header: { jwk: { kty: 'oct', k: 'AAAA' }, jku: 'https://evil.example/jwks', kid: 'evil' } }],
    ['without a type (T62)', { header: { typ: undefined } }],
    ['of the type JWT (T62)', { header: { typ: 'JWT' } }],
    ['of the type of an id token (T62)', { header: { typ: 'id+jwt' } }],
    ['with another HMAC (T64)', { header: { alg: 'HS512' } }],
    ['with an extension nobody knows (T64)', { header: { crit: ['x'], x: 1 } }],
    ['from another issuer with the same key (R45)', { claims: { iss: 'https://other.example' } }],
    ['from an issuer with a slash more (R5)', { claims: { iss: 'http://localhost:8000/' } }],
    ['for another resource (R37, T60)', { claims: { aud: 'https://other.example/mcp' } }],
    ['for the same resource with a slash more (R37)', { claims: { aud: 'http://localhost:8000/mcp/' } }],
    ['for a resource below ours (R37)', { claims: { aud: 'http://localhost:8000/mcp/x' } }],
    ['for several resources (R37, T60)', { claims: { aud: ['http://localhost:8000/mcp', 'https://other.example'] } }],
    ['for no resource (R37)', { claims: { aud: undefined } }],
    ['that has expired', { claims: { exp: 1_767_268_700 } }],
    ['that never expires', { claims: { exp: undefined } }],
    ['without a moment of issue', { claims: { iat: undefined } }],
    ['without a subject', { claims: { sub: undefined } }],
    ['without an id', { claims: { jti: undefined } }],
    ['without a grant', { claims: { gid: undefined } }],
    ['of a grant that never was', { claims: { gid: '019b796d-d600-7000-8000-000000000000' } }],
    ['of another client than the grant (R99)', { claims: { client_id: 'other' } }],
    ['that is not good yet', { claims: { nbf: 1_767_269_000 } }],
  ])('is 401 invalid_token: %s (R36, I5)', async (_, change) => {
    const house = openHouse()
    const { tokens } = await house.login()
    await expectInvalid(house, await forge(tokens.access_token, change))
  })

  it.each([
    ['with a changed payload', (token: string) => token.replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"1"}').toString('base64url')}.`)],
    ['without a signature', (token: string) => token.replace(/[^.]*$/, '')],
    ['with half a signature', (token: string) => token.slice(0, -20)],
    ['in two parts', (token: string) => token.replace(/\.[^.]*$/, '')],
    ['in five parts', (token: string) => `${token}.x.y`],
    ['that is no token at all', () => 'abc'],
    ['without signature, by alg none (T64)', (token: string) => new UnsecuredJWT(decodeJwt(token)).encode()],
    [
      'by alg None with our kid (T64)',
      (token: string) => {
        const { kid } = decodeProtectedHeader(token)
        const header = Buffer.from(JSON.stringify({ alg: 'None', typ: 'at+jwt', kid })).toString('base64url')
        return token.replace(/^[^.]+/, header).replace(/[^.]*$/, '')
      },
    ],
  ])('is 401 invalid_token: %s (R36, I5)', async (_, change) => {
    const house = openHouse()
    const { tokens } = await house.login()
    await expectInvalid(house, change(tokens.access_token))
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })

  it('is 401 invalid_token when it is encrypted (T64)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const { kid = '' } = decodeProtectedHeader(tokens.access_token)
    const jwe = await new EncryptJWT(decodeJwt(tokens.access_token))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwt', kid })
      .encrypt(createSecretKey(Buffer.from(signingKey).subarray(0, 32)))
    await expectInvalid(house, jwe)
  })

  it('is 401 invalid_token when a public key of ours was its secret (T64)', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const house = openHouse({ jwtSigningKey: privateKey })
    const { tokens } = await house.login()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    const key = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    await expectInvalid(house, await forge(tokens.access_token, { key, header: { alg: 'HS256' } }))
  })

  it('is 401 invalid_token when it is another kind of thing that we gave out (T62)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const { code, clientId } = await takeCode(house)
    const browser = house.browser()
    const consent = await browser.open(house.authorizeUrl(clientId))
    const form = consent.forms[0]?.fields.request ?? ''
    const cookies = (browser.cookies.header({ url: `${house.baseUrl}/consent`, method: 'POST', site: 'same-origin' }) ?? '').split('; ')
    const things = [tokens.refresh_token, code, form, clientId, 'the-state', ...cookies.map((pair) => pair.replace(/^.*?=/, ''))]
    expect(things.every((thing) => thing.length > 8)).toBe(true)
    for (const thing of things) await expectInvalid(house, thing)
  })

  it('is 401 invalid_token when it is the upstream’s (R38, T55)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const { accessToken } = await house.auth.upstream(await house.auth.verifyAccessToken(tokens.access_token))
    expect(accessToken).toMatch(/^gho_/)
    await expectInvalid(house, accessToken)
  })

  it('is refused without a word about why; the operator is told (T98)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    await expectInvalid(house, 'abc')
    await expectInvalid(house, await forge(tokens.access_token, { claims: { aud: 'https://other.example' } }))
    await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token })
    await expectInvalid(house, tokens.access_token)
    expect(refusals(house)).toEqual(['token_not_ours', 'token_for_another_resource', 'grant_ended'])
  })
})

describe('a scope', () => {
  const scopes = { requiredScopes: ['user'], clients: { validScopes: ['user', 'admin_readonly'] } }
  const description = 'The access token was not granted what this needs.'

  async function knockFor(house: House, token: string, needed: readonly string[]): Promise<Response> {
    const who = await house.auth.authenticate(new Request('http://localhost:8000/mcp', { headers: bearer(token) }), { scopes: needed })
    return who instanceof Response ? who : Response.json({ scopes: who.scopes })
  }

  it('that is missing is 403, and the challenge names everything the call needs (R30, R31, G13)', async () => {
    const house = openHouse(scopes)
    const { tokens } = await house.login()
    const answer = await knockFor(house, tokens.access_token, ['user', 'write', 'admin'])
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", scope="user write admin", resource_metadata="${metadata}", error_description="${description}"`,
    )
    expect(await readJson(answer)).toEqual(refusal(403, 'insufficient_scope', description))
    expect(refusals(house)).toEqual(['scope_missing'])
  })

  it('is compared whole (T68)', async () => {
    const house = openHouse(scopes)
    const clientId = await house.register()
    const end = await house.signIn(clientId, { scope: 'user admin_readonly' })
    const tokens: TokenAnswer = await (await house.redeem(clientId, end.searchParams.get('code') ?? '')).json()
    expect((await knockFor(house, tokens.access_token, ['admin_readonly'])).status).toBe(200)
    for (const near of ['admin', 'readonly', 'ADMIN_READONLY', 'admin_readonl', 'admin_readonly2']) {
      expect((await knockFor(house, tokens.access_token, [near])).status).toBe(403)
    }
  })

  it('that nobody asks for is not needed', async () => {
    const house = openHouse(scopes)
    const { tokens } = await house.login()
    expect((await knockFor(house, tokens.access_token, [])).status).toBe(200)
  })

  it('is not asked of a token that is not good: 401 comes first (R28, R30)', async () => {
    const house = openHouse(scopes)
    expect((await knockFor(house, 'abc', ['admin'])).status).toBe(401)
  })

  it('offline_access is never named in a challenge (R33)', async () => {
    const house = openHouse({ requiredScopes: ['user', 'offline_access'] })
    expect((await knock(house)).headers.get('www-authenticate')).toBe(bare)
  })
})

describe('with several MCP endpoints', () => {
  const both = { mcpPath: ['/mcp', '/other'] }

  async function loginFor(house: House, path: string): Promise<string> {
    const clientId = await house.register()
    const end = await house.signIn(clientId, { resource: `http://localhost:8000${path}` })
    const tokens: TokenAnswer = await (await house.redeem(clientId, end.searchParams.get('code') ?? '')).json()
    return tokens.access_token
  }

  it('a token is good at the one it was granted for, and nowhere else (R37, R60, T60, I5)', async () => {
    const house = openHouse(both)
    const tokens = { '/mcp': await loginFor(house, '/mcp'), '/other': await loginFor(house, '/other') }
    for (const [path, token] of Object.entries(tokens)) {
      for (const door of ['/mcp', '/mcp/', '/other', '/other/']) {
        expect((await knock(house, bearer(token), door)).status).toBe(door.startsWith(path) ? 200 : 401)
      }
    }
  })

  it('each challenge points to the metadata of its own endpoint (R22, R23)', async () => {
    const house = openHouse(both)
    const challenge = (await knock(house, {}, '/other')).headers.get('www-authenticate')
    expect(challenge).toBe('Bearer scope="user", resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/other"')
    const document = await house.call('http://localhost:8000/.well-known/oauth-protected-resource/other')
    expect(await document.json()).toMatchObject({ resource: 'http://localhost:8000/other' })
  })

  it('mcpPath says which is meant, whatever the URL; without it, elsewhere, any listed one passes and is named', async () => {
    const house = openHouse(both)
    const token = await loginFor(house, '/other')
    const request = () => new Request('http://localhost:8000/behind-a-proxy', { headers: bearer(token) })
    const refused = await house.auth.authenticate(request(), { mcpPath: '/mcp' })
    expect(refused).toBeInstanceOf(Response)
    expect(await house.auth.authenticate(request(), { mcpPath: '/other' })).toMatchObject({
      resource: new URL('http://localhost:8000/other'),
    })
    expect(await house.auth.authenticate(request())).toMatchObject({ resource: new URL('http://localhost:8000/other') })
    expect(await house.auth.verifyAccessToken(token)).toMatchObject({ resource: new URL('http://localhost:8000/other') })
  })

  it('a path that is not listed is a mistake of the program, and says what is listed', async () => {
    const house = openHouse(both)
    const request = new Request('http://localhost:8000/mcp')
    await expect(house.auth.authenticate(request, { mcpPath: '/third' })).rejects.toThrow(
      "mcpPath '/third' is not listed: the option mcpPath has /mcp, /other",
    )
  })

  it('hosts that share keys and not resources do not take each other’s tokens (T60, I5)', async () => {
    const house = openHouse({ baseUrl: 'http://localhost:8000' })
    const { tokens } = await house.login()
    const other = openHouse({ beside: house, mcpPath: '/other' })
    const who = await other.auth.authenticate(new Request('http://localhost:8000/other', { headers: bearer(tokens.access_token) }))
    expect(who instanceof Response && who.status).toBe(401)
    await expect(other.auth.verifyAccessToken(tokens.access_token)).rejects.toMatchObject({ code: 'invalid_token' })
  })
})

describe('every request', () => {
  it('to the guarded endpoint passes the gate, whatever its method or spelling (R40, T72)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const { mcp, served } = countingMcp()
    const app = mcpApp({ auth: house.auth, mcp })
    const paths = ['/mcp', '/mcp/', '/mcp?x', '//mcp', '/mcp//', '/%6dcp', '/mcp%2f', '/MCP', '/mcp/sse', '/./mcp', '/x/../mcp', '/mcp;x']
    for (const path of paths) {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
        const answer = await app.fetch(new Request(`http://localhost:8000${path}`, { method, headers: { 'mcp-session-id': 'known' } }))
        expect([method === 'OPTIONS' ? 204 : 401, 404]).toContain(answer.status)
      }
    }
    expect(served()).toBe(0)
    const passed = await app.fetch(new Request('http://localhost:8000/mcp', { method: 'DELETE', headers: bearer(tokens.access_token) }))
    expect([passed.status, served()]).toEqual([200, 1])
  })

  it('is refused as soon as its grant is over, inside a session as well (R40, R41)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const headers = { ...bearer(tokens.access_token), 'mcp-session-id': 'known' }
    expect((await knock(house, headers)).status).toBe(200)
    await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token })
    expect((await knock(house, headers)).status).toBe(401)
  })

  it('of interleaved people sees its own identity (T71)', async () => {
    const house = openHouse()
    const people = await Promise.all(
      ['octocat', 'alice', 'bob'].map(async (login) => {
        const clientId = await house.register()
        const browser = house.browser()
        const signInPage = await browser.press(await browser.open(house.authorizeUrl(clientId)), 'Allow')
        const end = await browser.press(signInPage, 'Sign in', { login })
        const tokens: TokenAnswer = await (await house.redeem(clientId, new URL(end.url).searchParams.get('code') ?? '')).json()
        return { login, token: tokens.access_token }
      }),
    )
    const asked = Array.from({ length: 99 }, (_, n) => people[n % 3])
    const seen = await Promise.all(asked.map((person) => house.auth.verifyAccessToken(person?.token ?? '')))
    expect(seen.map(({ extra }) => extra.identity.claims.login)).toEqual(asked.map((person) => person?.login))
  })
})

describe('a store that fails', () => {
  it('is 503 without a challenge, never 401, and then everything goes on (R43, I6, G2)', async () => {
    const world = openHouse()
    const store = failingStore(world.store)
    const house = openHouse({ beside: world, clientStorage: store })
    const { tokens } = await house.login()
    store.failAlways()
    const { mcp, served } = countingMcp()
    const app = mcpApp({ auth: house.auth, mcp })
    const answer = await app.fetch(new Request('http://localhost:8000/mcp', { headers: bearer(tokens.access_token) }))
    expect(answer.headers.get('cache-control')).toBe('no-store')
    await expectUnavailable(answer)
    expect(served()).toBe(0)
    await expect(house.auth.verifyAccessToken(tokens.access_token)).rejects.toThrow('the store is down')
    expect(house.events.at(-1)).toMatchObject({ type: 'store.unavailable', endpoint: 'gate', reason: 'StoreUnavailable' })
    store.heal()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })

  it('does not keep a bad token from being refused: its signature is enough', async () => {
    const world = openHouse()
    const store = failingStore(world.store)
    const house = openHouse({ beside: world, clientStorage: store })
    store.failAlways()
    await expectInvalid(house, 'abc')
    await expectBare(await knock(house))
  })
})

describe('an upstream whose tokens never end', () => {
  const users = (house: House) => house.github.calls('user')

  it('is asked every quarter of an hour, beside a request, whether it knows the person still (R77)', async () => {
    const house = openHouse({ lifetimes: { accessToken: day } })
    const { tokens } = await house.login()
    expect(users(house)).toBe(1)
    const asked: number[] = []
    for (const seconds of [quarter, 1, 0, quarter, 1]) {
      house.environment.advance(seconds)
      expect(await house.mcpStatus(tokens.access_token)).toBe(200)
      await house.environment.drain()
      asked.push(users(house))
    }
    expect(asked).toEqual([1, 2, 2, 2, 3])
  })

  it('is asked once for fifty requests on two hosts (REL-R2)', async () => {
    const house = openHouse()
    const other = openHouse({ beside: house })
    const { tokens } = await house.login()
    house.environment.advance(quarter + 1)
    await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? house : other).mcpStatus(tokens.access_token)))
    await house.environment.drain()
    expect(users(house)).toBe(2)
  })

  it('holds up no request while it does not answer (I9)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    house.environment.advance(quarter + 1)
    house.github.misbehave({ user: 'hang' })
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    while (users(house) < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    house.environment.advance(10)
    await house.environment.drain()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect(house.events).toContainEqual(expect.objectContaining({ type: 'upstream.failed', operation: 'identify', reason: 'deadline' }))
  })

  it('ends the grant by its 401: the next request is refused (R77, T108)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    house.environment.advance(quarter + 1)
    house.github.revokeAll()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    await house.environment.drain()
    expect(ended(house)).toEqual([expect.objectContaining({ clientId, reason: 'upstream_refused' })])
    await expectInvalid(house, tokens.access_token)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(400)
  })

  it.each(['status-500', 'html', 'garbage'] as const)(
    'that answers %s keeps its last word for a day; after it, 503 and no logout (R77, I6)',
    async (how) => {
      const house = openHouse({ lifetimes: { accessToken: 10 * day } })
      const { tokens } = await house.login()
      house.github.misbehave({ user: how })
      house.environment.advance(quarter + 1)
      expect(await house.mcpStatus(tokens.access_token)).toBe(200)
      await house.environment.drain()
      house.environment.advance(day)
      expect(await house.mcpStatus(tokens.access_token)).toBe(200)
      await house.environment.drain()
      house.environment.advance(1)
      await expectUnavailable(await knock(house, bearer(tokens.access_token)))
      await house.environment.drain()
      expect(ended(house)).toEqual([])

      house.github.misbehave({})
      house.environment.advance(31)
      await expectUnavailable(await knock(house, bearer(tokens.access_token)))
      await house.environment.drain()
      expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    },
  )

  it('is left alone for half a minute after it failed', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    house.github.misbehave({ user: 'status-500' })
    house.environment.advance(quarter + 1)
    for (const seconds of [0, 29, 1]) {
      house.environment.advance(seconds)
      await house.mcpStatus(tokens.access_token)
      await house.environment.drain()
    }
    expect(users(house)).toBe(3)
  })

  it('that answers for another person ends the grant, since its token is not the person’s any more', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    detour(house, async () => Response.json({ id: 999, login: 'mallory' }))
    house.environment.advance(quarter + 1)
    await house.mcpStatus(tokens.access_token)
    await house.environment.drain()
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
    expect(ended(house)).toMatchObject([{ reason: 'upstream_names_another_person' }])
  })

  it('that has a new name for the person is believed', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    detour(house, async () => Response.json({ id: 583231, login: 'monalisa' }))
    house.environment.advance(quarter + 1)
    await house.mcpStatus(tokens.access_token)
    await house.environment.drain()
    const { extra } = await house.auth.verifyAccessToken(tokens.access_token)
    expect(extra.identity).toEqual({ subject: '583231', claims: { login: 'monalisa' } })
  })

  it('stays believed for as long as the operator says', async () => {
    const house = openHouse({ upstream: { staleFor: hour }, lifetimes: { accessToken: day } })
    const { tokens } = await house.login()
    house.github.misbehave({ user: 'status-500' })
    house.environment.advance(quarter + 1)
    await house.mcpStatus(tokens.access_token)
    await house.environment.drain()
    house.environment.advance(hour)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    house.environment.advance(1)
    expect(await house.mcpStatus(tokens.access_token)).toBe(503)
  })
})

describe('an upstream whose tokens end', () => {
  const due = 8 * hour - 4 * 60
  const long = { mode: 'github-app', lifetimes: { accessToken: 10 * day } } as const

  it('refreshes them beside a request, once for fifty on two hosts (REL-R21, R77)', async () => {
    const house = openHouse(long)
    const other = openHouse({ beside: house, ...long })
    const { tokens } = await house.login()
    house.environment.advance(due)
    const statuses = await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? house : other).mcpStatus(tokens.access_token)))
    expect(new Set(statuses)).toEqual(new Set([200]))
    await house.environment.drain()
    expect(house.github.calls('token')).toBe(2)
    expect(house.github.calls('user')).toBe(1)
  })

  it('holds up no request while it does not answer, even when its token has ended (I9)', async () => {
    const house = openHouse(long)
    const { tokens } = await house.login()
    house.environment.advance(9 * hour)
    house.github.misbehave({ token: 'hang' })
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    while (house.github.calls('token') < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    house.environment.advance(10)
    await house.environment.drain()
  })

  it('ends the grant by its no: the next request is refused (R77, T108)', async () => {
    const house = openHouse(long)
    const { clientId, tokens } = await house.login()
    house.environment.advance(due)
    house.github.revokeAll()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    await house.environment.drain()
    expect(ended(house)).toEqual([expect.objectContaining({ clientId, reason: 'upstream_refused' })])
    await expectInvalid(house, tokens.access_token)
  })

  it.each([
    ['answers 500', async () => new Response(null, { status: 500 })],
    ['does not accept our own credentials', async () => Response.json({ error: 'incorrect_client_credentials' })],
  ])('that %s keeps its last word for a day; after it, 503 and no logout (R77, G2, I6)', async (_, answer) => {
    const house = openHouse(long)
    const { tokens } = await house.login()
    house.environment.advance(due)
    const back = detour(house, answer)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    await house.environment.drain()
    house.environment.advance(day)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    await house.environment.drain()
    house.environment.advance(1)
    await expectUnavailable(await knock(house, bearer(tokens.access_token)))
    expect(ended(house)).toEqual([])
    back()
    house.environment.advance(31)
    await knock(house, bearer(tokens.access_token))
    await house.environment.drain()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })

  it('and that gave us nothing to refresh them with, ends the grant when they end (R77)', async () => {
    const house = openHouse(long)
    const back = detour(house, async (request, go) => {
      if (!request.url.endsWith('/access_token')) return go()
      const { refresh_token: _, ...others }: Record<string, unknown> = await (await go()).json()
      return Response.json(others)
    })
    const { clientId, tokens } = await house.login()
    back()
    house.environment.advance(8 * hour - 1)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    // The upstream is asked beside that call, and has to be while the token is good.
    await house.environment.drain()
    house.environment.advance(1)
    await expectInvalid(house, tokens.access_token)
    expect(refusals(house)).toEqual(['upstream_token_ended'])
    // A refresh that worked would only bring the client back here: it is told to log in again.
    const answer = await house.refresh(clientId, tokens.refresh_token)
    expect([answer.status, (await answer.json()).error]).toEqual([400, 'invalid_grant'])
    expect(ended(house)).toMatchObject([{ reason: 'upstream_token_ended' }])
  })
})

describe('verification.cacheFor', () => {
  it('delays a revocation by that long and no longer', async () => {
    const house = openHouse()
    const other = openHouse({ beside: house, verification: { cacheFor: 10 } })
    const { clientId, tokens } = await house.login()
    expect(await other.mcpStatus(tokens.access_token)).toBe(200)
    await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token })
    house.environment.advance(9)
    expect(await other.mcpStatus(tokens.access_token)).toBe(200)
    house.environment.advance(1)
    expect(await other.mcpStatus(tokens.access_token)).toBe(401)
  })

  it('does not make an expired token good, nor one for another resource', async () => {
    const house = openHouse({ verification: { cacheFor: 10 * day }, mcpPath: ['/mcp', '/other'] })
    const clientId = await house.register()
    const end = await house.signIn(clientId, { resource: 'http://localhost:8000/mcp' })
    const tokens: TokenAnswer = await (await house.redeem(clientId, end.searchParams.get('code') ?? '')).json()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect((await knock(house, bearer(tokens.access_token), '/other')).status).toBe(401)
    house.environment.advance(hour + 30)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
  })

  it('does not remember that a grant was missing', async () => {
    const world = openHouse()
    const store = failingStore(world.store)
    const house = openHouse({ beside: world, clientStorage: store, verification: { cacheFor: 10 } })
    const { tokens } = await world.login()
    store.failAlways()
    expect(await house.mcpStatus(tokens.access_token)).toBe(503)
    store.heal()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    store.failAlways()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })

  it('still notes the first use of a new token, once', async () => {
    const house = openHouse({ verification: { cacheFor: hour } })
    const { clientId, tokens } = await house.login()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    const next: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    expect(await house.mcpStatus(next.access_token)).toBe(200)
    await house.environment.drain()
    house.environment.advance(61)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(400)
  })

  it('costs one read and one note beside it, however many requests come', async () => {
    const world = openHouse()
    const store = failingStore(world.store)
    const house = openHouse({ beside: world, clientStorage: store, verification: { cacheFor: hour } })
    const { tokens } = await world.login()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    await house.environment.drain()
    for (let n = 0; n < 20; n += 1) expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    await house.environment.drain()
    expect(store.calls.map(({ method, key }) => `${method} ${key.split(':')[1]}`)).toEqual(['get deployment', 'get grant', 'set grant'])
  })
})

describe('nothing of ours', () => {
  it('ever goes to the upstream, whatever is done (R38, T56)', async () => {
    const house = openHouse({ mode: 'github-app', lifetimes: { accessToken: 10 * day } })
    const { clientId, code } = await takeCode(house)
    const tokens: TokenAnswer = await (await house.redeem(clientId, code)).json()
    house.environment.advance(8 * hour)
    const next: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    const who = await house.auth.verifyAccessToken(next.access_token)
    await (await house.auth.upstream(who)).fetch('http://127.0.0.1:9999/api/v3/user')
    await house.post('/revoke', { client_id: clientId, token: next.access_token })
    await house.environment.drain()
    const sent = JSON.stringify(house.github.received)
    const ours = [code, tokens.access_token, tokens.refresh_token, next.access_token, next.refresh_token, clientId, 'the-state', 'at+jwt']
    for (const secret of ours) expect(sent).not.toContain(secret)
  })
})
