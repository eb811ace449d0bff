import { generateKeyPairSync } from 'node:crypto'
import { ConfigurationError } from '@drawbridge/core'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { type HouseOptions, openHouse } from '../support/house.ts'
import { comeToCallback, openTab } from '../support/tab.ts'

const example = { issuerUrl: 'http://localhost:8000', baseUrl: 'http://localhost:8000/api', mcpPath: '/mcp' } as const

/** The places where a deployment can be; each with the issuer that results. */
const places: readonly (HouseOptions & { readonly baseUrl: string; readonly issuer: string })[] = [
  { baseUrl: 'http://localhost:8000', issuer: 'http://localhost:8000' },
  { baseUrl: 'http://localhost:8000/', issuer: 'http://localhost:8000' },
  { baseUrl: 'http://localhost:8000/api', issuer: 'http://localhost:8000/api' },
  { baseUrl: 'http://localhost:8000/api', issuerUrl: 'http://localhost:8000', issuer: 'http://localhost:8000' },
  { baseUrl: 'https://mcp.example.com/v1/tools/', issuer: 'https://mcp.example.com/v1/tools' },
  { baseUrl: 'https://mcp.example.com/v1/tools', issuerUrl: 'https://mcp.example.com/v1', issuer: 'https://mcp.example.com/v1' },
]

function housesAt(): { title: string; issuer: string; house: ReturnType<typeof openHouse> }[] {
  return places.map(({ issuer, ...options }) => {
    return { title: `${options.baseUrl} (issuer ${options.issuerUrl ?? 'by default'})`, issuer, house: openHouse(options) }
  })
}

const wellKnown = (origin: string, name: string, path: string): string => `${origin}/.well-known/${name}${path}`

async function readDocument(house: ReturnType<typeof openHouse>, url: string): Promise<Record<string, unknown>> {
  const answer = await house.call(url)
  expect({ url, status: answer.status, type: answer.headers.get('content-type') }).toEqual({ url, status: 200, type: 'application/json' })
  return answer.json()
}

describe('the documents', () => {
  it('describes the authorization server, and nothing that is not so (R1, R7 to R10, R12 to R14)', async () => {
    const document = await readDocument(openHouse(example), 'http://localhost:8000/.well-known/oauth-authorization-server')
    expect(document).toEqual({
      issuer: 'http://localhost:8000',
      authorization_endpoint: 'http://localhost:8000/api/authorize',
      token_endpoint: 'http://localhost:8000/api/token',
      registration_endpoint: 'http://localhost:8000/api/register',
      revocation_endpoint: 'http://localhost:8000/api/revoke',
      jwks_uri: 'http://localhost:8000/api/.well-known/jwks.json',
      scopes_supported: ['user', 'offline_access'],
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256', 'PS256'],
      revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      revocation_endpoint_auth_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256', 'PS256'],
      client_id_metadata_document_supported: true,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    })
  })

  it('describes the protected resource (R20 to R24)', async () => {
    const document = await readDocument(openHouse(example), 'http://localhost:8000/.well-known/oauth-protected-resource/api/mcp')
    expect(document).toEqual({
      resource: 'http://localhost:8000/api/mcp',
      authorization_servers: ['http://localhost:8000'],
      scopes_supported: ['user'],
      bearer_methods_supported: ['header'],
      resource_name: 'localhost:8000',
    })
  })

  it('gives the same document as oauthMetadata', async () => {
    const house = openHouse(example)
    expect(await readDocument(house, 'http://localhost:8000/.well-known/openid-configuration')).toEqual(house.auth.oauthMetadata)
  })

  it('lists every scope a client may ask for at the server, and the baseline without offline_access at the resource (R19, R33, R34)', async () => {
    const house = openHouse({ requiredScopes: ['user', 'offline_access'], clients: { validScopes: ['repo'] } })
    const server = await readDocument(house, '/.well-known/oauth-authorization-server')
    const resource = await readDocument(house, '/.well-known/oauth-protected-resource/mcp')
    expect([server.scopes_supported, resource.scopes_supported]).toEqual([['user', 'offline_access', 'repo'], ['user']])
  })

  it('leaves scopes_supported out of a resource that needs none', async () => {
    const resource = await readDocument(openHouse({ requiredScopes: [] }), '/.well-known/oauth-protected-resource/mcp')
    expect(resource).toEqual({
      resource: 'http://localhost:8000/mcp',
      authorization_servers: ['http://localhost:8000'],
      bearer_methods_supported: ['header'],
      resource_name: 'localhost:8000',
    })
  })

  it('publishes no key while a secret signs', async () => {
    expect(await readDocument(openHouse(), '/.well-known/jwks.json')).toEqual({ keys: [] })
  })

  it('publishes the public half of a private key, and nothing else of it (R14)', async () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const jwk = { ...key.export({ format: 'jwk' }), kid: 'first' }
    const { keys } = await readDocument(openHouse({ jwtSigningKey: [jwk] }), '/.well-known/jwks.json')
    expect(keys).toEqual([{ kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.y, kid: 'first', alg: 'ES256', use: 'sig' }])
  })

  it('holds no null anywhere (G6)', async () => {
    for (const { house } of housesAt()) {
      for (const { path, method, handler } of house.auth.getWellKnownRoutes()) {
        if (method !== 'GET') continue
        const text = await (await handler(new Request(new URL(path, house.baseUrl)))).text()
        expect(text).not.toMatch(/null|""|undefined/)
      }
    }
  })
})

