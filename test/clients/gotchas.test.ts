import { memoryStore } from '@drawbridge/storage'
import { extractWWWAuthenticateParams as challengeOfV2 } from '@modelcontextprotocol/client'
import { extractWWWAuthenticateParams as challengeOf132 } from '@modelcontextprotocol/sdk/client/auth.js'
import {
  OAuthClientInformationFullSchema,
  OAuthErrorResponseSchema,
  OAuthMetadataSchema,
  OAuthProtectedResourceMetadataSchema,
  OAuthTokensSchema,
  OpenIdProviderDiscoveryMetadataSchema,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import { bearerAuthChallengeResponse, buildOAuthProtectedResourceMetadata, verifyBearerToken } from '@modelcontextprotocol/server'
import type { MiddlewareHandler } from 'hono'
import { decodeJwt } from 'jose'
import { extractResourceMetadataUrl as metadataUrlOf120 } from 'sdk-v1-20/client/auth.js'
import { extractWWWAuthenticateParams as challengeOf129 } from 'sdk-v1-29/client/auth.js'
import { afterEach, describe, expect, it } from 'vitest'
import { ClientMemory } from '../../examples/quickstart/src/client-memory.ts'
import { type Closeable, closeAll } from '../mcp/close-all.ts'
import { allow } from '../mcp/person.ts'
import { sdks } from '../mcp/sdks.ts'
import { serveServer } from '../mcp/served-server.ts'
import { failingStore } from '../support/failing-store.ts'
import { forgetClients } from '../support/forget-clients.ts'
import { type House, openHouse, redirectUri, type TokenAnswer, verifier } from '../support/house.ts'
import { expectUnavailable, readJson, refusal } from '../support/read-json.ts'
import { openTab } from '../support/tab.ts'
import { watchedStore } from '../support/watched-store.ts'
import { registerClient } from './registered-client.ts'

const invalidGrant = refusal(400, 'invalid_grant', 'The code or refresh token is invalid, has expired, or belongs to another client.')
const invalidClient = refusal(401, 'invalid_client', 'The client is unknown or did not authenticate as it registered.')
const unknownClient = refusal(400, 'invalid_client', 'The application is not registered here, or no longer. It has to register again.')

const open: Closeable[] = []
afterEach(() => closeAll(open))

/** Calls the MCP endpoint; the gate's answer when it does not let the call pass. */
async function refused(house: House, accessToken?: string, scopes?: readonly string[]): Promise<Response> {
  const headers = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }
  const who = await house.auth.authenticate(new Request(`${house.baseUrl}/mcp`, { headers }), { ...(scopes && { scopes }) })
  if (!(who instanceof Response)) throw new Error('the gate let the call pass')
  return who
}

const challengeOf = (response: Response): string => response.headers.get('www-authenticate') ?? ''

async function documentAt(house: House, url: string): Promise<Record<string, unknown>> {
  const answer = await house.call(url)
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`)
  return answer.json()
}

/** A code of a person who said yes, redeemed. */
async function redeemed(house: House, parameters?: Record<string, string | undefined>, metadata?: Record<string, unknown>) {
  const clientId = await house.register(metadata)
  const end = await house.signIn(clientId, parameters)
  const answer = await house.redeem(clientId, end.searchParams.get('code') ?? '')
  const tokens: TokenAnswer = await answer.clone().json()
  return { clientId, tokens, answer }
}

describe('G1: refresh storms', () => {
  it('answers three refreshes of one token at once with one and the same successor', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const answers = await Promise.all([1, 2, 3].map(() => house.refresh(clientId, tokens.refresh_token)))
    const bodies: TokenAnswer[] = await Promise.all(answers.map((answer) => answer.json()))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(new Set(bodies.map((body) => body.refresh_token)).size).toBe(1)
    for (const body of bodies) expect(await house.mcpStatus(body.access_token)).toBe(200)
  })

  it('ends the grant when the old token comes after the storm', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const next: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    await house.mcpStatus(next.access_token)
    await house.environment.drain()
    house.environment.advance(61)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidGrant)
    expect(await readJson(await house.refresh(clientId, next.refresh_token))).toEqual(invalidGrant)
  })
})

describe('G2: outages', () => {
  it('answers 503 temporarily_unavailable as JSON at every endpoint for programs while the store is down', async () => {
    const store = failingStore(memoryStore())
    const house = openHouse({ clientStorage: store })
    const { clientId, tokens } = await house.login()
    store.failAlways()
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
    await expectUnavailable(await house.redeem(clientId, `db_ac_${tokens.refresh_token.slice(6, 42)}.${'A'.repeat(43)}`))
    await expectUnavailable(await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token }))
    await expect(registerClient(house, { redirect_uris: [redirectUri] })).rejects.toThrow(/503 .*temporarily_unavailable/)
    await expectUnavailable(await refused(house, tokens.access_token))
    store.heal()
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
  })

  it.each(['status-500', 'html', 'garbage'] as const)('answers the same when the upstream answers a refresh by %s', async (how) => {
    const house = openHouse({ mode: 'github-app' })
    const { clientId, tokens } = await house.login()
    house.environment.advance(8 * 3600)
    house.github.misbehave({ token: how })
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
    house.github.misbehave({})
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
  })

  it('answers 429 temporarily_unavailable to who asks too often', async () => {
    const house = openHouse({ limits: { rateLimit: () => 30 } })
    const answer = await house.auth.fetch(
      new Request(`${house.baseUrl}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token' }) }),
      { address: '192.0.2.1' },
    )
    if (!answer) throw new Error('nobody answered')
    expect(answer.headers.get('retry-after')).toBe('30')
    expect(await readJson(answer)).toEqual(
      refusal(429, 'temporarily_unavailable', 'There were too many requests from this address. Try again later.'),
    )
  })
})

