import { once } from 'node:events'
import type { Server } from 'node:http'
import { nodeHandler, requireAuth } from '@drawbridge/core/node'
import { sdkV1Verifier } from '@drawbridge/core/sdk-v1'
import { requireBearerAuth as expressGateV2, mcpAuthMetadataRouter as metadataRouterV2 } from '@modelcontextprotocol/express'
import { requireBearerAuth as expressGateV1 } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import { mcpAuthMetadataRouter as metadataRouterV1 } from '@modelcontextprotocol/sdk/server/auth/router.js'
import { requireBearerAuth as fetchGateV2, oauthMetadataResponse } from '@modelcontextprotocol/server'
import express, { type Express, type RequestHandler } from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { type House, openHouse } from '../support/house.ts'

const metadataUrl = 'http://localhost:8000/.well-known/oauth-protected-resource/mcp'
const resource = new URL('http://localhost:8000/mcp')

/** The SDKs' gates read the real clock. */
const now = () => Math.floor(Date.now() / 1000)

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
})

async function listen(app: Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return `http://127.0.0.1:${address.port}`
}

const answerWithCaller: RequestHandler = (request, response) => {
  const { clientId, scopes, extra } = Object(Reflect.get(request, 'auth'))
  response.json({ clientId, scopes, subject: extra?.subject })
}

const gates: Record<string, (house: House) => RequestHandler> = {
  'our own': ({ auth }) => requireAuth(auth),
  "SDK v1's": ({ auth }) =>
    expressGateV1({
      verifier: sdkV1Verifier(auth),
      requiredScopes: ['user'],
      resourceMetadataUrl: metadataUrl,
      expectedResource: resource,
    }),
  "SDK v2's": ({ auth }) =>
    expressGateV2({ verifier: auth, requiredScopes: ['user'], resourceMetadataUrl: metadataUrl, expectedResource: resource }),
}

describe.each(Object.entries(gates))('behind %s gate on Express', (_, gate) => {
  it('a good token passes, and the handler knows who calls (G19)', async () => {
    const house = openHouse({ at: now() })
    const { clientId, tokens } = await house.login()
    const url = await listen(express().post('/mcp', gate(house), answerWithCaller))
    const answer = await fetch(`${url}/mcp`, { method: 'POST', headers: { authorization: `Bearer ${tokens.access_token}` } })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ clientId, scopes: ['user'], subject: '583231' })
  })

  it('a token that is over is 401 with the way to a new one, not 500', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    await house.auth.revoke({ subject: '583231' })
    const url = await listen(express().post('/mcp', gate(house), answerWithCaller))
    const answer = await fetch(`${url}/mcp`, { method: 'POST', headers: { authorization: `Bearer ${tokens.access_token}` } })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect(answer.headers.get('www-authenticate')).toContain(`resource_metadata="${metadataUrl}"`)
  })

  it('no token is 401', async () => {
    const url = await listen(express().post('/mcp', gate(openHouse()), answerWithCaller))
    expect((await fetch(`${url}/mcp`, { method: 'POST' })).status).toBe(401)
  })
})

describe("behind SDK v2's gate on web types", () => {
  it('a good token passes, and one that is over is 401 (G19)', async () => {
    const { auth, login } = openHouse({ at: now() })
    const { tokens } = await login()
    const gate = fetchGateV2({ verifier: auth, requiredScopes: ['user'], resourceMetadataUrl: metadataUrl, expectedResource: resource })
    const request = () => new Request('http://localhost:8000/mcp', { headers: { authorization: `Bearer ${tokens.access_token}` } })
    expect(await gate(request())).toMatchObject({ scopes: ['user'], extra: { subject: '583231' } })
    await auth.revoke({ subject: '583231' })
    const refused = await gate(request())
    expect(refused instanceof Response && refused.status).toBe(401)
  })
})