describe('where they are', () => {
  it('puts the five URLs where the example of the documentation has them', async () => {
    const house = openHouse(example)
    const page = await openTab(house).open(house.authorizeUrl(await house.register()))
    const tab = openTab(house)
    const { refresh } = await tab.decide(await tab.open(house.authorizeUrl(await house.register())), 'approve')
    expect(page.status).toBe(200)
    expect([
      house.auth.resources[0].uri,
      house.auth.oauthMetadata.authorization_endpoint,
      new URL(refresh).searchParams.get('redirect_uri'),
      (await house.call('http://localhost:8000/.well-known/oauth-authorization-server')).status,
      (await house.call('http://localhost:8000/.well-known/oauth-protected-resource/api/mcp')).status,
    ]).toEqual([
      'http://localhost:8000/api/mcp',
      'http://localhost:8000/api/authorize',
      'http://localhost:8000/api/auth/callback',
      200,
      200,
    ])
  })

  it('is found by every way a client looks for the server of an issuer with a path, at the root too (R2, R4)', async () => {
    const house = openHouse({ baseUrl: 'http://localhost:8000/api' })
    const urls = [
      'http://localhost:8000/.well-known/oauth-authorization-server/api',
      'http://localhost:8000/.well-known/openid-configuration/api',
      'http://localhost:8000/api/.well-known/openid-configuration',
      'http://localhost:8000/.well-known/oauth-authorization-server',
      'http://localhost:8000/.well-known/openid-configuration',
    ]
    for (const url of urls) expect(await readDocument(house, url)).toEqual(house.auth.oauthMetadata)
  })

  it('is found by the resource inserted, and at the root where there is one resource only (R23)', async () => {
    const one = openHouse({ baseUrl: 'http://localhost:8000/api', mcpPath: '/mcp' })
    const inserted = await readDocument(one, 'http://localhost:8000/.well-known/oauth-protected-resource/api/mcp')
    expect(await readDocument(one, 'http://localhost:8000/.well-known/oauth-protected-resource')).toEqual(inserted)
    const two = openHouse({ mcpPath: ['/mcp', '/other'] })
    expect((await two.call('http://localhost:8000/.well-known/oauth-protected-resource')).status).toBe(404)
    expect((await readDocument(two, 'http://localhost:8000/.well-known/oauth-protected-resource/other')).resource).toBe(
      'http://localhost:8000/other',
    )
  })

  it('serves MCP at baseUrl itself when mcpPath is a slash', async () => {
    const house = openHouse({ baseUrl: 'http://localhost:8000/api', mcpPath: '/' })
    const document = await readDocument(house, 'http://localhost:8000/.well-known/oauth-protected-resource/api')
    expect(document.resource).toBe('http://localhost:8000/api')
  })

  it.each(housesAt())('answers every URL that a document advertises, at $title (B58)', async ({ house, issuer }) => {
    const { origin } = new URL(house.baseUrl)
    const path = new URL(issuer).pathname.replace(/\/$/, '')
    const forms = [
      wellKnown(origin, 'oauth-authorization-server', path),
      wellKnown(origin, 'openid-configuration', path),
      `${issuer}/.well-known/openid-configuration`,
    ]
    for (const url of forms) expect((await readDocument(house, url)).issuer).toBe(issuer)
    const resource = await readDocument(house, house.auth.resources[0].metadataUrl)
    expect(resource.authorization_servers).toEqual([issuer])
    const { issuer: _, ...advertised } = house.auth.oauthMetadata
    const urls = Object.values(advertised).filter((value): value is string => typeof value === 'string')
    expect(urls).toHaveLength(5)
    for (const url of urls) {
      const answers = await Promise.all([house.call(url), house.call(url, { method: 'POST' })])
      expect({ url, statuses: answers.map(({ status }) => status).filter((status) => status === 404 || status >= 500) }).toEqual({
        url,
        statuses: [],
      })
    }
  })

  it.each([
    'oauth-authorization-server/x',
    'openid-configuration/api',
    'oauth-protected-resource/x',
    'oauth-protected-resource/mcp/',
    'x',
    '',
  ])('does not know /.well-known/%s: 404 and never 5xx (R18)', async (path) => {
    expect((await openHouse().call(`/.well-known/${path}`)).status).toBe(404)
  })

  it('takes paths to the letter (T86)', async () => {
    const house = openHouse()
    const paths = ['/%61uthorize', '/authorize/', '//authorize', '/Authorize', '/authorize;x', '/auth%2fcallback', '/token/.', '/api/token']
    const statuses = await Promise.all(
      paths.map(async (path) => (await house.auth.fetch(new Request(`http://localhost:8000${path}`)))?.status),
    )
    expect(statuses).toEqual([undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined])
  })
})