describe('G3: clients that the server has lost', () => {
  async function lost() {
    const store = watchedStore(memoryStore())
    const house = openHouse({ clientStorage: store })
    const { clientId, tokens } = await house.login()
    await forgetClients(store)
    return { house, clientId, tokens }
  }

  it('are told at the token endpoint by 401 invalid_client', async () => {
    const { house, clientId, tokens } = await lost()
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidClient)
  })

  it('are told at the authorization endpoint by 400 invalid_client as JSON, unless a person reads it', async () => {
    const { house, clientId } = await lost()
    const url = house.authorizeUrl(clientId)
    expect(await readJson(await house.call(url, { headers: { accept: 'application/json', 'user-agent': 'node' } }))).toEqual(unknownClient)
    const page = await house.call(url, { headers: { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' } })
    expect([page.status, page.headers.get('content-type'), page.headers.get('location')]).toEqual([400, 'text/html; charset=utf-8', null])
    expect(await page.text()).toContain('It has to register again.')
  })

  it('may look first: asking the authorization endpoint has no effect, and the person finishes later', async () => {
    const store = watchedStore(memoryStore())
    const house = openHouse({ clientStorage: store })
    const clientId = await house.register()
    await house.call(house.authorizeUrl(clientId), { headers: { accept: 'application/json' } })
    const { length } = store.written
    const url = house.authorizeUrl(clientId)
    const looks = await Promise.all([1, 2].map(() => house.call(url, { headers: { accept: 'application/json' } })))
    expect(looks.map(({ status }) => status)).toEqual([200, 200])
    expect(store.written).toHaveLength(length)
    expect((await house.signIn(clientId)).searchParams.get('code')).toMatch(/^db_ac_/)
  })
})

describe('G4: one issuer', () => {
  it.each([
    ['http://localhost:8000', 'http://localhost:8000', ''],
    ['http://localhost:8000/', 'http://localhost:8000', ''],
    ['https://mcp.example.com/tenant', 'https://mcp.example.com/tenant', '/tenant'],
  ])('is one text everywhere, without a slash at its end: %s', async (baseUrl, issuer, path) => {
    const house = openHouse({ baseUrl })
    const { origin } = new URL(baseUrl)
    const server = await documentAt(house, `${origin}/.well-known/oauth-authorization-server${path}`)
    const resource = await documentAt(house, house.auth.resources[0].metadataUrl)
    const { clientId, tokens } = await house.login()
    const granted = await house.signIn(clientId)
    const refusedUrl = new URL((await openTab(house).open(house.authorizeUrl(clientId, { scope: '"' }))).location)
    const texts = [server.issuer, resource.authorization_servers, decodeJwt(tokens.access_token).iss]
    expect(texts).toEqual([issuer, [issuer], issuer])
    expect([granted, refusedUrl].map(({ searchParams }) => searchParams.getAll('iss'))).toEqual([[issuer], [issuer]])
  })
})

describe('G5: the scope', () => {
  it('is in every token response, whatever was asked for', async () => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const { clientId, tokens } = await redeemed(house, { scope: 'user repo' })
    const plain = await redeemed(house)
    const refreshed: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    const narrowed: TokenAnswer = await (await house.refresh(clientId, refreshed.refresh_token, { scope: 'repo' })).json()
    expect([tokens, plain.tokens, refreshed, narrowed].map(({ scope }) => scope)).toEqual(['user repo', 'user', 'user repo', 'repo'])
  })
})

describe('G6: nothing is null', () => {
  it('in what a registration is answered, from the shortest body to the longest', async () => {
    const shortest = { redirect_uris: [redirectUri] }
    const empty = { client_name: '', client_uri: '', logo_uri: '', scope: '', contacts: [], software_id: '' }
    const secret = { token_endpoint_auth_method: 'client_secret_post', scope: 'user', application_type: 'native', client_name: 'A name' }
    for (const body of [shortest, { ...shortest, ...empty }, { ...shortest, ...secret }]) {
      const { answer } = await registerClient(openHouse(), body)
      expect(JSON.stringify(answer)).not.toMatch(/null|""/)
      expect(OAuthClientInformationFullSchema.safeParse(answer).error).toBeUndefined()
    }
  })

  it('in what a redemption and a refresh are answered, with a refresh token and without', async () => {
    const house = openHouse()
    const { clientId, tokens, answer } = await redeemed(house)
    const without = await redeemed(house, {}, { grant_types: ['authorization_code'] })
    expect(without.tokens).not.toHaveProperty('refresh_token')
    for (const each of [answer, without.answer, await house.refresh(clientId, tokens.refresh_token)]) {
      const text = await each.text()
      expect(text).not.toMatch(/null|""/)
      expect(OAuthTokensSchema.safeParse(JSON.parse(text)).error).toBeUndefined()
    }
  })

  it('in the documents, and the SDKs read them', async () => {
    const house = openHouse({ requiredScopes: [] })
    const server = await documentAt(house, '/.well-known/oauth-authorization-server')
    const resource = await documentAt(house, '/.well-known/oauth-protected-resource/mcp')
    expect(JSON.stringify([server, resource])).not.toMatch(/null|""/)
    expect(OAuthMetadataSchema.safeParse(server).error).toBeUndefined()
    expect(OpenIdProviderDiscoveryMetadataSchema.safeParse(server).error).toBeUndefined()
    expect(OAuthProtectedResourceMetadataSchema.safeParse(resource).error).toBeUndefined()
  })

  it('in errors', async () => {
    const house = openHouse()
    const errors = await Promise.all([
      house.post('/token', {}),
      house.call('/register', { method: 'POST', body: '{}' }),
      house.call('/authorize', { headers: { accept: 'application/json' } }),
    ])
    for (const error of errors) {
      const text = await error.text()
      expect(text).not.toMatch(/null|""/)
      expect(OAuthErrorResponseSchema.safeParse(JSON.parse(text)).error).toBeUndefined()
    }
  })
})

describe('G7: a registration without an authentication method', () => {
  it('makes a public client, which is told so, is given no secret, and logs in without one', async () => {
    const house = openHouse()
    const { answer, clientId } = await registerClient(house, { client_name: 'A test', redirect_uris: [redirectUri] })
    expect(answer.token_endpoint_auth_method).toBe('none')
    expect(answer).not.toHaveProperty('client_secret')
    const code = (await house.signIn(clientId)).searchParams.get('code') ?? ''
    expect((await house.redeem(clientId, code)).status).toBe(200)
  })
})

describe('G8: the port of a loopback redirect URI', () => {
  it.each([
    ['http://127.0.0.1:0/oauth/callback', 'http://127.0.0.1:39005/oauth/callback'],
    ['http://localhost:39409/oauth/callback', 'http://localhost:39410/oauth/callback'],
    ['http://127.0.0.1/', 'http://127.0.0.1:33418/'],
    ['http://[::1]/cb', 'http://[::1]:5000/cb'],
  ])('may be another than the registered one: %s, and %s', async (registered, asked) => {
    const house = openHouse()
    const clientId = await house.register({ redirect_uris: [registered] })
    expect((await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: asked }))).status).toBe(200)
  })

  it.each([
    ['http://127.0.0.1:5000/cb', 'http://localhost:5000/cb'],
    ['http://127.0.0.1:5000/cb', 'http://127.0.0.1:5000/other'],
    ['http://127.0.0.1:5000/cb', 'http://127.0.0.1.evil.example:5000/cb'],
    ['https://client.example/cb', 'https://client.example:8443/cb'],
  ])('is all that may differ: %s, and not %s', async (registered, asked) => {
    const house = openHouse()
    const clientId = await house.register({ redirect_uris: [registered] })
    const { status, location } = await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: asked }))
    expect([status, location]).toEqual([400, ''])
  })
})

