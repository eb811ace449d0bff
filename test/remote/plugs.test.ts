import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import {
  type AuthInfo,
  IntrospectionVerifier,
  JwtVerifier,
  type McpAuth,
  MultiAuth,
  OAuthProxy,
  RemoteAuthProvider,
  type StaticToken,
  StaticTokenVerifier,
} from '@drawbridge/core'
import { authRoutes, mcpApp, requireAuth, wellKnownRoutes } from '@drawbridge/core/hono'
import { requireAuth as nodeAuth, nodeHandler } from '@drawbridge/core/node'
import { sdkV1Verifier } from '@drawbridge/core/sdk-v1'
import { requireBearerAuth as requireBearerV2 } from '@modelcontextprotocol/express'
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import type { OAuthTokenVerifier as OAuthTokenVerifierV2 } from '@modelcontextprotocol/server'
import express from 'express'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openHouse } from '../support/house.ts'
import { baseUrl, claims, createKey, issuer, metadataUrl, mint, openDiscovered, openNetwork, openRemote, resource } from './issuer.ts'

const key = createKey()
const mcp = {
  fetch: (_: Request, { authInfo }: { authInfo: AuthInfo }) => Response.json({ caller: authInfo.extra.subject }),
}
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

describe('a resource server plugs in where an OAuthProxy does:', () => {
  it('mcpApp, with its document, its gate and its health', async () => {
    const house = openDiscovered([key])
    const app = mcpApp({ auth: house.auth, mcp, health: true })
    const call = async (path: string, init?: RequestInit) => app.fetch(new Request(`${baseUrl}${path}`, init))
    expect(await (await call('/mcp', bearer(await mint(key)))).json()).toEqual({ caller: 'person-1' })
    const refused = await call('/mcp', { headers: { origin: baseUrl } })
    expect([refused.status, refused.headers.get('access-control-expose-headers')]).toEqual([
      401,
      expect.stringMatching(/www-authenticate/i),
    ])
    for (const path of [new URL(metadataUrl).pathname, '/health', '/ready']) expect((await call(path)).status).toBe(200)
    expect((await call('/token', { method: 'POST' })).status).toBe(404)
    await house.auth.close()
    expect((await call('/ready')).status).toBe(503)
  })

  it('Hono, part by part, at a depth', async () => {
    const house = openDiscovered([key], {}, { baseUrl: `${baseUrl}/api` })
    const app = new Hono()
    app.use('*', authRoutes(house.auth))
    app.route('/', wellKnownRoutes(house.auth))
    app.all('/api/mcp', requireAuth(house.auth), (context) => context.json({ caller: context.get('auth').extra.subject }))
    const token = await mint(key, { aud: `${baseUrl}/api/mcp` })
    expect(await (await app.fetch(new Request(`${baseUrl}/api/mcp`, bearer(token)))).json()).toEqual({ caller: 'person-1' })
    expect((await app.fetch(new Request(`${baseUrl}/.well-known/oauth-protected-resource/api/mcp`))).status).toBe(200)
  })

  it('Express, node:http, and the bearer gates of both SDKs', async () => {
    const house = openDiscovered([key])
    const v2: OAuthTokenVerifierV2 = house.auth
    const app = express()
    app.use(nodeHandler(house.auth))
    app.get('/mcp', nodeAuth(house.auth), (request, response) => {
      response.json({ caller: (request as unknown as { auth: AuthInfo }).auth.extra.subject })
    })
    app.get('/v2', requireBearerV2({ verifier: v2 }), (request, response) => {
      response.json({ caller: (request as unknown as { auth: AuthInfo }).auth.extra.subject })
    })
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    // The SDK looks at its own clock.
    const token = await mint(key, { exp: Math.floor(Date.now() / 1000) + 3600 })
    for (const path of ['/mcp', '/v2']) {
      expect(await (await fetch(`${url}${path}`, bearer(token))).json()).toEqual({ caller: 'person-1' })
      expect((await fetch(`${url}${path}`, bearer('nobody-knows-this-token'))).status).toBe(401)
    }
    expect((await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)).status).toBe(200)
    const v1 = sdkV1Verifier(house.auth)
    expect((await v1.verifyAccessToken(token)).clientId).toBe('a-client')
    await expect(v1.verifyAccessToken('nobody-knows-this-token')).rejects.toThrow(InvalidTokenError)
  })

  it('with a name for each request, and its events by that name', async () => {
    const told: object[] = []
    const { auth } = openRemote({ onEvent: (event) => told.push(event), observability: { requestIdHeader: 'x-id' } })
    const headers = { authorization: 'Bearer nobody-knows-this-token', 'x-id': 'request-0001' }
    const answer = await auth.authenticate(new Request(resource, { headers }))
    expect(answer instanceof Response && answer.headers.get('x-request-id')).toBe('request-0001')
    expect(told).toMatchObject([{ type: 'token.refused', requestId: 'request-0001' }])
  })

  it('and is reached by its own name on loopback (T84)', async () => {
    const { auth } = openRemote({ baseUrl: 'http://localhost:8000' })
    const answer = await auth.authenticate(new Request('http://localhost:8000/mcp', { headers: { host: 'evil.example' } }))
    expect(answer).toMatchObject({ status: 421 })
  })
})