describe('one issuer', () => {
  it.each(housesAt())(
    'is the same text in both documents, the token and every redirect, at $title (R5, R59, G4)',
    async ({ house, issuer }) => {
      const { clientId, tokens } = await house.login()
      const resource = await readDocument(house, house.auth.resources[0].metadataUrl)
      const refused = await openTab(house).open(house.authorizeUrl(clientId, { response_type: 'token' }))
      const granted = await house.signIn(clientId)
      expect([
        house.auth.oauthMetadata.issuer,
        resource.authorization_servers,
        decodeJwt(tokens.access_token).iss,
        new URL(refused.location).searchParams.getAll('iss'),
        granted.searchParams.getAll('iss'),
      ]).toEqual([issuer, [issuer], issuer, [issuer], [issuer]])
    },
  )

  it('does not depend on the Host of a request, nor on what proxies say of it (T85)', async () => {
    const house = openHouse({ issuerUrl: 'https://mcp.example.com', baseUrl: 'https://mcp.example.com/api' })
    const { pathname } = new URL(house.auth.resources[0].metadataUrl)
    const forged = {
      host: 'evil.test',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.test;proto=https',
    }
    for (const path of ['/.well-known/oauth-authorization-server', pathname]) {
      const plain = await (await house.call(`https://mcp.example.com${path}`)).text()
      const elsewhere = await house.auth.fetch(new Request(`https://evil.test:1${path}`, { headers: forged }))
      expect(await elsewhere?.text()).toBe(plain)
    }
  })

  it('keeps our callback and our form where they are for any Host (T85)', async () => {
    const house = openHouse({ baseUrl: 'https://mcp.example.com' })
    const clientId = await house.register()
    const tab = openTab(house)
    const url = house.authorizeUrl(clientId).replace('https://mcp.example.com', 'https://evil.test')
    const page = await tab.open(url, { 'x-forwarded-host': 'evil.test' })
    const { refresh } = await tab.decide(page, 'approve')
    expect(page.text).toContain('<form method="post" action="/consent">')
    expect(new URL(refresh).searchParams.get('redirect_uri')).toBe('https://mcp.example.com/auth/callback')
  })
})