describe('G9: a resource without a path', () => {
  it.each(['http://localhost:8000', 'http://localhost:8000/', 'HTTP://LOCALHOST:8000'])('may be named %s throughout', async (resource) => {
    const house = openHouse({ mcpPath: '/' })
    const clientId = await house.register()
    const code = (await house.signIn(clientId, { resource })).searchParams.get('code') ?? ''
    const answer = await house.redeem(clientId, code, { resource })
    const tokens: TokenAnswer = await answer.json()
    expect(decodeJwt(tokens.access_token).aud).toBe('http://localhost:8000')
    expect((await house.refresh(clientId, tokens.refresh_token, { resource })).status).toBe(200)
  })

  it('is the only one whose slash does not count', async () => {
    const house = openHouse()
    const clientId = await house.register()
    const { location } = await openTab(house).open(house.authorizeUrl(clientId, { resource: 'http://localhost:8000/mcp/' }))
    expect(new URL(location).searchParams.get('error')).toBe('invalid_target')
  })
})

describe('G10: what clients leave out, or bring from elsewhere', () => {
  it.each([
    ['nothing', undefined, 'user'],
    ['the scopes of OpenID Connect', 'openid email profile', 'user'],
    ['one of ours among others', 'openid repo', 'repo'],
    ['one that only Claude knows', 'claudeai', 'user'],
  ])('grants what there is of the scopes when a client asks for %s', async (_, scope, granted) => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const { tokens } = await redeemed(house, { scope })
    expect(tokens.scope).toBe(granted)
  })

  it('drops unknown scopes from a registration, too', async () => {
    const { answer } = await registerClient(openHouse(), { redirect_uris: [redirectUri], scope: 'openid user claudeai' })
    expect(answer.scope).toBe('user')
  })

  it('grants the only resource to a client that names none', async () => {
    const house = openHouse()
    const { tokens } = await redeemed(house, { resource: undefined })
    expect(decodeJwt(tokens.access_token).aud).toBe('http://localhost:8000/mcp')
  })

  it('lists its scopes in both documents, so that no client has to guess', async () => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const server = await documentAt(house, '/.well-known/oauth-authorization-server')
    const resource = await documentAt(house, '/.well-known/oauth-protected-resource/mcp')
    expect([server.scopes_supported, resource.scopes_supported]).toEqual([['user', 'repo', 'offline_access'], ['user']])
  })
})

