import {
  type AuthInfo,
  type Environment,
  IntrospectionVerifier,
  JwtVerifier,
  type RecordedEvent,
  RemoteAuthProvider,
  systemEnvironment,
  type TokenVerifier,
} from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { serve } from '@drawbridge/core/node'
import { openBrowser } from '@drawbridge/quickstart/driver'
import { Client, type OAuthClientMetadata, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { ClientMemory } from '../../examples/quickstart/src/client-memory.ts'
import { freePort } from '../support/free-port.ts'
import { type OidcIssuer, serveOidcIssuer } from './oidc-issuer.ts'

// A client of MCP's SDK that registers and logs in at an authorization server of its own kind, and calls an MCP server which issues nothing.

const redirectUrl = 'http://127.0.0.1:33418/callback'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

/** As programs on somebody's computer register (OpenID Connect Registration §2). */
class NativeMemory extends ClientMemory {
  override get clientMetadata(): OAuthClientMetadata {
    return { ...super.clientMetadata, application_type: 'native' }
  }
}

interface Served {
  readonly mcpUrl: string
  readonly events: RecordedEvent[]
  readonly callers: AuthInfo[]
  readonly auth: RemoteAuthProvider
  advance(seconds: number): void
}

async function serveRemote(issuer: OidcIssuer, verifier: TokenVerifier): Promise<Served> {
  const port = await freePort()
  const system = systemEnvironment()
  let ahead = 0
  const environment: Environment = { ...system, now: () => system.now() + ahead }
  const [events, callers]: [RecordedEvent[], AuthInfo[]] = [[], []]
  const auth = new RemoteAuthProvider(
    {
      baseUrl: `http://127.0.0.1:${port}`,
      authorizationServers: issuer.issuer,
      verifier,
      requiredScopes: ['notes:read'],
      forwardMetadata: true,
      onEvent: (event) => events.push(event),
    },
    environment,
  )
  const mcp = createMcpHandler(() => {
    const server = new McpServer({ name: 'notes', version: '1.0.0' })
    server.registerTool('whoami', { description: 'Who calls.' }, ({ http }) => {
      if (http?.authInfo) callers.push(http.authInfo as AuthInfo)
      return { content: [{ type: 'text', text: String(http?.authInfo?.extra?.subject) }] }
    })
    return server
  })
  const served = await serve(mcpApp({ auth, mcp, health: true }), { port, print: () => {}, closing: () => auth.close() })
  open.push(served)
  return {
    auth,
    mcpUrl: auth.resources[0].uri,
    events,
    callers,
    advance(seconds) {
      ahead += seconds
    },
  }
}

async function issuerOf(format: 'jwt' | 'opaque'): Promise<OidcIssuer> {
  const issuer = await serveOidcIssuer(format)
  open.push(issuer)
  return issuer
}

/** From the first refusal to tokens. */
async function login(mcpUrl: string): Promise<NativeMemory> {
  const memory = new NativeMemory(redirectUrl)
  const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory })
  await expect(newClient().connect(transport)).rejects.toThrow(UnauthorizedError)
  const end = await openBrowser({ stopAt: redirectUrl }).open(memory.authorizationUrl?.href ?? '')
  await transport.finishAuth(new URL(end.url).searchParams)
  return memory
}

function newClient(): Client {
  const client = new Client({ name: 'a test', version: '1.0.0' })
  open.push(client)
  return client
}

async function whoami(mcpUrl: string, memory: NativeMemory): Promise<unknown> {
  const client = newClient()
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory }))
  return (await client.callTool({ name: 'whoami', arguments: {} })).content
}

/** What a call with this token is answered with. */
async function statusOf(mcpUrl: string, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  const answer = await fetch(mcpUrl, { method: 'POST', headers, body })
  await answer.body?.cancel()
  return answer.status
}