describe('who may read them', () => {
  const apis = [
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/jwks.json',
    '/register',
    '/token',
    '/revoke',
  ]

  it.each(apis)('lets a page of any origin ask for %s, without credentials (R15, T81)', async (path) => {
    const preflight = await openHouse().call(path, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, mcp-protocol-version',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-headers')?.split(/, ?/)).toEqual(['content-type', 'mcp-protocol-version'])
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
    expect(preflight.headers.get('access-control-max-age')).toBe('600')
  })

  it.each(apis)('answers a page of any origin at %s, errors included (R15)', async (path) => {
    const house = openHouse()
    const headers = { origin: 'https://app.example', 'mcp-protocol-version': '2025-11-25' }
    const answers = await Promise.all([
      house.call(path, { headers }),
      house.call(path, { method: 'POST', headers }),
      house.call(path, { method: 'PUT', headers }),
    ])
    expect(answers.map((answer) => answer.headers.get('access-control-allow-origin'))).toEqual(['*', '*', '*'])
    expect(answers.map((answer) => answer.headers.get('access-control-allow-credentials'))).toEqual([null, null, null])
  })

  it('lets no page of another origin read a page of ours (R15)', async () => {
    const house = openHouse()
    const { tab, clientId, callback } = await comeToCallback(house)
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'GET' }
    const answers = [
      await tab.open(house.authorizeUrl(clientId), headers),
      await tab.open(house.authorizeUrl('unknown'), headers),
      await tab.open(callback, headers),
      await tab.decide(await tab.open(house.authorizeUrl(clientId)), 'approve', headers),
      ...(await Promise.all(['/authorize', '/consent', '/auth/callback'].map((path) => house.call(path, { method: 'OPTIONS', headers })))),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 303, 403, 405, 405, 405])
    for (const answer of answers) expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('how they are sent', () => {
  const paths = [
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/jwks.json',
  ]

  it.each(paths)('may be kept for five minutes: %s', async (path) => {
    const answer = await openHouse().call(path)
    expect(Object.fromEntries(answer.headers)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'WWW-Authenticate,Retry-After,DPoP-Nonce,X-Request-Id',
      'cache-control': 'public, max-age=300',
      'content-type': 'application/json',
      'x-request-id': expect.stringMatching(/^[0-9a-f]{20}$/),
    })
  })

  it.each(paths)('answers HEAD as GET, without the body: %s', async (path) => {
    const house = openHouse()
    const [get, head] = await Promise.all([house.call(path), house.call(path, { method: 'HEAD' })])
    expect(head.status).toBe(200)
    head.headers.delete('x-request-id')
    get.headers.delete('x-request-id')
    expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(get.headers))
    expect(await head.text()).toBe('')
  })

  it.each(paths)('answers with and without the version of MCP (R17): %s', async (path) => {
    const house = openHouse()
    const versions = ['2025-03-26', '2026-07-28', 'nonsense']
    const statuses = await Promise.all(
      versions.map(async (version) => (await house.call(path, { headers: { 'mcp-protocol-version': version } })).status),
    )
    expect(statuses).toEqual([200, 200, 200])
  })

  it.each(paths)('takes no other method, and says which it takes (T83): %s', async (path) => {
    const house = openHouse()
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await house.call(path, { method })
      expect([answer.status, answer.headers.get('allow'), answer.headers.get('cache-control'), await answer.text()]).toEqual([
        405,
        'GET, HEAD',
        'no-store',
        '',
      ])
    }
  })

  it('answers while the store is down (REL-R5)', async () => {
    const store = countedStore()
    store.fail(true)
    const house = openHouse({ clientStorage: store })
    for (const path of paths) expect((await house.call(path)).status).toBe(200)
  })
})