describe('G11: what newer clients add', () => {
  it.each(['native', 'web'])('is accepted in a registration: application_type %s, software_id, pages of the client', async (type) => {
    const added = {
      application_type: type,
      software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
      software_version: '0.15.1',
      client_uri: 'https://client.example',
      logo_uri: 'https://client.example/logo.png',
      tos_uri: 'https://client.example/terms',
      'client_name#fr': 'Un client',
    }
    const { answer } = await registerClient(openHouse(), { redirect_uris: ['https://client.example/cb'], ...added })
    expect(answer.application_type).toBe(type)
  })

  it.each(['consent', 'login consent', 'select_account'])('is accepted in an authorization request: prompt=%s', async (prompt) => {
    const { answer } = await redeemed(openHouse(), { prompt })
    expect(answer.status).toBe(200)
  })
})

describe('G12: ids and secrets', () => {
  it('are the same form-encoded and not, so that Basic works either way', async () => {
    const house = openHouse()
    const { answer, clientId } = await registerClient(house, {
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'client_secret_basic',
    })
    const secret = String(answer.client_secret)
    expect([clientId, secret].map((text) => /^[A-Za-z0-9_-]+$/.test(text))).toEqual([true, true])
    const grant = async (authorization: string) => {
      const code = (await house.signIn(clientId)).searchParams.get('code') ?? ''
      const fields = { grant_type: 'authorization_code', code, code_verifier: verifier }
      return (await house.post('/token', fields, { authorization })).status
    }
    const encoded = new URLSearchParams({ [clientId]: secret }).toString().replace('=', ':')
    expect([await grant(`Basic ${btoa(`${clientId}:${secret}`)}`), await grant(`Basic ${btoa(encoded)}`)]).toEqual([200, 200])
  })
})