describe('sessions of an MCP server', () => {
  it('belong to one person of one issuer, whatever another issuer calls its own (R41)', async () => {
    const [one, other] = [createKey(), createKey()]
    const elsewhere = 'https://second.example'
    const house = openDiscovered([one])
    const second = new JwtVerifier({ issuer: elsewhere, keys: { keys: [other.jwk] } })
    const auth = new MultiAuth({ auth: house.auth, verifiers: [second] })
    const begins = { fetch: () => new Response('ok', { headers: { 'mcp-session-id': 'one' } }) }
    const app = mcpApp({ auth, mcp: begins, sessions: 'process' })
    const call = (token: string, headers = {}) =>
      app.fetch(new Request(resource, { method: 'POST', headers: { authorization: `Bearer ${token}`, ...headers } }))
    const theirs = await mint(other, { iss: elsewhere })
    expect((await call(await mint(one))).status).toBe(200)
    expect((await call(await mint(one), { 'mcp-session-id': 'one' })).status).toBe(200)
    expect((await call(theirs, { 'mcp-session-id': 'one' })).status).toBe(404)
  })
})

describe('a resource server behind an OAuthProxy elsewhere', () => {
  const files = 'https://files.example.com/mcp'
  const clientSecret = 'files-secret-0123456789-abcdefghij'
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const openBoth = () => {
    const house = openHouse({
      baseUrl: 'https://login.example.com',
      jwtSigningKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      verification: { resourceServers: [{ resource: files, clientId: 'files', clientSecret }] },
    })
    const network = openNetwork()
    for (const path of ['/.well-known/openid-configuration', '/.well-known/jwks.json', '/introspect'])
      network.answers[`${issuer}${path}`] = (url, init) => house.call(url, { ...init, signal: null })
    const remote = (verifier: JwtVerifier | IntrospectionVerifier) =>
      openRemote({ baseUrl: 'https://files.example.com', verifier, network })
    return { house, remote }
  }

  it('takes its tokens by its keys, and by asking it, and no others of it (R37, T60)', async () => {
    const { house, remote } = openBoth()
    const clientId = await house.register()
    const login = async (parameters: Record<string, string>) => {
      const end = await house.signIn(clientId, parameters)
      const answer = await house.redeem(clientId, end.searchParams.get('code') ?? '', parameters)
      const { access_token: token }: { access_token: string } = await answer.json()
      return token
    }
    const [forFiles, forUs] = [await login({ resource: files }), await login({})]
    const asking = { endpoint: `${issuer}/introspect`, clientId: 'files', clientSecret, issuer }
    for (const verifier of [new JwtVerifier({ issuer, type: 'at+jwt' }), new IntrospectionVerifier(asking)]) {
      const { auth } = remote(verifier)
      expect(await auth.verifyAccessToken(forFiles)).toMatchObject({ clientId, scopes: ['user'], extra: { subject: '583231', issuer } })
      await expect(auth.verifyAccessToken(forUs)).rejects.toMatchObject({ code: 'invalid_token' })
    }
    expect(await house.mcpStatus(forFiles)).toBe(401)
  })
})

describe('what an auth is', () => {
  const members = (one: { prototype: object }) => Object.getOwnPropertyNames(one.prototype).sort()
  const common = [
    'authenticate',
    'basePath',
    'close',
    'constructor',
    'fetch',
    'getRoutes',
    'getWellKnownRoutes',
    'ready',
    'requireScopes',
    'resources',
    'verifyAccessToken',
  ]

  it('has these members and no others, whoever issues', () => {
    expect(members(RemoteAuthProvider)).toEqual(common)
    expect(members(MultiAuth)).toEqual(common)
    expect(members(OAuthProxy)).toEqual(expect.arrayContaining(common))
    const machines: StaticToken = { token: 'k7Qw2Xz9Lr4Tn8Vb1Yc6Hd3Jf5Mg0Ps_', clientId: 'ci' }
    const all: McpAuth[] = [openRemote().auth, openHouse().auth]
    expect(new MultiAuth({ auth: all[0] ?? openRemote().auth, verifiers: [new StaticTokenVerifier({ tokens: [machines] })] })).toBeDefined()
  })

  it('says to a tool what the token says, and no more', async () => {
    const house = openDiscovered([key])
    const { extra } = await house.auth.verifyAccessToken(await mint(key))
    expect(extra).toEqual({ subject: 'person-1', identity: { subject: 'person-1', claims }, issuer })
  })
})