describe('the routes, as data', () => {
  const listed = (routes: readonly { method: string; path: string }[]): string[] => routes.map(({ method, path }) => `${method} ${path}`)
  const operational = [
    'GET /authorize',
    'POST /consent',
    'GET /auth/callback',
    'POST /register',
    'OPTIONS /register',
    'POST /token',
    'OPTIONS /token',
    'POST /revoke',
    'OPTIONS /revoke',
    'GET /.well-known/jwks.json',
    'HEAD /.well-known/jwks.json',
    'OPTIONS /.well-known/jwks.json',
  ]
  const document = (...paths: string[]): string[] => paths.flatMap((path) => [`GET ${path}`, `HEAD ${path}`, `OPTIONS ${path}`])

  it('has the operational ones relative to the mount, wherever that is', () => {
    for (const options of [{}, example, { ...example, baseUrl: 'http://localhost:8000/v1/tools' }])
      expect(listed(openHouse(options).auth.getRoutes())).toEqual(operational)
  })

  it('adds the appended OIDC form below the mount, where the issuer is the mount', () => {
    const house = openHouse({ baseUrl: 'http://localhost:8000/api' })
    expect(listed(house.auth.getRoutes())).toEqual([...operational, ...document('/.well-known/openid-configuration')])
  })

  it('has the well-known ones absolute from the origin', () => {
    expect(listed(openHouse(example).auth.getWellKnownRoutes('/mcp'))).toEqual(
      document(
        '/.well-known/oauth-authorization-server',
        '/.well-known/openid-configuration',
        '/.well-known/oauth-protected-resource/api/mcp',
        '/.well-known/oauth-protected-resource',
      ),
    )
  })

  it('inserts the path of an issuer that has one', () => {
    expect(listed(openHouse({ baseUrl: 'http://localhost:8000/v1/tools' }).auth.getWellKnownRoutes())).toEqual(
      document(
        '/.well-known/oauth-authorization-server',
        '/.well-known/oauth-authorization-server/v1/tools',
        '/.well-known/openid-configuration',
        '/.well-known/openid-configuration/v1/tools',
        '/.well-known/oauth-protected-resource/v1/tools/mcp',
        '/.well-known/oauth-protected-resource',
      ),
    )
  })

  it('appends to an issuer that is not the mount at the root', () => {
    const house = openHouse({ baseUrl: 'http://localhost:8000/v1/tools', issuerUrl: 'http://localhost:8000/v1' })
    expect(listed(house.auth.getWellKnownRoutes())).toContain('GET /v1/.well-known/openid-configuration')
    expect(listed(house.auth.getRoutes())).toEqual(operational)
  })

  it('gives those of one MCP path, or of all', () => {
    const { auth } = openHouse({ mcpPath: ['/mcp', '/other'] })
    const server = document('/.well-known/oauth-authorization-server', '/.well-known/openid-configuration')
    expect(listed(auth.getWellKnownRoutes('/other'))).toEqual([...server, ...document('/.well-known/oauth-protected-resource/other')])
    expect(listed(auth.getWellKnownRoutes())).toEqual([
      ...server,
      ...document('/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource/other'),
    ])
  })

  it.each(housesAt())('keeps the two sets apart, and each path once, at $title', ({ house: { auth } }) => {
    const all = [...auth.getRoutes().map(({ method, path }) => `${method} ${auth.basePath}${path}`), ...listed(auth.getWellKnownRoutes())]
    expect(new Set(all).size).toBe(all.length)
  })

  it('has handlers that answer by themselves, and no side effect of being asked for', async () => {
    const { auth } = openHouse(example)
    const before = listed(auth.getRoutes())
    auth.getWellKnownRoutes()
    auth.getWellKnownRoutes('/mcp')
    expect(listed(auth.getRoutes('/mcp'))).toEqual(before)
    for (const { method, path, handler, ...rest } of [...auth.getRoutes(), ...auth.getWellKnownRoutes()]) {
      expect(rest).toEqual({})
      const answer = await handler(new Request(`http://127.0.0.1:9${path}`, { method }))
      expect({ method, path, wrong: answer.status === 405 || answer.status >= 500 }).toEqual({ method, path, wrong: false })
    }
  })

  it('refuses an MCP path that is not listed', () => {
    const { auth } = openHouse({ mcpPath: ['/mcp', '/other'] })
    for (const ask of [() => auth.getRoutes('/api/mcp'), () => auth.getWellKnownRoutes('/api/mcp')]) {
      expect(ask).toThrow(ConfigurationError)
      expect(ask).toThrow(expect.objectContaining({ problems: ["mcpPath '/api/mcp' is not listed: the option mcpPath has /mcp, /other"] }))
    }
  })
})