/** The challenges that the gate can answer with: to no token, a bad one, and one that was not granted enough. */
async function challenges(house: House): Promise<Response[]> {
  const { tokens } = await house.login()
  return [await refused(house), await refused(house, 'nonsense'), await refused(house, tokens.access_token, ['user', 'repo'])]
}

describe('G13: the order of a challenge', () => {
  it('has error, scope and resource_metadata first, and error_description last, without a word that parsers look for', async () => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const url = 'resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp"'
    expect((await challenges(house)).map(challengeOf)).toEqual([
      `Bearer scope="user", ${url}`,
      `Bearer error="invalid_token", scope="user", ${url}, error_description="The access token is invalid or has expired."`,
      `Bearer error="insufficient_scope", scope="user repo", ${url}, error_description="The access token was not granted what this needs."`,
    ])
    for (const challenge of (await challenges(house)).map(challengeOf)) {
      expect(challenge.split('error_description=')[1] ?? '').not.toMatch(/scope=|error=|resource_metadata=/)
    }
  })

  it('is read by every release of the SDK as it is meant', async () => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const resourceMetadataUrl = new URL('http://localhost:8000/.well-known/oauth-protected-resource/mcp')
    for (const read of [challengeOf129, challengeOf132, challengeOfV2]) {
      expect((await challenges(house)).map((response) => read(response))).toMatchObject([
        { resourceMetadataUrl, scope: 'user', error: undefined },
        { resourceMetadataUrl, scope: 'user', error: 'invalid_token' },
        { resourceMetadataUrl, scope: 'user repo', error: 'insufficient_scope' },
      ])
    }
    for (const response of await challenges(house)) expect(metadataUrlOf120(response)).toEqual(resourceMetadataUrl)
  })
})

describe('G14: a challenge that asks for no scope', () => {
  it('has no scope at all, one blank after Bearer, and is never Bearer alone', async () => {
    const house = openHouse({ requiredScopes: [] })
    const challenge = challengeOf(await refused(house))
    expect(challenge).toBe('Bearer resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp"')
    for (const each of (await challenges(house)).map(challengeOf)) {
      expect(each).toMatch(/^Bearer [a-z]/)
      expect(each).not.toContain('scope=""')
    }
  })
})

describe('G15: the scheme of a challenge', () => {
  it.each(['Basic YTpi', 'DPoP abc', 'Negotiate', ''])(
    'is Bearer, once and alone, whatever the client tried: %s',
    async (authorization) => {
      const house = openHouse()
      const request = new Request('http://localhost:8000/mcp', { headers: { authorization } })
      const answer = await house.auth.authenticate(request)
      if (!(answer instanceof Response)) throw new Error('the gate let the call pass')
      expect(answer.status).toBe(401)
      expect(challengeOf(answer)).toMatch(/^Bearer /)
      expect(challengeOf(answer)).not.toMatch(/basic|dpop|negotiate|,\s*bearer/i)
    },
  )
})

describe('G16: clients that cannot step up', () => {
  it('are asked for every scope at once, by the first 401 and by the document', async () => {
    const house = openHouse({ requiredScopes: ['user', 'repo'] })
    expect(challengeOf(await refused(house))).toContain('scope="user repo"')
    expect((await documentAt(house, '/.well-known/oauth-protected-resource/mcp')).scopes_supported).toEqual(['user', 'repo'])
  })

  it('get no more by a refresh, with a scope or without', async () => {
    const house = openHouse({ clients: { validScopes: ['repo'] } })
    const { clientId, tokens } = await house.login()
    const same: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    expect(same.scope).toBe('user')
    expect(await readJson(await house.refresh(clientId, same.refresh_token, { scope: 'user repo' }))).toEqual(
      refusal(400, 'invalid_scope', 'The scope is wider than the one that was granted.'),
    )
  })
})

