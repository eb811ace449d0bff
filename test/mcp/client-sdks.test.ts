import { memoryStore } from '@drawbridge/storage'
import type { OAuthClientMetadata } from '@modelcontextprotocol/client'
import type { MiddlewareHandler } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { ClientMemory } from '../../examples/quickstart/src/client-memory.ts'
import { failingStore } from '../support/failing-store.ts'
import { forgetClients } from '../support/forget-clients.ts'
import { watchedStore } from '../support/watched-store.ts'
import { type Closeable, closeAll } from './close-all.ts'
import { lineOf } from './exchanges.ts'
import { gateOfOneTool } from './gate-of-one-tool.ts'
import { allow } from './person.ts'
import { type Sdk, type SdkClient, sdks } from './sdks.ts'
import { type ServedServer, type ServeServerOptions, serveServer } from './served-server.ts'

const redirectUrl = 'http://127.0.0.1:33418/callback'
const said = { client_name: 'A test', redirect_uris: [redirectUrl] }

/** A host that says of itself what it has to, and what a test wants. */
class SparseMemory extends ClientMemory {
  readonly #more: Partial<OAuthClientMetadata>

  constructor(more: Partial<OAuthClientMetadata> = {}) {
    super(redirectUrl)
    this.#more = more
  }

  override get clientMetadata(): OAuthClientMetadata {
    return { ...said, ...this.#more }
  }
}

const open: Closeable[] = []
afterEach(() => closeAll(open))

async function server(options?: ServeServerOptions): Promise<ServedServer> {
  const served = await serveServer(options)
  open.push(served)
  return served
}

function newClient(sdk: Sdk, { mcpUrl }: ServedServer, memory: ClientMemory): SdkClient {
  const client = sdk.open(mcpUrl, memory)
  open.push(client)
  return client
}

async function login(sdk: Sdk, served: ServedServer, memory: ClientMemory): Promise<void> {
  const client = newClient(sdk, served, memory)
  await expect(client.connect()).rejects.toThrow(sdk.Unauthorized)
  await client.finishAuth(await comeBack(memory))
}

/** Where the person ends who follows the client's URL: the answer at the redirect URI. */
async function comeBack(memory: ClientMemory): Promise<URLSearchParams> {
  return new URL((await allow(memory.authorizationUrl?.href ?? '', redirectUrl)).url).searchParams
}

/** Logs in and connects again, as hosts do. The stream that a client asks for is answered before anything goes on (G20). */
async function connected(sdk: Sdk, served: ServedServer, memory: ClientMemory): Promise<SdkClient> {
  await login(sdk, served, memory)
  const client = newClient(sdk, served, memory)
  await client.connect()
  const { pathname } = new URL(served.mcpUrl)
  await expect.poll(() => served.at(pathname).filter(({ method }) => method === 'GET').length, { timeout: 10_000 }).toBe(1)
  return client
}

const secretMethods = ['client_secret_post', 'client_secret_basic'] as const

/** What each of them says of itself, which scope it asks for, and how it can send a secret. */
const releases = [
  { sdk: sdks.v120, registers: said, methods: ['client_secret_basic'] as const },
  { sdk: sdks.v129, registers: { ...said, scope: 'user' }, scope: 'user', methods: secretMethods },
  { sdk: sdks.v132, registers: { ...said, scope: 'user' }, scope: 'user', methods: secretMethods },
  {
    sdk: sdks.v2,
    registers: { ...said, grant_types: ['authorization_code', 'refresh_token'], application_type: 'native', scope: 'user' },
    scope: 'user',
    methods: secretMethods,
  },
].map((release) => ({ ...release, name: release.sdk.name }))

describe.each(releases)('the official client, $name', ({ sdk, registers, scope, methods }) => {
  it('is led from the 401 to a login by two documents, and calls a tool', async () => {
    const served = await server()
    const client = await connected(sdk, served, new SparseMemory())
    expect(await client.call('whoami')).toContain('octocat')
    expect(served.exchanges.map(lineOf).slice(0, 5)).toEqual([
      'POST /mcp 401',
      'GET /.well-known/oauth-protected-resource/mcp 200',
      'GET /.well-known/oauth-authorization-server 200',
      'POST /register 201',
      'GET /authorize 200',
    ])
    expect(served.exchanges.filter(({ status }) => status >= 400).map(lineOf)).toEqual(['POST /mcp 401', 'GET /mcp 405'])
  })

  it('registers without an authentication method, is told that it has none, and needs none (G7)', async () => {
    const served = await server()
    const memory = new SparseMemory()
    await login(sdk, served, memory)
    const [registration] = served.at('/register')
    expect(registration?.body).toEqual(registers)
    expect(registration?.answer).toMatchObject({ token_endpoint_auth_method: 'none' })
    expect(registration?.answer).not.toHaveProperty('client_secret')
    const [redemption] = served.at('/token')
    expect(redemption?.body).toEqual({
      grant_type: 'authorization_code',
      client_id: memory.clientInformation()?.client_id,
      code: expect.stringMatching(/^db_ac_/),
      code_verifier: expect.any(String),
      redirect_uri: redirectUrl,
      resource: served.mcpUrl,
    })
    expect(redemption?.headers).not.toHaveProperty('authorization')
  })

  it.each(methods)('authenticates by %s when its host asks for that (G7, G12)', async (method) => {
    const served = await server()
    const client = await connected(sdk, served, new SparseMemory({ token_endpoint_auth_method: method }))
    served.expireTokens()
    expect(await client.call('whoami')).toContain('octocat')
    const { client_id: id, client_secret: secret } = served.at('/register')[0]?.answer ?? {}
    const basic = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    const sent = method === 'client_secret_basic' ? [basic, undefined] : [undefined, secret]
    expect(served.at('/token').map(({ headers, body }) => [headers.authorization, body.client_secret])).toEqual([sent, sent])
  })

  it('asks for the scope of the challenge, or for none, and is granted it either way (G5, G10)', async () => {
    const served = await server()
    const memory = new SparseMemory()
    await login(sdk, served, memory)
    expect(served.at('/authorize').map(({ query }) => query)).toEqual([
      {
        response_type: 'code',
        client_id: memory.clientInformation()?.client_id,
        code_challenge: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        code_challenge_method: 'S256',
        redirect_uri: redirectUrl,
        state: expect.any(String),
        resource: served.mcpUrl,
        ...(scope && { scope }),
      },
    ])
    expect(memory.tokens()?.scope).toBe('user')
  })

  it('refreshes an expired access token once, after a 401, and names no scope', async () => {
    const served = await server()
    const memory = new SparseMemory()
    const client = await connected(sdk, served, memory)
    const before = memory.tokens()
    served.expireTokens()
    expect(await client.call('whoami')).toContain('octocat')
    const [, ...refreshes] = served.at('/token')
    expect(refreshes.map(({ body, status }) => ({ body, status }))).toEqual([
      {
        status: 200,
        body: {
          grant_type: 'refresh_token',
          client_id: memory.clientInformation()?.client_id,
          refresh_token: before?.refresh_token,
          resource: served.mcpUrl,
        },
      },
    ])
    expect(memory.tokens()?.refresh_token).not.toBe(before?.refresh_token)
    expect(memory.tokens()?.scope).toBe('user')
  })

  it('makes three calls at once with an expired token, and all succeed (G1)', async () => {
    const served = await server()
    const client = await connected(sdk, served, new SparseMemory())
    for (let round = 0; round < 3; round += 1) {
      served.expireTokens()
      const answers = await Promise.all([client.call('whoami'), client.call('upstream_user'), client.call('whoami')])
      for (const answer of answers) expect(answer).toContain('octocat')
    }
    expect(served.at('/token').map(({ status }) => status)).toEqual(served.at('/token').map(() => 200))
    expect(served.events.filter(({ type }) => type === 'grant.ended' || type === 'refresh.replayed')).toEqual([])
  })

  it('keeps its tokens while the store is down, asks nobody to log in, and goes on afterwards (G2)', async () => {
    const store = failingStore(memoryStore())
    const served = await server({ clientStorage: store })
    const memory = new SparseMemory()
    const client = await connected(sdk, served, memory)
    const before = { tokens: memory.tokens(), url: memory.authorizationUrl }
    store.failAlways()
    await expect(client.call('whoami')).rejects.toThrow()
    served.expireTokens()
    await expect(client.call('whoami')).rejects.toThrow()
    expect({ tokens: memory.tokens(), url: memory.authorizationUrl }).toEqual(before)
    expect(served.at('/token').at(-1)).toMatchObject({ status: 503, answer: { error: 'temporarily_unavailable' } })
    store.heal()
    expect(await client.call('whoami')).toContain('octocat')
  })

  it('registers again by itself when the server no longer knows it (G3)', async () => {
    const store = watchedStore(memoryStore())
    const served = await server({ clientStorage: store })
    const memory = new SparseMemory()
    const client = await connected(sdk, served, memory)
    const first = memory.clientInformation()?.client_id
    await forgetClients(store)
    served.expireTokens()
    await expect(client.call('whoami')).rejects.toThrow(sdk.Unauthorized)
    expect(served.at('/token').at(-1)).toMatchObject({ status: 401, answer: { error: 'invalid_client' } })
    expect(memory.clientInformation()?.client_id).not.toBe(first)
    await client.finishAuth(await comeBack(memory))
    expect(await client.call('whoami')).toContain('octocat')
  })

  it('asks the person again when its grant has ended', async () => {
    const served = await server()
    const memory = new SparseMemory()
    const client = await connected(sdk, served, memory)
    await served.auth.revoke({ subject: '583231' })
    await expect(client.call('whoami')).rejects.toThrow(sdk.Unauthorized)
    expect(served.at('/token').at(-1)).toMatchObject({ status: 400, answer: { error: 'invalid_grant' } })
    await client.finishAuth(await comeBack(memory))
    expect(await client.call('whoami')).toContain('octocat')
  })

  it('names a resource without a path with or without a slash, and is understood (G9)', async () => {
    const served = await server({ mcpPath: '/' })
    const client = await connected(sdk, served, new SparseMemory())
    served.expireTokens()
    expect(await client.call('whoami')).toContain('octocat')
    const { origin } = new URL(served.mcpUrl)
    expect(served.mcpUrl).toBe(origin)
    const named = [...served.at('/authorize').map(({ query }) => query.resource), ...served.at('/token').map(({ body }) => body.resource)]
    const spelling = sdk === sdks.v120 || sdk === sdks.v129 ? `${origin}/` : origin
    expect(named).toEqual([spelling, spelling, spelling])
  })

  it('finds an issuer with a path (R4)', async () => {
    const served = await server({ basePath: '/tenant/one' })
    const client = await connected(sdk, served, new SparseMemory())
    expect(await client.call('whoami')).toContain('octocat')
    expect(served.exchanges.map(lineOf).slice(1, 4)).toEqual([
      'GET /.well-known/oauth-protected-resource/tenant/one/mcp 200',
      'GET /.well-known/oauth-authorization-server/tenant/one 200',
      'POST /tenant/one/register 201',
    ])
  })

  it.each([
    ['protected resource metadata', /oauth-protected-resource/],
    ['any document', /well-known/],
  ])('logs in without %s, and names no resource (G18, R2, R3)', async (_, hidden) => {
    const served = await server({ middleware: () => hiding(hidden) })
    const client = await connected(sdk, served, new SparseMemory())
    expect(await client.call('whoami')).toContain('octocat')
    served.expireTokens()
    expect(await client.call('whoami')).toContain('octocat')
    expect(served.at('/authorize').map(({ query }) => query.resource)).toEqual([undefined])
    expect(served.at('/token').map(({ body }) => body.resource)).toEqual([undefined, undefined])
  })
})

/** The scopes that the authorization requests named, one text each. */
const scopesAsked = (served: ServedServer) => served.at('/authorize').map(({ query }) => query.scope)

/** One of the two tools needs more than the endpoint does. */
const stepUp = { clients: { validScopes: ['repo'] }, middleware: gateOfOneTool } as const

it('SDK v1 1.20.2 sends a secret by Basic whatever it registered, and is refused when that was another method (R88)', async () => {
  const served = await server()
  await expect(login(sdks.v120, served, new SparseMemory({ token_endpoint_auth_method: 'client_secret_post' }))).rejects.toThrow()
  expect(served.at('/token')).toMatchObject([
    { status: 401, headers: { authorization: expect.stringMatching(/^Basic /) }, answer: { error: 'invalid_client' } },
  ])
})

it('SDK v2 asks for offline_access, with prompt=consent, where its host wants refresh tokens, since the server lists it, and is granted it (G11, R19)', async () => {
  const served = await server()
  const memory = new ClientMemory(redirectUrl)
  await login(sdks.v2, served, memory)
  expect(served.at('/authorize').map(({ query }) => [query.scope, query.prompt])).toEqual([['user offline_access', 'consent']])
  expect(memory.tokens()?.scope).toBe('user offline_access')
})

describe('a tool that needs more than was granted', () => {
  it.each([sdks.v129, sdks.v132])('only makes $name refresh, to no avail, while it holds a refresh token (G16)', async (sdk) => {
    const served = await server(stepUp)
    const client = await connected(sdk, served, new SparseMemory())
    await expect(client.call('upstream_user')).rejects.toThrow()
    expect(await client.call('whoami')).toContain('octocat')
    expect({
      asked: scopesAsked(served),
      refreshes: served
        .at('/token')
        .slice(1)
        .map(({ body }) => body.scope),
    }).toEqual({
      asked: ['user'],
      refreshes: [undefined],
    })
  })

  it('is out of reach for SDK v1 1.20.2, which only tells its host (G16)', async () => {
    const served = await server(stepUp)
    const client = await connected(sdks.v120, served, new SparseMemory())
    await expect(client.call('upstream_user')).rejects.toThrow(/insufficient_scope/)
    expect(await client.call('whoami')).toContain('octocat')
    expect(served.at('/token')).toHaveLength(1)
  })

  it.each([
    [sdks.v120, undefined],
    [sdks.v129, 'user repo'],
    [sdks.v132, 'user repo'],
  ])('is within reach of $0.name when every call needs it (G16)', async (sdk, asked) => {
    const served = await server({ ...stepUp, requiredScopes: ['user', 'repo'] })
    const client = await connected(sdk, served, new SparseMemory())
    expect(await client.call('upstream_user')).toContain('octocat')
    expect(scopesAsked(served)).toEqual([asked])
  })

  it('makes SDK v2 ask the person for what it was granted and what is needed, and then succeeds (G5, R31)', async () => {
    const served = await server(stepUp)
    const memory = new SparseMemory()
    const client = await connected(sdks.v2, served, memory)
    await expect(client.call('upstream_user')).rejects.toThrow(sdks.v2.Unauthorized)
    await client.finishAuth(await comeBack(memory))
    expect(await client.call('upstream_user')).toContain('octocat')
    expect(scopesAsked(served)).toEqual(['user', 'user repo'])
    expect(memory.tokens()?.scope).toBe('user repo')
  })

  it('makes SDK v2 ask for what is needed alone, when nothing was granted before (G14)', async () => {
    const served = await server({ ...stepUp, requiredScopes: [], clients: { validScopes: ['user', 'repo'] } })
    const memory = new SparseMemory()
    const client = await connected(sdks.v2, served, memory)
    await expect(client.call('upstream_user')).rejects.toThrow(sdks.v2.Unauthorized)
    await client.finishAuth(await comeBack(memory))
    expect(await client.call('upstream_user')).toContain('octocat')
    expect(scopesAsked(served)).toEqual([undefined, 'user repo'])
  })
})

/** Hides documents, and every word of them, as servers of the revision 2025-03-26 did. */
function hiding(documents: RegExp): MiddlewareHandler {
  return async (context, next) => {
    if (documents.test(context.req.path)) return context.notFound()
    await next()
    if (context.res.status === 401) context.header('www-authenticate', 'Bearer realm="old"')
    return undefined
  }
}
