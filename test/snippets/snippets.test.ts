import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serve } from '@drawbridge/core/node'
import { createFernetKey } from '@drawbridge/storage'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { clientAssertionType, createSigner, sign } from '../support/assertions.ts'
import { freePort } from '../support/free-port.ts'
import { openHouse, type TokenAnswer } from '../support/house.ts'

// The code in our documents: it is what it says it is, it compiles (`npm run types`), and it does what the guides say.

type Fetch = (request: Request) => Response | Promise<Response>

const here = process.cwd()
const storageKey = createFernetKey()
const folder = mkdtempSync(join(tmpdir(), 'drawbridge-snippets-'))

beforeEach(() => {
  // The stores of the snippets are files in the folder they are started in.
  process.chdir(folder)
  vi.resetModules()
  // Vite sets one of its own.
  vi.stubEnv('BASE_URL', 'http://localhost:8000')
  vi.stubEnv('GITHUB_CLIENT_ID', 'an-id')
  vi.stubEnv('GITHUB_CLIENT_SECRET', 'a-secret')
  for (const name of ['JWT_SIGNING_KEY', 'SIGNING_KEYS']) vi.stubEnv(name, 'first-signing-key-0123456789-abcdefghijklmnop')
  for (const name of ['STORAGE_ENCRYPTION_KEY', 'STORAGE_KEYS']) vi.stubEnv(name, storageKey)
})
afterAll(() => {
  vi.unstubAllEnvs()
  process.chdir(here)
  rmSync(folder, { recursive: true })
})

/** What a client meets: refused at the MCP endpoint, it finds both documents, and an endpoint that registers it. */
async function meet(call: Fetch, baseUrl: string, mcpUrl: string | undefined): Promise<void> {
  const { origin, pathname } = new URL(baseUrl)
  const path = pathname.replace(/\/$/, '')
  if (mcpUrl) {
    const refused = await call(new Request(mcpUrl, { method: 'POST' }))
    expect(refused.status).toBe(401)
    const metadataUrl = `${origin}/.well-known/oauth-protected-resource${path}/mcp`
    expect(refused.headers.get('www-authenticate')).toContain(`resource_metadata="${metadataUrl}"`)
    const resource = await call(new Request(metadataUrl))
    expect(await resource.json()).toMatchObject({ resource: mcpUrl, authorization_servers: [baseUrl] })
  }
  const metadata = await call(new Request(`${origin}/.well-known/oauth-authorization-server${path}`))
  expect(await metadata.json()).toMatchObject({ issuer: baseUrl, registration_endpoint: `${baseUrl}/register` })
  const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1:5555/callback'] })
  const headers = { 'content-type': 'application/json' }
  expect((await call(new Request(`${baseUrl}/register`, { method: 'POST', headers, body }))).status).toBe(201)
}