describe('G17: clients that keep the documents', () => {
  it('find every endpoint where it was, after a restart and on every host', async () => {
    const before = openHouse()
    const after = openHouse({ beside: before })
    const document = await documentAt(after, '/.well-known/oauth-authorization-server')
    expect(document).toEqual(await documentAt(before, '/.well-known/oauth-authorization-server'))
    expect(Object.fromEntries(Object.entries(document).filter(([name]) => /_endpoint$|_uri$/.test(name)))).toEqual({
      authorization_endpoint: 'http://localhost:8000/authorize',
      token_endpoint: 'http://localhost:8000/token',
      registration_endpoint: 'http://localhost:8000/register',
      revocation_endpoint: 'http://localhost:8000/revoke',
      jwks_uri: 'http://localhost:8000/.well-known/jwks.json',
    })
    const { clientId, tokens } = await before.login()
    expect((await after.refresh(clientId, tokens.refresh_token)).status).toBe(200)
  })
})

describe('G18: clients of 2025-03-26', () => {
  it('find the document at the root, wherever the server is mounted', async () => {
    for (const baseUrl of ['http://localhost:8000', 'http://localhost:8000/tenant/one']) {
      const house = openHouse({ baseUrl })
      expect(await documentAt(house, 'http://localhost:8000/.well-known/oauth-authorization-server')).toEqual(house.auth.oauthMetadata)
    }
  })

  it('find /register, /authorize and /token by default, and log in without a resource', async () => {
    const house = openHouse()
    const { clientId, tokens, answer } = await redeemed(house, { resource: undefined, scope: undefined })
    expect(answer.status).toBe(200)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })
})

describe('G19: the resource server of SDK v2', () => {
  it.each(['/mcp', '/'])('takes our verifier, and what it tells has every field, at %s', async (mcpPath) => {
    const house = openHouse({ mcpPath, at: Math.floor(Date.now() / 1000) })
    const { clientId, tokens } = await house.login()
    const expectedResource = new URL(house.auth.resources[0].uri)
    const info = await verifyBearerToken(`Bearer ${tokens.access_token}`, { verifier: house.auth, expectedResource })
    expect(info).toMatchObject({
      token: tokens.access_token,
      clientId,
      scopes: ['user'],
      expiresAt: decodeJwt(tokens.access_token).exp,
      resource: expectedResource,
    })
  })

  it('recognises our refusal, and answers 401 and not 500', async () => {
    const house = openHouse()
    const error = await verifyBearerToken('Bearer nonsense', { verifier: house.auth }).catch((cause) => cause)
    expect(bearerAuthChallengeResponse(error).status).toBe(401)
  })

  it('makes documents that name our issuer as we do', async () => {
    const { auth } = openHouse()
    const document = buildOAuthProtectedResourceMetadata({
      oauthMetadata: auth.oauthMetadata,
      resourceServerUrl: new URL(auth.resources[0].uri),
      dangerouslyAllowInsecureIssuerUrl: true,
    })
    expect(document).toMatchObject({ resource: 'http://localhost:8000/mcp', authorization_servers: ['http://localhost:8000'] })
  })
})

describe('G20: the stream that a client opens after its login', () => {
  it.each([sdks.v120, sdks.v129, sdks.v132, sdks.v2])(
    'may meet the end of the access token together with a call: $name goes on',
    async (sdk) => {
      let letGo = () => {}
      const held = new Promise<void>((resolve) => {
        letGo = resolve
      })
      const served = await serveServer({ middleware: () => holdStreams(held) })
      open.push(served)
      const memory = new ClientMemory(redirectUri)
      const first = sdk.open(served.mcpUrl, memory)
      open.push(first)
      await expect(first.connect()).rejects.toThrow(sdk.Unauthorized)
      const end = await allow(memory.authorizationUrl?.href ?? '', redirectUri)
      await first.finishAuth(new URL(end.url).searchParams)
      const client = sdk.open(served.mcpUrl, memory)
      open.push(client)
      await client.connect()
      served.expireTokens()
      const answer = client.call('whoami')
      letGo()
      expect(await answer).toContain('octocat')
      await expect
        .poll(() => served.at('/mcp').filter(({ method, status }) => method === 'GET' && status !== 401).length, { timeout: 10_000 })
        .toBe(1)
      expect(served.at('/token').map(({ status }) => status)).toEqual([200, 200, 200])
      expect(served.events.filter(({ type }) => type === 'grant.ended' || type === 'refresh.replayed')).toEqual([])
    },
  )
})

/** Holds every stream that is asked for until a test lets go. */
function holdStreams(held: Promise<void>): MiddlewareHandler {
  return async (context, next) => {
    if (context.req.method === 'GET' && context.req.path === '/mcp') await held
    await next()
  }
}
