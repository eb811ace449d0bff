import {
  ConfigurationError,
  IntrospectionVerifier,
  JwtVerifier,
  MultiAuth,
  NoUpstream,
  OAuthError,
  StaticTokenVerifier,
  type TokenVerifier,
} from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { describe, expect, it } from 'vitest'
import { openHouse } from '../support/house.ts'
import { openProofKey } from '../support/proof-key.ts'
import { expectUnavailable, readJson } from '../support/read-json.ts'
import { createKey, type IssuerKey, issuer, mint, now, openDiscovered, openRemote, refusals, resource } from './issuer.ts'

const machineToken = 'k7Qw2Xz9Lr4Tn8Vb1Yc6Hd3Jf5Mg0Ps_'
const machines = new StaticTokenVerifier({ tokens: [{ token: machineToken, clientId: 'ci', scopes: ['user', 'read'] }] })

/** A verifier that counts what it is shown, and decides as it is told. */
function countingVerifier(decide: () => ReturnType<TokenVerifier['verify']> = async () => undefined) {
  const shown: string[] = []
  const verifier: TokenVerifier = {
    async verify(token) {
      shown.push(token)
      return decide()
    },
  }
  return { verifier, shown }
}

/** A call of the MCP endpoint with this token: what the gate says. */
function knockAt(auth: MultiAuth, token: string, url = resource): Promise<Response> {
  const request = new Request(url, { headers: { authorization: `Bearer ${token}` } })
  return auth.authenticate(request).then((who) => (who instanceof Response ? who : Response.json({ passed: who.extra.subject })))
}

const broken = (error: Error) => async (): Promise<undefined> => {
  throw error
}

