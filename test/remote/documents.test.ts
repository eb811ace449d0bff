import { ConfigurationError, JwtVerifier, RemoteAuthProvider } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { openHouse } from '../support/house.ts'
import { expectUnavailable } from '../support/read-json.ts'
import { baseUrl, createKey, type HouseOptions, issuer, metadataUrl, mint, openDiscovered, openRemote, type RemoteHouse } from './issuer.ts'

const asUrl = `${baseUrl}/.well-known/oauth-authorization-server`
const theirs = `${issuer}/.well-known/oauth-authorization-server`
const document = { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, x_of_theirs: [1] }

async function get(house: RemoteHouse, url: string, init?: RequestInit): Promise<Response> {
  return (await house.auth.fetch(new Request(url, init))) ?? new Response(null, { status: 404 })
}

describe('the document of the resource', () => {
  it('names the authorization servers, to the letter (R20, R21, R24)', async () => {
    const servers = ['https://login.example.com/', issuer]
    const house = openRemote({ authorizationServers: servers, requiredScopes: ['read', 'offline_access'], serverName: 'Notes' })
    const answer = await get(house, metadataUrl)
    expect(await answer.json()).toEqual({
      resource: 'https://mcp.example.com/mcp',
      authorization_servers: servers,
      scopes_supported: ['read'],
      bearer_methods_supported: ['header'],
      resource_name: 'Notes',
    })
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })

  it.each([
    { baseUrl, mcpPath: '/mcp' },
    { baseUrl: `${baseUrl}/api`, mcpPath: '/mcp' },
    { baseUrl: `${baseUrl}/api`, mcpPath: '/' },
    { baseUrl, mcpPath: ['/one', '/two/deep'] },
  ])('is at the same paths as an OAuthProxy’s: %j (R23)', (addresses) => {
    const paths = (routes: readonly { path: string; method: string }[]) =>
      routes.filter(({ path }) => path.includes('protected-resource')).map(({ method, path }) => `${method} ${path}`)
    const remote = openRemote(addresses).auth
    const proxy = openHouse(addresses).auth
    expect(paths(remote.getWellKnownRoutes())).toEqual(paths(proxy.getWellKnownRoutes()))
    expect([remote.basePath, remote.resources]).toEqual([proxy.basePath, proxy.resources])
  })

  it('is all there is: no endpoint, and no document of an authorization server', async () => {
    const house = openRemote()
    expect(house.auth.getRoutes()).toEqual([])
    for (const path of ['/authorize', '/token', '/register', '/.well-known/oauth-authorization-server', '/.well-known/jwks.json'])
      expect((await get(house, `${baseUrl}${path}`)).status).toBe(404)
  })

  it('is of a path that is listed', () => {
    const { auth } = openRemote()
    for (const call of [() => auth.getRoutes('/other'), () => auth.getWellKnownRoutes('/other')]) expect(call).toThrow(ConfigurationError)
  })
})

describe('the metadata of the authorization server, forwarded', () => {
  const open = (options: HouseOptions = {}) => {
    const house = openRemote({ forwardMetadata: true, ...options })
    house.answers[theirs] = () => Response.json(document)
    return house
  }

  it('is theirs, word for word', async () => {
    const house = open()
    const answer = await get(house, asUrl)
    expect(await answer.json()).toEqual(document)
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
    expect((await get(house, asUrl, { method: 'HEAD' })).status).toBe(200)
    expect(house.fetched).toEqual([theirs])
  })

  it('is found below the origin by the path of the server too', async () => {
    const house = open({ baseUrl: `${baseUrl}/api` })
    for (const url of [asUrl, `${asUrl}/api`]) expect(await (await get(house, url)).json()).toEqual(document)
  })

  it('is found by OpenID Connect Discovery where RFC 8414 has none', async () => {
    const house = open({ authorizationServers: `${issuer}/realms/one` })
    house.answers[`${theirs}/realms/one`] = () => Response.json({}, { status: 404 })
    house.answers[`${issuer}/realms/one/.well-known/openid-configuration`] = () => Response.json({ issuer: `${issuer}/realms/one` })
    expect(await (await get(house, asUrl)).json()).toEqual({ issuer: `${issuer}/realms/one` })
  })

  it('is asked for once, whoever comes, and again after five minutes beside a request', async () => {
    const house = open()
    await Promise.all(Array.from({ length: 20 }, () => get(house, asUrl)))
    expect(house.fetched).toHaveLength(1)
    house.environment.advance(300)
    house.answers[theirs] = () => Response.json({ ...document, changed: true })
    expect(await (await get(house, asUrl)).json()).toEqual(document)
    await house.environment.drain()
    expect(await (await get(house, asUrl)).json()).toEqual({ ...document, changed: true })
    expect(house.fetched).toHaveLength(2)
  })

  it.each([
    ['away', () => Response.error()],
    ['broken', () => new Response('oops', { status: 500 })],
    ['a page', () => new Response('<html>')],
    ['of another issuer (T51)', () => Response.json({ ...document, issuer: 'https://evil.example' })],
  ])('is 503 until it was seen, and the last good one is kept: %s', async (_, answer) => {
    const house = open()
    house.answers[theirs] = answer
    await expectUnavailable(await get(house, asUrl))
    await expectUnavailable(await get(house, asUrl))
    // One try, by both ways to find it, and a pause.
    expect(house.fetched.length).toBeLessThanOrEqual(2)
    expect(house.events.map(({ type }) => type)).toEqual(['issuer.failed', 'upstream.failed', 'upstream.failed'])
    house.environment.advance(5)
    house.answers[theirs] = () => Response.json(document)
    expect((await get(house, asUrl)).status).toBe(200)
    house.answers[theirs] = answer
    house.environment.advance(100_000)
    for (let call = 0; call < 2; call += 1) {
      expect(await (await get(house, asUrl)).json()).toEqual(document)
      await house.environment.drain()
      house.environment.advance(10)
    }
  })

  it('keeps nobody waiting at the gate', async () => {
    const key = createKey()
    const house = openDiscovered([key], {}, { forwardMetadata: true })
    expect((await house.knock(await mint(key))).status).toBe(200)
  })
})

