import { request as send } from 'node:http'
import { openBrowser } from '@drawbridge/quickstart/driver'
import { Client, DpopSession, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterEach, describe, expect, it } from 'vitest'
import { ClientMemory } from '../../examples/quickstart/src/client-memory.ts'
import { allow } from './person.ts'
import { type ServedServer, type ServeServerOptions, serveServer } from './served-server.ts'

const redirectUrl = 'http://127.0.0.1:33419/callback'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

/** A client that has a key, as the SDK wants it: the same for its whole life. */
class ClientMemoryWithKey extends ClientMemory {
  readonly #session = DpopSession.create()

  dpop(): Promise<DpopSession> {
    return this.#session
  }
}

async function server(options: ServeServerOptions): Promise<ServedServer> {
  const served = await serveServer(options)
  open.push(served)
  return served
}

function newClient(): Client {
  const client = new Client({ name: 'a test', version: '1.0.0' })
  open.push(client)
  return client
}

async function login(mcpUrl: string, memory: ClientMemory): Promise<Client> {
  const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory })
  await expect(newClient().connect(transport)).rejects.toThrow(UnauthorizedError)
  const browser = openBrowser({ stopAt: redirectUrl })
  const signIn = await browser.press(await browser.open(memory.authorizationUrl?.href ?? ''), 'Allow')
  const end = await browser.press(signIn, 'Sign in', { login: 'octocat' })
  await transport.finishAuth(new URL(end.url).searchParams)
  const client = newClient()
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory }))
  return client
}

const whoami = async (client: Client): Promise<unknown> => (await client.callTool({ name: 'whoami', arguments: {} })).isError ?? false

// The SDK's clock runs and cannot be moved: only what is shorter than the window of a proof can be waited for.
const shortLived = { lifetimes: { accessToken: 60 } }

describe('the official client, SDK v2, with a key (R144)', () => {
  it.each([
    ['where proofs are taken', 'allowed'],
    ['where they are required', 'required'],
    ['where they need a nonce', { nonce: true }],
    ['where they are required and need a nonce', { use: 'required', nonce: true }],
  ] as const)('logs in, calls tools and refreshes, bound to its key: %s', async (_, dpop) => {
    const { mcpUrl, advance, events, exchanges } = await server({ extensions: { dpop }, ...shortLived })
    const memory = new ClientMemoryWithKey(redirectUrl)
    const client = await login(mcpUrl, memory)
    expect(await whoami(client)).toBe(false)
    const before = memory.tokens()
    expect(before?.token_type).toBe('DPoP')
    expect(decodeJwt(before?.access_token ?? '').cnf).toEqual({ jkt: (await memory.dpop()).thumbprint })
    advance(91)
    expect(await whoami(client)).toBe(false)
    expect(memory.tokens()?.access_token).not.toBe(before?.access_token)
    expect(events.filter(({ type }) => type === 'grant.ended' || type === 'request.failed')).toEqual([])
    // The stream that the client opens beside its calls can find out as well, and refresh at the same time.
    expect(events.filter(({ type }) => type === 'token.issued').length).toBeGreaterThanOrEqual(2)
    expect(exchanges.some(({ path, status }) => path === '/token' && status >= 500)).toBe(false)
  })

  it('without a key goes on with bearer tokens beside it, and is refused where proofs are required', async () => {
    const { mcpUrl } = await server({ extensions: { dpop: 'allowed' } })
    const memory = new ClientMemory(redirectUrl)
    expect(await whoami(await login(mcpUrl, memory))).toBe(false)
    expect(memory.tokens()?.token_type).toBe('Bearer')
    const strict = await server({ extensions: { dpop: 'required' } })
    await expect(login(strict.mcpUrl, new ClientMemory(redirectUrl))).rejects.toThrow(/DPoP proof/)
  })

  it('with a copied token and a key of its own gets no further', async () => {
    const { mcpUrl, events } = await server({ extensions: { dpop: 'allowed' } })
    const memory = new ClientMemoryWithKey(redirectUrl)
    await login(mcpUrl, memory)
    const thief = new ClientMemoryWithKey(redirectUrl)
    const [client, tokens] = [memory.clientInformation(), memory.tokens()]
    if (!client || !tokens) throw new Error('nobody is logged in')
    thief.saveClientInformation(client)
    thief.saveTokens(tokens)
    const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: thief })
    await expect(newClient().connect(transport)).rejects.toThrow(UnauthorizedError)
    const reasons = events.flatMap((event) => ('reason' in event ? [event.reason] : []))
    expect(reasons).toEqual(expect.arrayContaining(['token_of_another_key', 'refresh_token_of_another_key']))
    expect(events.filter(({ type }) => type === 'grant.ended')).toEqual([])
  })
})