describe('several verifiers', () => {
  const [own, second]: IssuerKey[] = [createKey(), createKey()]
  const secondIssuer = 'https://second.example'
  const secondVerifier = new JwtVerifier({ issuer: secondIssuer, keys: { keys: [second?.jwk ?? {}] } })
  const open = (...verifiers: TokenVerifier[]) => {
    const house = openDiscovered(own ? [own] : [])
    return { house, auth: new MultiAuth({ auth: house.auth, verifiers }) }
  }
  const ownToken = (changes = {}) => mint(own ?? createKey(), changes)
  const secondToken = (changes = {}) => mint(second ?? createKey(), { iss: secondIssuer, ...changes })

  it('each decide about their own tokens', async () => {
    const { auth, house } = open(secondVerifier, machines)
    for (const token of [await ownToken(), await secondToken()])
      expect(await readJson(await knockAt(auth, token))).toEqual({ status: 200, body: { passed: 'person-1' } })
    expect(await readJson(await knockAt(auth, machineToken))).toEqual({ status: 200, body: { passed: 'urn:drawbridge:client:ci' } })
    expect((await auth.verifyAccessToken(machineToken)).clientId).toBe('ci')
    expect(house.events).toEqual([])
  })

  it('keep the same subject of two issuers apart', async () => {
    const { auth } = open(secondVerifier)
    const [one, other] = await Promise.all([ownToken(), secondToken()].map(async (token) => auth.verifyAccessToken(await token)))
    expect([one?.extra.issuer, other?.extra.issuer]).toEqual([issuer, secondIssuer])
  })

  it('leave a token of nobody’s 401, said once', async () => {
    const { auth, house } = open(secondVerifier, machines)
    expect((await knockAt(auth, 'nobody-knows-this-token')).status).toBe(401)
    expect(refusals(house)).toEqual(['token_not_ours'])
    await expect(auth.verifyAccessToken('nobody-knows-this-token')).rejects.toThrow(OAuthError)
  })

  it('are not asked about a token that another owns and refuses', async () => {
    const { verifier, shown } = countingVerifier()
    const { auth, house } = open(secondVerifier, verifier)
    for (const token of [await ownToken({ exp: now - 60 }), await ownToken({ aud: 'other' }), await secondToken({ exp: now - 60 })])
      expect((await knockAt(auth, token)).status).toBe(401)
    expect(refusals(house)).toEqual(['token_expired', 'token_for_another_resource', 'token_expired'])
    expect(shown).toEqual([])
  })

  it('are asked in order, until one owns it', async () => {
    const [first, last] = [countingVerifier(), countingVerifier()]
    const { auth } = open(first.verifier, machines, last.verifier)
    expect((await knockAt(auth, machineToken)).status).toBe(200)
    expect([first.shown, last.shown]).toEqual([[machineToken], []])
  })

  it.each([
    ['the owner of the routes', 0],
    ['the first of the others', 1],
  ])('in trouble: a token that may be its own is 503, and the others’ pass: %s (I6)', async (_, index) => {
    const trouble = new OAuthError('temporarily_unavailable', 'Later.', { reason: 'busy' })
    const troubled: TokenVerifier = { verify: broken(trouble) }
    const house = openRemote(index === 0 ? { verifier: troubled } : { verifier: secondVerifier })
    const auth = new MultiAuth({ auth: house.auth, verifiers: index === 0 ? [secondVerifier, machines] : [troubled, machines] })
    const response = await knockAt(auth, 'nobody-knows-this-token')
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([503, null])
    expect((await knockAt(auth, machineToken)).status).toBe(200)
    expect((await knockAt(auth, await secondToken())).status).toBe(200)
    // Its owner says that it is over, so that nobody else’s trouble matters.
    expect((await knockAt(auth, await secondToken({ exp: now - 60 }))).status).toBe(401)
  })

  it('in trouble by a mistake of theirs: 500, and nobody gets in (R43)', async () => {
    const { auth, house } = open({ verify: broken(new TypeError('a mistake with nobody-knows-this-token')) })
    expect(await readJson(await knockAt(auth, 'nobody-knows-this-token'))).toMatchObject({ status: 500, body: { error: 'server_error' } })
    expect(house.events).toEqual([expect.objectContaining({ type: 'request.failed', endpoint: 'gate', errorName: 'TypeError' })])
  })

  it('one of which cannot be asked by network: 503, and no token is shown to two issuers', async () => {
    const endpoint = 'https://third.example/introspect'
    const third = new IntrospectionVerifier({ endpoint, clientId: 'a', clientSecret: 'b' })
    const { auth, house } = open(secondVerifier, third)
    await expectUnavailable(await knockAt(auth, 'opaque-4711'))
    house.fetched.length = 0
    await knockAt(auth, await secondToken())
    await knockAt(auth, await secondToken({ exp: now - 60 }))
    expect(house.fetched).toEqual([])
  })

  it('are judged by scope at one gate', async () => {
    const house = openRemote({ verifier: secondVerifier, requiredScopes: ['read', 'admin'] })
    const auth = new MultiAuth({ auth: house.auth, verifiers: [machines] })
    const response = await knockAt(auth, machineToken)
    expect(response.status).toBe(403)
    expect(response.headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="read admin"')
  })

  it('are more than none', () => {
    expect(() => open()).toThrow(ConfigurationError)
  })
})

describe('an OAuthProxy that takes machines’ tokens too', () => {
  const open = (options: Parameters<typeof openHouse>[0] = {}, verifiers: readonly TokenVerifier[] = [machines]) => {
    const house = openHouse(options)
    return { house, auth: new MultiAuth({ auth: house.auth, verifiers }) }
  }
  const mcpUrl = 'http://localhost:8000/mcp'

  it('lets people who log in pass, and machines', async () => {
    const { house, auth } = open()
    const { tokens } = await house.login()
    expect(await readJson(await knockAt(auth, tokens.access_token, mcpUrl))).toEqual({ status: 200, body: { passed: '583231' } })
    expect(await readJson(await knockAt(auth, machineToken, mcpUrl))).toEqual({ status: 200, body: { passed: 'urn:drawbridge:client:ci' } })
    expect((await knockAt(auth, 'nobody-knows-this-token', mcpUrl)).status).toBe(401)
    expect(house.events.filter(({ type }) => type === 'token.refused')).toHaveLength(1)
  })

  it('shows its own tokens to nobody, not even when they are over or were revoked', async () => {
    const { verifier, shown } = countingVerifier()
    const { house, auth } = open({}, [verifier])
    const { clientId, tokens } = await house.login()
    expect((await knockAt(auth, tokens.access_token, mcpUrl)).status).toBe(200)
    await house.auth.revoke({ clientId })
    expect((await knockAt(auth, tokens.access_token, mcpUrl)).status).toBe(401)
    house.environment.advance(3631)
    expect((await knockAt(auth, tokens.access_token, mcpUrl)).status).toBe(401)
    expect(shown).toEqual([])
  })

  it('has no upstream for a machine, and says so', async () => {
    const { house, auth } = open()
    const info = await auth.verifyAccessToken(machineToken)
    await expect(house.auth.upstream(info)).rejects.toThrow(NoUpstream)
  })

  it('is what every adapter plugs in', async () => {
    const { auth } = open()
    const mcp = { fetch: (_: Request, { authInfo }: { authInfo: { clientId: string } }) => Response.json({ caller: authInfo.clientId }) }
    const app = mcpApp({ auth, mcp, health: true })
    const headers = { authorization: `Bearer ${machineToken}` }
    expect(await (await app.fetch(new Request(mcpUrl, { method: 'POST', headers }))).json()).toEqual({ caller: 'ci' })
    for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/oauth-protected-resource/mcp', '/ready'])
      expect((await app.fetch(new Request(`http://localhost:8000${path}`))).status).toBe(200)
  })

  it('asks nobody else about a token that comes with a proof: none of theirs is bound to a key', async () => {
    const { verifier, shown } = countingVerifier()
    const { house, auth } = open({ extensions: { dpop: 'allowed' } }, [verifier, machines])
    const key = await openProofKey(house)
    const headers = { authorization: `DPoP ${machineToken}`, dpop: await key.proofWith(machineToken) }
    expect(await auth.authenticate(new Request(mcpUrl, { method: 'POST', headers }))).toMatchObject({ status: 401 })
    expect(shown).toEqual([])
    expect(house.events).toMatchObject([{ type: 'token.refused', reason: 'token_not_ours' }])
  })
})
