import { generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { callback, openAt as open, tokenRequestsOf } from './openid-house.ts'
import { type OpenIdServer, startOpenIdServer } from './openid-server.ts'

// OidcProvider against oidc-provider, a strict and independent implementation, in a process of its own, over HTTP.

const started: OpenIdServer[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.kill()))
})

async function start(plan: Partial<Parameters<typeof startOpenIdServer>[0]> = {}): Promise<OpenIdServer> {
  const server = await startOpenIdServer({ redirectUris: [callback], ...plan })
  started.push(server)
  return server
}

describe('a login at an OpenID provider', () => {
  it('proves our PKCE, our nonce and our secret, and knows the person by its subject', async () => {
    const server = await start()
    const ours = open(server)
    const { accessToken } = await ours.login('alice')
    const info = await ours.auth.verifyAccessToken(accessToken)
    expect(info.extra.identity).toEqual({
      subject: 'alice',
      claims: { name: 'Person alice', email: 'alice@example.com', email_verified: true },
    })
    const [exchange] = await tokenRequestsOf(ours)
    expect(exchange?.form.code_verifier).toMatch(/^[\w-]{43}$/)
    expect(exchange?.authorization).toMatch(/^Basic /)
    expect(ours.requests.map(({ method, url }) => `${method} ${url.slice(server.issuer.length)}`)).toEqual([
      'GET /.well-known/openid-configuration',
      'POST /token',
      'GET /jwks',
      'GET /me',
    ])
    const other = await ours.login('bob')
    expect((await ours.auth.verifyAccessToken(other.accessToken)).extra.subject).toBe('bob')
  })

  it('is below a path, as a realm is, too', async () => {
    const ours = open(await start({ path: '/realms/one' }))
    expect((await ours.auth.verifyAccessToken((await ours.login()).accessToken)).extra.subject).toBe('alice')
  })

  it('proves us by a key in place of a secret (RFC 7523)', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const publicJwk = { ...publicKey.export({ format: 'jwk' }), kid: 'ours', alg: 'ES256', use: 'sig' }
    const { clientSecret: _, ...server } = await start({ publicJwk })
    const key = { ...privateKey.export({ format: 'jwk' }), kid: 'ours' }
    const ours = open({ ...server, clientSecret: '' }, { upstream: { clientAssertion: { key } } })
    const { accessToken } = await ours.login()
    expect((await ours.auth.verifyAccessToken(accessToken)).extra.subject).toBe('alice')
    const [exchange] = await tokenRequestsOf(ours)
    expect(exchange?.form.client_assertion_type).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    expect(JSON.stringify(exchange)).not.toContain('client_secret')
  })

  it('ends at the client when the secret is wrong, and the operator is told', async () => {
    const server = await start()
    const ours = open({ ...server, clientSecret: 'not-the-secret-of-this-client-at-all' })
    await expect(ours.login()).rejects.toThrow()
    expect(ours.events).toContainEqual(expect.objectContaining({ type: 'upstream.client_refused' }))
  })
})

describe('the tokens of an OpenID provider', () => {
  it('are refreshed, and each refresh token is used once, since it rotates', async () => {
    const ours = open(await start())
    const { accessToken } = await ours.login()
    const info = await ours.auth.verifyAccessToken(accessToken)
    const first = await ours.auth.upstream(info)
    const second = await ours.auth.upstream(info)
    expect(new Set([first.accessToken, second.accessToken]).size).toBe(2)
    const me = await second.fetch(`${ours.requests[0]?.url.replace('/.well-known/openid-configuration', '/me')}`)
    expect(await me.json()).toMatchObject({ sub: 'alice' })
    const refreshes = (await tokenRequestsOf(ours)).filter(({ form }) => form.grant_type === 'refresh_token')
    expect(new Set(refreshes.map(({ form }) => form.refresh_token)).size).toBe(2)
  })

  it('are ended with the grant, so that nobody can refresh them any more (RFC 7009)', async () => {
    const server = await start()
    const ours = open(server)
    const { accessToken } = await ours.login()
    const info = await ours.auth.verifyAccessToken(accessToken)
    await ours.auth.revoke({ grantId: info.extra.grantId ?? '' })
    await ours.auth.close()
    const revocation = ours.requests.find(({ url }) => url.endsWith('/token/revocation'))
    const token = new URLSearchParams((await revocation?.clone().text()) ?? '').get('token') ?? ''
    const authorization = revocation?.headers.get('authorization') ?? ''
    const again = await fetch(`${server.issuer}/token`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }),
    })
    expect([again.status, await again.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
  })

  it('are gone when they were ended there, and so is the grant', async () => {
    const server = await start()
    const ours = open(server)
    const { accessToken } = await ours.login()
    const info = await ours.auth.verifyAccessToken(accessToken)
    await ours.auth.upstream(info)
    const [exchange] = await tokenRequestsOf(ours)
    // A code that is used twice ends all that came of it.
    await fetch(`${server.issuer}/token`, {
      method: 'POST',
      headers: { authorization: exchange?.authorization ?? '' },
      body: new URLSearchParams(exchange?.form),
    })
    await expect(ours.auth.upstream(info)).rejects.toMatchObject({ code: 'invalid_token' })
    expect(ours.events).toContainEqual(expect.objectContaining({ type: 'grant.ended', reason: 'upstream_refused' }))
  })
})

describe('the keys of an OpenID provider', () => {
  it.each([false, true])('that change are read again, the old one withdrawn: %s (REL-R39)', async (withdraw) => {
    const server = await start()
    const ours = open(server)
    await ours.login()
    await server.rotate(withdraw)
    ours.advance(31)
    await ours.login()
    expect(ours.requests.filter(({ url }) => url.endsWith('/jwks'))).toHaveLength(2)
  })
})

describe('the clock of an OpenID provider', () => {
  it.each([-35, -20, 20, 120])('may differ by %i seconds', async (ahead) => {
    const ours = open(await start({ ahead, idTokenLife: 10 }))
    expect((await ours.comeBack()).searchParams.get('code')).toMatch(/^db_ac_/)
  })

  it('that is a minute behind makes its ID tokens, of ten seconds, too old', async () => {
    const ours = open(await start({ ahead: -60, idTokenLife: 10 }))
    expect((await ours.comeBack()).searchParams.get('error')).toBe('server_error')
    expect(ours.events).toContainEqual(expect.objectContaining({ type: 'callback.refused', reason: 'id_token_expired' }))
  })
})

describe('an OpenID provider that is away', () => {
  it('stops no start, and people are asked to try again until it is there', async () => {
    const port = await freePort()
    const ours = open({ issuer: `http://127.0.0.1:${port}`, clientId: 'upstream-id', clientSecret: 'a-secret-of-a-test /+&%' })
    await ours.auth.ready()
    expect(ours.auth.oauthMetadata.issuer).toBe('http://localhost:8000')
    await expect(ours.comeBack()).rejects.toThrow('503')
    await start({ port })
    ours.advance(2)
    expect((await ours.comeBack()).searchParams.get('code')).toMatch(/^db_ac_/)
  })

  it('between the login and a refresh costs nobody the grant', async () => {
    const server = await start()
    const ours = open(server)
    const { accessToken } = await ours.login()
    const info = await ours.auth.verifyAccessToken(accessToken)
    await server.kill()
    ours.advance(61)
    await expect(ours.auth.upstream(info)).rejects.toMatchObject({ name: 'UpstreamUnavailable' })
    expect((await ours.auth.verifyAccessToken(accessToken)).extra.subject).toBe('alice')
  })
})