it('a client library that knows RFC 9449 and RFC 9126 pushes with a proof, redeems, and calls, with a nonce each time it is asked for one', async () => {
  const { mcpUrl } = await server({ extensions: { dpop: { nonce: true }, pushedRequests: 'required' } })
  const options = { [oauth.allowInsecureRequests]: true }
  const issuer = new URL(new URL(mcpUrl).origin)
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }))
  const registration = await oauth.dynamicClientRegistrationRequest(
    as,
    { redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none', dpop_bound_access_tokens: true },
    options,
  )
  const client: oauth.Client = await oauth.processDynamicClientRegistrationResponse(registration)
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const verifier = oauth.generateRandomCodeVerifier()
  const parameters = {
    redirect_uri: redirectUrl,
    response_type: 'code',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const push = async (): Promise<oauth.PushedAuthorizationResponse> => {
    const answer = await oauth.pushedAuthorizationRequest(as, client, oauth.None(), parameters, { ...options, DPoP })
    return oauth.processPushedAuthorizationResponse(as, client, answer)
  }
  const first: unknown = await push().catch((error: unknown) => error)
  expect(oauth.isDPoPNonceError(first)).toBe(true)
  const { request_uri: requestUri } = await push()
  const reference = new URLSearchParams({ client_id: client.client_id, request_uri: requestUri })
  const end = await allow(`${as.authorization_endpoint}?${reference}`, redirectUrl)
  const code = oauth.validateAuthResponse(as, client, new URL(end.url))
  const answer = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), code, redirectUrl, verifier, { ...options, DPoP })
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer)
  expect(tokens.token_type).toBe('dpop')
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })
  const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' })
  const called = await oauth.protectedResourceRequest(tokens.access_token, 'POST', new URL(mcpUrl), headers, body, { ...options, DPoP })
  expect(await called.text()).toContain('whoami')
})

it('two proofs in two headers are refused, as they come in over the network (RFC 9449 §4.3)', async () => {
  const { mcpUrl, events } = await server({ extensions: { dpop: 'allowed' } })
  const status = await new Promise((resolve, reject) => {
    const headers = { authorization: 'DPoP abc', dpop: ['a.b.c', 'a.b.c'] }
    send(mcpUrl, { method: 'POST', headers }, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end()
  })
  expect(status).toBe(401)
  expect(events.flatMap((event) => (event.type === 'token.refused' ? [event.reason] : []))).toEqual(['proof_malformed'])
})

it('a page in a browser may send a proof to the MCP endpoint, and read the nonce', async () => {
  const { mcpUrl } = await server({ extensions: { dpop: 'allowed' } })
  const { origin } = new URL(mcpUrl)
  const preflight = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,dpop' }
  const asked = await fetch(mcpUrl, { method: 'OPTIONS', headers: preflight })
  expect(asked.headers.get('access-control-allow-headers')?.split(',')).toContain('dpop')
  const answer = await fetch(mcpUrl, { method: 'POST', headers: { origin } })
  expect(answer.headers.get('access-control-expose-headers')?.split(',')).toContain('dpop-nonce')
})