/** Calls a `node:http` handler over a real connection. */
async function listen(handler: RequestListener): Promise<{ call: Fetch; close(): Promise<void> }> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    async call(request) {
      const { pathname } = new URL(request.url)
      const body = request.method === 'POST' ? await request.text() : undefined
      return fetch(`http://127.0.0.1:${address.port}${pathname}`, {
        method: request.method,
        headers: request.headers,
        ...(body !== undefined && { body }),
      })
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

it('every fence in the documents is code that compiles', () => {
  const script = fileURLToPath(new URL('../../scripts/sync-snippets.mjs', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})

describe('what ends with serve', () => {
  const served: { fetch?: Fetch } = {}
  beforeEach(() => {
    vi.doMock('@drawbridge/core/node', () => ({ serve: async (app: { fetch: Fetch }) => void Object.assign(served, { fetch: app.fetch }) }))
  })
  afterEach(() => vi.doUnmock('@drawbridge/core/node'))
  const call: Fetch = (request) => served.fetch?.(request) ?? new Response()

  it('is a whole server, in the README', async () => {
    await import('./readme.ts')
    await meet(call, 'http://localhost:8000', 'http://localhost:8000/mcp')
  })

  it('is an authorization server alone, in the guide', async () => {
    await import('./standalone.ts')
    await meet(call, 'http://localhost:8000', undefined)
    expect((await call(new Request('http://localhost:8000/mcp'))).status).toBe(404)
  })
})

describe('the guides', () => {
  it.each([
    ['in Hono', () => import('./hono.ts').then((module) => module.default.fetch)],
    ['with tools that need more', () => import('./step-up.ts').then((module) => module.default.fetch)],
    ['in Hono, taken apart', () => import('./hono-parts.ts').then((module) => module.default.fetch)],
    ['on any host that has fetch', () => import('./fetch.ts').then((module) => module.default.fetch)],
    ["behind SDK v2's gate", () => import('./sdk-v2.ts').then((module) => module.fetch)],
  ])('%s', async (_, load: () => Promise<Fetch>) => {
    await meet(await load(), 'http://localhost:8000', 'http://localhost:8000/mcp')
  })

  it.each([
    ['where the prefix is kept', true, () => import('./hono-prefix.ts').then((module) => module.default.fetch)],
    ['where the prefix is stripped', true, () => import('./hono-stripped.ts').then((module) => module.default.fetch)],
    ['route by route', false, () => import('./routes.ts').then((module) => module.default.fetch)],
  ])('under /api, %s', async (_, hasMcp: boolean, load: () => Promise<Fetch>) => {
    vi.stubEnv('BASE_URL', 'https://example.com/api')
    await meet(await load(), 'https://example.com/api', hasMcp ? 'https://example.com/api/mcp' : undefined)
  })

  it.each([
    ['on Express', 'http://localhost:8000', true, () => import('./express.ts').then((module) => module.default)],
    ['on Express, under /api', 'http://localhost:8000/api', false, () => import('./express-prefix.ts').then((module) => module.default)],
    ["behind SDK v1's gate", 'http://localhost:8000', true, () => import('./sdk-v1.ts').then((module) => module.default)],
    [
      'on node:http',
      'http://localhost:8000',
      true,
      () =>
        import('./node.ts').then(
          ({ default: server }): RequestListener =>
            (...pair) =>
              void server.emit('request', ...pair),
        ),
    ],
  ])('%s', async (_, baseUrl: string, hasMcp: boolean, load: () => Promise<RequestListener>) => {
    vi.stubEnv('BASE_URL', baseUrl)
    const { call, close } = await listen(await load())
    await meet(call, baseUrl, hasMcp ? `${baseUrl}/mcp` : undefined)
    await close()
  })

  it('in a resource server elsewhere, by the JWKS', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const port = await freePort()
    const baseUrl = `http://localhost:${port}`
    const house = openHouse({ baseUrl, jwtSigningKey: privateKey, at: Math.floor(Date.now() / 1000) })
    const served = await serve({ fetch: (request: Request) => house.call(request.url, request) }, { port, print: () => {} })
    const { tokens } = await house.login()
    vi.stubEnv('BASE_URL', baseUrl)
    const { verify } = await import('./resource-server.ts')
    expect(await verify(tokens.access_token)).toEqual({ subject: '583231', scopes: ['user'] })
    await expect(verify(tokens.refresh_token)).rejects.toThrow()
    await served.close()
  })

  it('guarded registration: a token lets one client register', async () => {
    const { auth, invite } = await import('./guarded-registration.ts')
    const token = await invite()
    const register = async (): Promise<number | undefined> => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
      const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1:5555/callback'] })
      return (await auth.fetch(new Request('http://localhost:8000/register', { method: 'POST', headers, body })))?.status
    }
    expect([await register(), await register()]).toEqual([201, 401])
  })

  it('in a resource server elsewhere, by asking', async () => {
    const secret = 'files-secret-0123456789-abcdefghij'
    const port = await freePort()
    const baseUrl = `http://localhost:${port}`
    vi.stubEnv('BASE_URL', baseUrl)
    vi.stubEnv('FILES_SECRET', secret)
    const { auth } = await import('./elsewhere.ts')
    expect(auth.oauthMetadata).toMatchObject({ introspection_endpoint: `${baseUrl}/introspect` })
    const resource = 'https://files.example.com/mcp'
    const house = openHouse({ baseUrl, verification: { resourceServers: [{ resource, clientId: 'files', clientSecret: secret }] } })
    const served = await serve({ fetch: (request: Request) => house.call(request.url, request) }, { port, print: () => {} })
    const clientId = await house.register()
    const end = await house.signIn(clientId, { resource })
    const tokens: TokenAnswer = await (await house.redeem(clientId, end.searchParams.get('code') ?? '')).json()
    const { introspect } = await import('./introspect.ts')
    expect(await introspect(tokens.access_token)).toEqual({ subject: '583231', scopes: ['user'] })
    expect(await introspect(tokens.refresh_token)).toBeUndefined()
    await served.close()
  })

  it('with tools that need more, on SDK v2', async () => {
    const { mcp } = await import('./step-up-v2.ts')
    const { method, headers } = {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'delete_repo', arguments: {} } })
    const call = async (...scopes: string[]) => {
      const authInfo = { token: 'x', clientId: 'c', scopes, resource: new URL('http://localhost:8000/mcp') }
      const answer = await mcp.fetch(new Request('http://localhost:8000/mcp', { method, headers, body }), { authInfo })
      return [answer.status, /scope="([^"]*)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1]]
    }
    expect(await call('user')).toEqual([403, 'user delete_repo repo'])
    expect(await call('user', 'delete_repo', 'repo')).toEqual([200, undefined])
  })

  it('with clients that the operator lists, each by its own method', async () => {
    const secret = 'reports-0123456789'
    vi.stubEnv('REPORTS_SECRET', secret)
    const { auth } = await import('./listed-clients.ts')
    const redeem = async (form: Record<string, string>, authorization?: string): Promise<unknown> => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', ...(authorization !== undefined && { authorization }) }
      const body = new URLSearchParams({ grant_type: 'authorization_code', code: 'unknown', code_verifier: 'unknown', ...form })
      const answer = await auth.fetch(new Request('http://localhost:8000/token', { method: 'POST', headers, body: String(body) }))
      return answer?.json()
    }
    // Whoever is let in learns that the code is no good; the others do not get as far.
    expect(await redeem({}, `Basic ${btoa(`reports:${secret}`)}`)).toMatchObject({ error: 'invalid_grant' })
    expect(await redeem({ client_id: 'desk' })).toMatchObject({ error: 'invalid_grant' })
    expect(await redeem({ client_id: 'reports' })).toMatchObject({ error: 'invalid_client' })
    expect(await redeem({ client_id: 'reports', client_secret: secret })).toMatchObject({ error: 'invalid_client' })
  })

  it('with machines that act for themselves, and an enterprise that is trusted', async () => {
    const signer = createSigner()
    vi.stubEnv('CI_SECRET', 'ci-0123456789-abcdef')
    vi.stubEnv('AGENT_SECRET', 'agent-0123456789-abcdef')
    vi.stubEnv('NIGHTLY_KEYS', JSON.stringify({ keys: [signer.jwk] }))
    const { auth } = await import('./machines-and-enterprises.ts')
    const ask = async (fields: Record<string, string>, authorization?: string): Promise<unknown> => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', ...(authorization !== undefined && { authorization }) }
      const answer = await auth.fetch(
        new Request('http://localhost:8000/token', { method: 'POST', headers, body: String(new URLSearchParams(fields)) }),
      )
      return answer?.json()
    }
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: 'nightly', sub: 'nightly', aud: 'http://localhost:8000', exp: now + 60, jti: 'one' }
    const assertion = { client_assertion_type: clientAssertionType, client_assertion: await sign(signer, claims) }
    const machine = { grant_type: 'client_credentials' }
    expect(await ask(machine, `Basic ${btoa('ci:ci-0123456789-abcdef')}`)).toMatchObject({ scope: 'user' })
    expect(await ask({ ...machine, ...assertion })).toMatchObject({ scope: 'user' })
    const word = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'of nobody' }
    expect(await ask(word, `Basic ${btoa('agent:agent-0123456789-abcdef')}`)).toMatchObject({ error: 'invalid_grant' })
  })

  it('in a tool that is called by somebody who is not signed in upstream', async () => {
    const { repositories } = await import('./upstream-or-not.ts')
    const { auth } = await import('./auth.ts')
    const { NoUpstream } = await import('@drawbridge/core')
    vi.spyOn(auth, 'upstream').mockRejectedValue(new NoUpstream())
    expect(await repositories({ extra: {} } as never)).toBe('This needs somebody who is signed in at GitHub.')
  })

  it('with several providers, of which people choose one', async () => {
    vi.stubEnv('STAFF_CLIENT_ID', 'an-id')
    vi.stubEnv('STAFF_CLIENT_SECRET', 'a-secret')
    const { auth } = await import('./several-providers.ts')
    const { whoIsIt } = await import('./several-upstreams.ts')
    expect(auth.oauthMetadata.scopes_supported).toEqual(['read', 'write', 'offline_access'])
    const house = { baseUrl: 'http://localhost:8000', call: async (url: string) => (await auth.fetch(new Request(url))) ?? new Response() }
    const callbacks = ['/github', '/staff', ''].map((path) => house.call(`${house.baseUrl}/auth/callback${path}`))
    expect((await Promise.all(callbacks)).map(({ status }) => status)).toEqual([403, 403, 200])
    const handle = { accessToken: 'a', scopes: [], fetch: async () => new Response(), exchange: async () => ({ accessToken: 'b' }) }
    const [staff, guest] = [{ email: 'jane@example.com' }, { login: 'octocat' }]
    const spy = vi.spyOn(auth, 'upstream')
    spy.mockResolvedValueOnce({ ...handle, provider: 'staff', identity: { subject: 'staff|7', claims: staff } })
    spy.mockResolvedValueOnce({ ...handle, provider: 'github', identity: { subject: 'github|583231', claims: guest } })
    const authInfo = { token: 't', clientId: 'c', scopes: [], expiresAt: 0, resource: new URL(house.baseUrl) }
    const extra = { subject: 's', identity: { subject: 's', claims: {} }, grantId: 'g' }
    expect([await whoIsIt({ ...authInfo, extra }), await whoIsIt({ ...authInfo, extra })]).toEqual([
      'a colleague, jane@example.com',
      'a guest from GitHub, octocat',
    ])
    await auth.close()
  })

  it('on several hosts, whose documents need no store', async () => {
    const { auth, close } = await import('./several-hosts.ts')
    const call: Fetch = async (request) => (await auth.fetch(request)) ?? new Response(null, { status: 404 })
    const metadata = await call(new Request('https://mcp.example.com/.well-known/oauth-authorization-server'))
    expect(await metadata.json()).toMatchObject({ issuer: 'https://mcp.example.com' })
    await close()
  })

  it('with an audit log on the standard output', async () => {
    vi.stubEnv('AUDIT_KEY', 'an-audit-key-that-is-made-for-tests-0123')
    const { auth, close } = await import('./audit.ts')
    const lines: string[] = []
    const output = vi.spyOn(process.stdout, 'write').mockImplementation((line: unknown, ...[written]: unknown[]) => {
      lines.push(String(line))
      if (typeof written === 'function') written()
      return true
    })
    await auth.fetch(new Request('https://mcp.example.com/token', { method: 'POST' }))
    await close()
    output.mockRestore()
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ issuer: 'https://mcp.example.com', event: 'request.refused' }])
  })

  it('watched by OpenTelemetry, whose SDK is the process’s own', async () => {
    const { auth } = await import('./telemetry.ts')
    await meet(async (request) => (await auth.fetch(request)) ?? new Response(null, { status: 404 }), 'https://mcp.example.com', undefined)
  })

  it('as a resource server alone, which names its issuer', async () => {
    vi.stubEnv('INTROSPECTION_SECRET', 'a-secret')
    for (const { auth } of [await import('./remote.ts'), await import('./remote-introspection.ts')]) {
      const refused = await auth.authenticate(new Request('https://mcp.example.com/mcp'))
      const metadataUrl = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
      expect(refused instanceof Response && refused.headers.get('www-authenticate')).toContain(`resource_metadata="${metadataUrl}"`)
      const document = await auth.fetch(new Request(metadataUrl))
      expect(await document?.json()).toMatchObject({ authorization_servers: ['https://login.example.com'] })
    }
  })

  it('as a resource server behind each product that registers clients itself', async () => {
    for (const auth of Object.values(await import('./remote-providers.ts'))) {
      const document = await auth.fetch(new Request('https://mcp.example.com/.well-known/oauth-protected-resource/mcp'))
      expect(await document?.json()).toMatchObject({ authorization_servers: [expect.stringMatching(/^https:/)] })
    }
  })

  it('with people of the services that its tools work on', async () => {
    for (const auth of Object.values(await import('./tool-upstreams.ts'))) expect(auth.oauthMetadata.issuer).toBe('https://mcp.example.com')
  })

  it('with machines beside people, and keys of partners', async () => {
    const token = 'k7Qw2Xz9Lr4Tn8Vb1Yc6Hd3Jf5Mg0Ps_'
    vi.stubEnv('NIGHTLY_TOKEN', token)
    const { auth } = await import('./multi-auth.ts')
    const { partnerKeys } = await import('./own-verifier.ts')
    expect(await auth.verifyAccessToken(token)).toMatchObject({ clientId: 'nightly', scopes: ['user'] })
    const partner = await auth.verifyAccessToken('pk_partner-one', { verifiers: [partnerKeys] })
    expect(partner.extra.subject).toBe('partner:1')
    await expect(auth.verifyAccessToken('pk_nobody', { verifiers: [partnerKeys] })).rejects.toMatchObject({ reason: 'partner_key_refused' })
  })

  it('with keys that rotate', async () => {
    const { auth } = await import('./rotating-keys.ts')
    await meet(async (request) => (await auth.fetch(request)) ?? new Response(null, { status: 404 }), 'https://mcp.example.com', undefined)
  })
})