describe('the gate of a resource server', () => {
  it('says where the metadata is, and no error that was not made (R22, R26, R29)', async () => {
    const house = openRemote({ requiredScopes: ['read'] })
    const answer = await house.knock()
    expect([answer.status, answer.headers.get('www-authenticate'), await answer.text()]).toEqual([
      401,
      `Bearer scope="read", resource_metadata="${metadataUrl}"`,
      '',
    ])
    expect(house.fetched).toEqual([])
  })

  it('asks for the scopes that a call needs (R30), which a scope may include (R32)', async () => {
    const key = createKey()
    const house = openDiscovered([key], {}, { requiredScopes: ['read'], includedScopes: { admin: ['read'] } })
    const answer = await house.knock(await mint(key, { scope: 'write' }))
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer error="insufficient_scope", scope="read", resource_metadata=/)
    expect((await house.knock(await mint(key, { scope: 'admin' }))).status).toBe(200)
    const info = await house.auth.verifyAccessToken(await mint(key))
    expect(house.auth.requireScopes('delete')({ authInfo: info })).toMatchObject({ scopes: ['read', 'delete'] })
  })

  it('answers malformed credentials with 400 (R35), and does not look at a token in the query (R39)', async () => {
    const house = openRemote()
    const bad = await house.auth.authenticate(new Request(`${baseUrl}/mcp`, { headers: { authorization: 'Bearer a, Bearer b' } }))
    expect(bad).toMatchObject({ status: 400 })
    expect((await house.knock(undefined, '/mcp?access_token=abc')).headers.get('www-authenticate')).not.toContain('error')
  })

  it('is ready, until it closes', async () => {
    const { auth } = openRemote()
    await auth.ready()
    await auth.close()
    await expect(auth.ready()).rejects.toThrow('closing')
  })
})

describe('a RemoteAuthProvider, when it is made', () => {
  const verifier = new JwtVerifier({ issuer })
  const problemsOf = (options: object): readonly string[] => {
    try {
      new RemoteAuthProvider({ baseUrl, authorizationServers: issuer, verifier, ...options })
      return []
    } catch (cause) {
      if (cause instanceof ConfigurationError) return cause.problems
      throw cause
    }
  }

  it.each<[string, object, readonly (string | RegExp)[]]>([
    [
      'a plain URL',
      { baseUrl: 'http://mcp.example.com' },
      ['baseUrl http://mcp.example.com is not https (http is accepted on loopback only)'],
    ],
    ['a path that repeats the prefix', { baseUrl: `${baseUrl}/api`, mcpPath: '/api/mcp' }, [/repeats the path of baseUrl/]],
    ['no issuer', { authorizationServers: [] }, ['authorizationServers lists none: the issuer whose tokens this server takes']],
    [
      'an issuer on http',
      { authorizationServers: 'http://a.example' },
      [/^the authorization server "http:\/\/a\.example" is not an https URL/],
    ],
    ['an issuer with a query', { authorizationServers: [`${issuer}?x`] }, [/without a query/]],
    ['no verifier', { verifier: undefined }, ['verifier is missing: new JwtVerifier({ issuer }), for instance']],
    ['scopes that are no list', { requiredScopes: 'read' }, ['requiredScopes is not a list']],
    ['a scope that is none', { requiredScopes: ['a b'] }, ['the scope "a b" has characters that RFC 6749 does not allow']],
    ['a scope that includes itself', { includedScopes: { a: ['b'], b: ['a'] } }, [/^includedScopes lets "a" include itself/]],
    ['an included scope that is no list', { includedScopes: { a: 'b' } }, ['includedScopes has a scope without a list']],
    ['a word for a yes', { forwardMetadata: 'yes' }, ['forwardMetadata is neither true nor false']],
    ['an option that there is not (T101)', { observability: { requestIdheader: 'x' } }, [/observability\.requestIdheader is no option/]],
    [
      'a header with secrets (T98)',
      { observability: { requestIdHeader: 'Cookie' } },
      ['observability.requestIdHeader: Cookie carries secrets'],
    ],
    [
      'all of it at once',
      { baseUrl: '', verifier: {}, authorizationServers: 7 },
      [/^baseUrl is missing/, /^the authorization server 7/, /^verifier/],
    ],
  ])('refuses %s', (_, options, problems) => {
    const found = problemsOf(options)
    expect(found).toEqual(problems.map((problem) => (typeof problem === 'string' ? problem : expect.stringMatching(problem))))
  })
})