describe('the official client, SDK v2, at an MCP server that issues nothing', () => {
  it('finds the authorization server, registers and logs in there, and calls a tool with its JWT (R20, R37)', async () => {
    const issuer = await issuerOf('jwt')
    const { mcpUrl, events, callers } = await serveRemote(issuer, new JwtVerifier({ issuer: issuer.issuer, type: 'at+jwt' }))
    const memory = await login(mcpUrl)
    expect(await whoami(mcpUrl, memory)).toEqual([{ type: 'text', text: 'person-1' }])
    const token = memory.tokens()?.access_token ?? ''
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'RS256' })
    expect(decodeJwt(token)).toMatchObject({ iss: issuer.issuer, aud: mcpUrl, sub: 'person-1', scope: 'notes:read' })
    expect(callers.at(-1)).toMatchObject({
      clientId: memory.clientInformation()?.client_id,
      scopes: ['notes:read'],
      extra: { subject: 'person-1', issuer: issuer.issuer },
    })
    expect(issuer.asked).toEqual(expect.arrayContaining(['POST /reg', 'POST /token', 'GET /jwks']))
    expect(events).toEqual([])
  })

  it('is refused with a token for another server (R37, T60)', async () => {
    const issuer = await issuerOf('jwt')
    const verifier = () => new JwtVerifier({ issuer: issuer.issuer })
    const [one, other] = [await serveRemote(issuer, verifier()), await serveRemote(issuer, verifier())]
    const token = (await login(one.mcpUrl)).tokens()?.access_token ?? ''
    expect([await statusOf(one.mcpUrl, token), await statusOf(other.mcpUrl, token)]).toEqual([200, 401])
    expect(other.events).toMatchObject([{ type: 'token.refused', reason: 'token_for_another_resource' }])
  })

  it('goes on through a rotation of the issuer’s keys, and while they cannot be read', async () => {
    const issuer = await issuerOf('jwt')
    const { mcpUrl, advance } = await serveRemote(issuer, new JwtVerifier({ issuer: issuer.issuer }))
    const before = (await login(mcpUrl)).tokens()?.access_token ?? ''
    expect(await statusOf(mcpUrl, before)).toBe(200)
    issuer.rotateKeys()
    advance(31)
    const after = (await login(mcpUrl)).tokens()?.access_token ?? ''
    expect(decodeProtectedHeader(after).kid).toBe('second')
    expect(await statusOf(mcpUrl, after)).toBe(200)
    issuer.breakDown(503)
    advance(601)
    expect([await statusOf(mcpUrl, after), await statusOf(mcpUrl, before)]).toEqual([200, 503])
    issuer.breakDown(undefined)
    advance(31)
    // Its key is gone, and everybody can see it.
    expect([await statusOf(mcpUrl, after), await statusOf(mcpUrl, before)]).toEqual([200, 401])
  })

  it('is told 503, and never to log in again, while the keys were never read (I6)', async () => {
    const issuer = await issuerOf('jwt')
    const served = await serveRemote(issuer, new JwtVerifier({ issuer: issuer.issuer }))
    const token = (await login(served.mcpUrl)).tokens()?.access_token ?? ''
    const another = await serveRemote(issuer, new JwtVerifier({ issuer: issuer.issuer, audience: served.mcpUrl }))
    issuer.breakDown(500)
    expect(await statusOf(another.mcpUrl, token)).toBe(503)
    expect(another.events.map(({ type }) => type)).toEqual(['issuer.failed', 'upstream.failed'])
    expect(await statusOf(served.mcpUrl, 'nobody-knows-this-token')).toBe(401)
  })

  it('calls a tool with an opaque token that is asked about, until it is revoked there', async () => {
    const issuer = await issuerOf('opaque')
    const verifier = new IntrospectionVerifier({
      endpoint: `${issuer.issuer}/token/introspection`,
      issuer: issuer.issuer,
      ...issuer.resourceServer,
    })
    const { mcpUrl, events } = await serveRemote(issuer, verifier)
    const memory = await login(mcpUrl)
    expect(await whoami(mcpUrl, memory)).toEqual([{ type: 'text', text: 'person-1' }])
    const token = memory.tokens()?.access_token ?? ''
    expect(token.split('.')).toHaveLength(1)
    issuer.breakDown(500)
    expect(await statusOf(mcpUrl, token)).toBe(503)
    issuer.breakDown(undefined)
    const body = new URLSearchParams({ token, client_id: memory.clientInformation()?.client_id ?? '' })
    expect((await fetch(`${issuer.issuer}/token/revocation`, { method: 'POST', body })).status).toBe(200)
    expect(await statusOf(mcpUrl, token)).toBe(401)
    expect(events.map((event) => [event.type, 'reason' in event && event.reason])).toEqual([
      ['upstream.failed', 'status_500'],
      ['token.refused', 'token_not_ours'],
    ])
  })

  it('finds the issuer’s metadata at the MCP server too, word for word', async () => {
    const issuer = await issuerOf('jwt')
    const { mcpUrl } = await serveRemote(issuer, new JwtVerifier({ issuer: issuer.issuer }))
    const [ours, theirs] = [`${new URL(mcpUrl).origin}`, issuer.issuer].map((origin) =>
      fetch(`${origin}/.well-known/oauth-authorization-server`).then((answer) => answer.json()),
    )
    expect(await ours).toEqual(await theirs)
    expect(await ours).toMatchObject({ issuer: issuer.issuer, registration_endpoint: `${issuer.issuer}/reg` })
  })
})