describe('our metadata in the hands of the SDKs', () => {
  it('is what SDK v2 serves, to the letter', async () => {
    const { auth } = openHouse()
    const options = {
      oauthMetadata: auth.oauthMetadata,
      resourceServerUrl: resource,
      scopesSupported: ['user'],
      dangerouslyAllowInsecureIssuerUrl: true,
    }
    const served = oauthMetadataResponse(new Request('http://localhost:8000/.well-known/oauth-authorization-server'), options)
    expect(await served?.json()).toEqual(auth.oauthMetadata)
  })

  it.each([
    ['v1', metadataRouterV1],
    ['v2', metadataRouterV2],
  ] as const)('is what the router of SDK %s serves', async (_, router) => {
    const { auth } = openHouse()
    const url = await listen(
      express().use(router({ oauthMetadata: auth.oauthMetadata, resourceServerUrl: resource, dangerouslyAllowInsecureIssuerUrl: true })),
    )
    const answer = await fetch(`${url}/.well-known/oauth-authorization-server`)
    expect(await answer.json()).toEqual(auth.oauthMetadata)
    expect(await (await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)).json()).toMatchObject({
      authorization_servers: ['http://localhost:8000'],
    })
  })
})

describe('our endpoints on Express', () => {
  it.each([
    ['as they come', []],
    ['behind parsers that have read the body', [express.json(), express.urlencoded({ extended: false })]],
  ])('register and redeem %s', async (_, parsers) => {
    const house = openHouse()
    const app = express()
    for (const parser of parsers) app.use(parser)
    app.use(nodeHandler(house.auth))
    app.get('/status', (_request, response) => response.send('still here'))
    const url = await listen(app)
    const registration = await fetch(`${url}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['http://127.0.0.1:5555/callback'] }),
    })
    expect(registration.status).toBe(201)
    const { client_id: clientId }: { client_id: string } = await registration.json()
    const end = await house.signIn(clientId)
    const fields = {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: end.searchParams.get('code') ?? '',
      code_verifier: 'a-verifier-that-is-made-for-nothing-but-tests-01',
    }
    const redemption = await fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams(fields) })
    expect(redemption.status).toBe(200)
    expect(await (await fetch(`${url}/status`)).text()).toBe('still here')
    expect((await fetch(`${url}/nobody`)).status).toBe(404)
  })

  it('answer under a prefix that Express strips', async () => {
    const house = openHouse({ baseUrl: 'http://localhost:8000/api' })
    const app = express().use('/api', nodeHandler(house.auth))
    app.get('/api/status', (_request, response) => response.send('still here'))
    const url = await listen(app)
    expect((await fetch(`${url}/api/authorize`)).status).toBe(400)
    expect((await fetch(`${url}/authorize`)).status).toBe(404)
    expect(await (await fetch(`${url}/api/status`)).text()).toBe('still here')
  })

  it('say in the answer of the server which request it is of, as its events do (REL-R40)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    const app = express().post('/mcp', requireAuth(house.auth), (request, response) => {
      response.json(Object(Reflect.get(request, 'auth')).extra.requestId)
    })
    const url = await listen(app)
    const call = (token: string) => fetch(`${url}/mcp`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
    const [passed, refused] = [await call(tokens.access_token), await call('x')]
    expect(await passed.json()).toBe(passed.headers.get('x-request-id'))
    expect(house.told.at(-1)).toMatchObject({ type: 'token.refused', requestId: refused.headers.get('x-request-id') })
  })

  it('see a repeated Authorization header, and refuse it (R35)', async () => {
    const { auth, login } = openHouse()
    const { tokens } = await login()
    const url = await listen(express().post('/mcp', requireAuth(auth), answerWithCaller))
    const { request } = await import('node:http')
    const status = await new Promise((resolve) => {
      const sent = request(`${url}/mcp`, { method: 'POST' }, (answer) => resolve(answer.resume().statusCode))
      sent.setHeader('authorization', [`Bearer ${tokens.access_token}`, `Bearer ${tokens.access_token}`])
      sent.end()
    })
    expect(status).toBe(400)
  })

  it('set both cookies of a login on a real connection', async () => {
    const house = openHouse()
    const url = await listen(express().use(nodeHandler(house.auth)))
    const clientId = await house.register()
    const answer = await fetch(house.authorizeUrl(clientId).replace('http://localhost:8000', url), { headers: { accept: 'text/html' } })
    expect(answer.status).toBe(200)
    expect(answer.headers.getSetCookie().map((cookie) => cookie.split('=')[0])).toEqual([expect.stringMatching(/^drawbridge-form-/)])
  })
})
