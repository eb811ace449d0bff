import { type IdentityAssertionOptions, NoUpstream, type TrustedIssuerOptions } from '@drawbridge/core'
import { memoryStore } from '@drawbridge/storage'
import { decodeJwt, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { clientAssertionType, createSigner, type SignerAlgorithm, sign } from '../support/assertions.ts'
import { type House, type HouseOptions, openHouse, redirectUri, type TokenAnswer } from '../support/house.ts'
import { documentOf, documentUrl, openStrangers } from '../support/strangers.ts'
import { watchedStore } from '../support/watched-store.ts'

const issuer = 'https://idp.example.com'
const signer = createSigner('RS256', 'idp-key')
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const secret = 'a-secret-of-a-client-01'
const basic = (id: string) => ({ authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` })
const trusted: TrustedIssuerOptions = { issuer, jwks: { keys: [signer.jwk] } }

/** A house that trusts an enterprise. */
function enterprise({ assertions, ...options }: HouseOptions & { assertions?: Partial<IdentityAssertionOptions> } = {}): House {
  return openHouse({
    requiredScopes: ['read'],
    clients: {
      validScopes: ['read', 'write'],
      static: [
        { clientId: 'agent', clientSecret: secret, grantTypes: [grantType] },
        { clientId: 'other', clientSecret: secret, redirectUris: [redirectUri] },
        { clientId: 'public', redirectUris: [redirectUri] },
      ],
    },
    extensions: { identityAssertions: { trustedIssuers: [trusted], ...assertions } },
    ...options,
  })
}

type Claims = Readonly<Record<string, unknown>>

function claimsOf(house: House, over: Claims = {}): Claims {
  const now = house.environment.now()
  return {
    iss: issuer,
    sub: 'U019488227',
    aud: 'http://localhost:8000',
    client_id: 'agent',
    resource: 'http://localhost:8000/mcp',
    scope: 'read write',
    jti: 'the-one',
    iat: now,
    exp: now + 300,
    email: 'ada@example.com',
    groups: ['staff'],
    ...over,
  }
}

const idJag = (house: House, over: Claims = {}, by = signer, header: object = {}): Promise<string> =>
  sign(by, claimsOf(house, over), { typ: 'oauth-id-jag+jwt', ...header })

const ask = (house: House, assertion: string, fields: Record<string, string> = {}, headers: Record<string, string> = basic('agent')) =>
  house.post('/token', { grant_type: grantType, assertion, ...fields }, headers)

const refusal = {
  error: 'invalid_grant',
  error_description: 'The assertion is invalid, has expired, was used, or is for another client.',
}

describe('a client with the word of an enterprise (SEP-990)', () => {
  it('is given one access token for the person, and no refresh token', async () => {
    const house = enterprise()
    const answer = await ask(house, await idJag(house))
    const body: TokenAnswer = await answer.json()
    expect([answer.status, body]).toEqual([
      200,
      { access_token: body.access_token, token_type: 'Bearer', expires_in: 3600, scope: 'read write' },
    ])
    const sub = 'urn:drawbridge:person:https%3A%2F%2Fidp.example.com:U019488227'
    expect(decodeJwt(body.access_token)).toMatchObject({ sub, client_id: 'agent', aud: 'http://localhost:8000/mcp' })
    const info = await house.auth.verifyAccessToken(body.access_token)
    expect(info.extra.identity).toEqual({ subject: sub, claims: { iss: issuer, sub: 'U019488227', email: 'ada@example.com' } })
    await expect(house.auth.upstream(info)).rejects.toThrow(NoUpstream)
    expect([house.github.received, house.events.map(({ type }) => type)]).toEqual([[], ['grant.opened', 'token.issued']])
  })

  it.each<SignerAlgorithm>(['ES256', 'EdDSA', 'RS256', 'PS256'])('takes what is signed by %s', async (algorithm) => {
    const by = createSigner(algorithm)
    const house = enterprise({ assertions: { trustedIssuers: [{ issuer, jwks: { keys: [by.jwk] } }] } })
    expect((await ask(house, await idJag(house, {}, by))).status).toBe(200)
  })

  it('is known by the metadata, and only where it is on (R8)', () => {
    const on = enterprise().auth.oauthMetadata
    expect(on.grant_types_supported).toEqual(['authorization_code', 'refresh_token', grantType])
    expect(on.authorization_grant_profiles_supported).toEqual(['urn:ietf:params:oauth:grant-profile:id-jag'])
    const off = openHouse().auth.oauthMetadata
    expect(off.grant_types_supported).toEqual(['authorization_code', 'refresh_token'])
    expect(off).not.toHaveProperty('authorization_grant_profiles_supported')
  })

  it('is not known where it is off', async () => {
    const house = enterprise({ extensions: {} })
    expect(await (await ask(house, await idJag(house))).json()).toMatchObject({ error: 'unsupported_grant_type' })
  })

  it('is for us in a list too, as long as it is for nobody else, or by the name that the operator gives', async () => {
    const house = enterprise()
    expect((await ask(house, await idJag(house, { aud: ['http://localhost:8000'] }))).status).toBe(200)
    const named = enterprise({ assertions: { trustedIssuers: [{ ...trusted, audience: 'api://us' }] } })
    expect((await ask(named, await idJag(named, { aud: 'api://us' }))).status).toBe(200)
    expect((await ask(named, await idJag(named, { jti: 'two' }))).status).toBe(400)
  })

  it.each<[string, Claims, Record<string, string>, string]>([
    ['what the issuer said', {}, {}, 'read write'],
    ['less than that, when it asks for less', {}, { scope: 'write' }, 'write'],
    ['no more than that', { scope: 'read' }, { scope: 'read write' }, 'read'],
    ['nothing that this server has not', { scope: 'read admin' }, {}, 'read'],
    ['what every call needs, when nobody said anything', { scope: undefined }, {}, 'read'],
    ['nothing for a refresh token, since there is none', { scope: 'read offline_access' }, { scope: 'read offline_access' }, 'read'],
    ['what it asks for, when the issuer sets no limit', { scope: undefined }, { scope: 'write' }, 'write'],
  ])('is granted %s', async (_, claims, fields, scope) => {
    const house = enterprise()
    expect(await (await ask(house, await idJag(house, claims), fields)).json()).toMatchObject({ scope })
  })

  it('is granted no more than it is listed with, where that is the limit, and just that when nobody said anything', async () => {
    const limited = (registeredIsLimit: boolean) =>
      enterprise({
        scopes: { registeredIsLimit, includes: { write: ['append'] } },
        clients: {
          validScopes: ['read', 'write', 'append', 'admin'],
          static: [{ clientId: 'agent', clientSecret: secret, grantTypes: [grantType], scopes: ['write'] }],
        },
      })
    const scopeOf = async (house: House, claims: Claims) => (await (await ask(house, await idJag(house, claims))).json()).scope
    expect(await scopeOf(limited(true), { scope: 'write append admin' })).toBe('write append')
    expect(await scopeOf(limited(false), { scope: 'write append admin' })).toBe('write append admin')
    expect(await scopeOf(limited(true), { scope: undefined })).toBe('write')
    const house = limited(true)
    expect(await (await ask(house, await idJag(house, { scope: 'admin' }))).json()).toMatchObject({ error: 'invalid_scope' })
  })

  it('may be a person of the upstream, when the operator says who (by e-mail, for instance)', async () => {
    const house = enterprise({
      assertions: { subject: ({ email }) => (email === 'ada@example.com' ? { subject: '583231', claims: { login: 'ada' } } : undefined) },
    })
    const body: TokenAnswer = await (await ask(house, await idJag(house))).json()
    expect(decodeJwt(body.access_token).sub).toBe('583231')
    expect(await house.auth.revoke({ subject: '583231' })).toBe(1)
    expect(await house.mcpStatus(body.access_token)).toBe(401)
  })

  it('is narrowed by authorizeUser like everybody', async () => {
    const house = enterprise({ upstream: { authorizeUser: ({ claims }) => (claims.email === 'ada@example.com' ? ['read'] : false) } })
    expect(await (await ask(house, await idJag(house))).json()).toMatchObject({ scope: 'read' })
  })
})

describe('an identity assertion is refused, spends nothing and writes nothing,', () => {
  const now = openHouse().environment.now()

  it.each<[string, Claims, string]>([
    ['from an issuer that is not trusted', { iss: 'https://evil.example.com' }, 'assertion_of_another_issuer'],
    ['from an issuer with a slash more', { iss: `${issuer}/` }, 'assertion_of_another_issuer'],
    ['from nobody', { iss: undefined }, 'assertion_of_another_issuer'],
    ['for the token endpoint (T74)', { aud: 'http://localhost:8000/token' }, 'assertion_for_another_audience'],
    ['for us and another (T74)', { aud: ['http://localhost:8000', 'https://other.example.com'] }, 'assertion_for_another_audience'],
    ['for nobody', { aud: [] }, 'assertion_for_another_audience'],
    ['for another client', { client_id: 'other' }, 'assertion_for_another_client'],
    ['for no client', { client_id: undefined }, 'assertion_malformed'],
    ['for another resource', { resource: 'https://other.example.com/mcp' }, 'assertion_for_another_resource'],
    ['for no resource', { resource: undefined }, 'assertion_malformed'],
    ['for two resources', { resource: ['http://localhost:8000/mcp', 'http://localhost:8000/mcp'] }, 'assertion_malformed'],
    ['about nobody', { sub: undefined }, 'assertion_malformed'],
    ['about an empty name', { sub: '' }, 'assertion_malformed'],
    ['about half a character', { sub: 'a\ud800' }, 'assertion_malformed'],
    ['about 256 characters', { sub: 'a'.repeat(256) }, 'assertion_malformed'],
    ['without an id', { jti: undefined }, 'assertion_malformed'],
    ['without a beginning', { iat: undefined }, 'assertion_malformed'],
    ['without an end', { exp: undefined }, 'assertion_malformed'],
    ['with scopes that are a list', { scope: ['read'] }, 'assertion_malformed'],
    ['that has ended', { iat: now - 100, exp: now - 31 }, 'assertion_expired'],
    ['that lives for too long', { exp: now + 331 }, 'assertion_too_long'],
    ['of long ago', { iat: now - 331 }, 'assertion_too_old'],
    ['of the future', { iat: now + 31 }, 'assertion_from_the_future'],
    ['that is not good yet', { nbf: now + 31 }, 'assertion_from_the_future'],
  ])('%s', async (_, over, reason) => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const house = enterprise({ beside: world, clientStorage: store })
    const answer = await ask(house, await idJag(house, over))
    expect([answer.status, await answer.json()]).toEqual([400, refusal])
    expect(house.events).toEqual([
      { type: 'request.refused', endpoint: 'token', error: 'invalid_grant', reason, at: house.environment.now() },
    ])
    expect([...store.keysOf('once'), ...store.keysOf('grant')]).toEqual([])
    expect((await ask(house, await idJag(house))).status).toBe(200)
  })

  it.each<[string, (house: House) => Promise<string>, string]>([
    ['signed by somebody else', (house) => idJag(house, {}, createSigner('RS256', 'idp-key')), 'assertion_signature_wrong'],
    ['signed by an unknown key', (house) => idJag(house, {}, createSigner('RS256', 'other')), 'assertion_signature_wrong'],
    ['of another type', (house) => idJag(house, {}, signer, { typ: 'JWT' }), 'assertion_malformed'],
    ['of no type', (house) => sign(signer, claimsOf(house)), 'assertion_malformed'],
    ['that is no JWT', async () => 'abc', 'assertion_of_another_issuer'],
  ])('%s', async (_, make, reason) => {
    const house = enterprise()
    const answer = await ask(house, await make(house))
    expect([answer.status, await answer.json()]).toEqual([400, refusal])
    expect(house.events.at(-1)).toMatchObject({ reason })
  })

  it('signed by an algorithm that the operator does not take from this issuer', async () => {
    const house = enterprise({ assertions: { trustedIssuers: [{ ...trusted, algorithms: ['PS256'] }] } })
    expect((await ask(house, await idJag(house))).status).toBe(400)
    expect((await ask(house, await idJag(house, {}, { ...signer, algorithm: 'PS256' }))).status).toBe(200)
  })

  it.each<[string, number, object, Record<string, string>, Record<string, string>]>([
    [
      'without it',
      400,
      { error: 'invalid_request', error_description: 'The parameter assertion is missing.' },
      { assertion: '' },
      basic('agent'),
    ],
    [
      'for another resource than it names',
      400,
      { error: 'invalid_target', error_description: 'The resource is not the one that was granted.' },
      { resource: 'https://other.example.com' },
      basic('agent'),
    ],
    [
      'for scopes that it does not name',
      400,
      { error: 'invalid_scope', error_description: 'None of the scopes is one that was granted.' },
      { scope: 'admin' },
      basic('agent'),
    ],
    ['by another client', 400, refusal, {}, basic('other')],
    [
      'by a public client',
      400,
      { error: 'unauthorized_client', error_description: 'The client may not use this grant type.' },
      { client_id: 'public' },
      {},
    ],
    [
      'by nobody',
      401,
      { error: 'invalid_client', error_description: 'The client is unknown or did not authenticate as it registered.' },
      { client_id: 'agent' },
      {},
    ],
  ])('in a request %s', async (_, status, body, fields, headers) => {
    const house = enterprise()
    const assertion = await idJag(house)
    const answer = await ask(house, assertion, fields, headers)
    expect([answer.status, await answer.json()]).toEqual([status, body])
    expect((await ask(house, assertion)).status).toBe(200)
  })

  it.each<[string, HouseOptions & { assertions?: Partial<IdentityAssertionOptions> }, string]>([
    ['nobody here', { assertions: { subject: () => undefined } }, 'assertion_of_nobody'],
    ['somebody without a subject', { assertions: { subject: () => ({ subject: '', claims: {} }) } }, 'assertion_of_nobody'],
    ['a client (R99)', { assertions: { subject: () => ({ subject: 'urn:drawbridge:client:agent', claims: {} }) } }, 'assertion_of_nobody'],
    ['somebody whom authorizeUser does not want', { upstream: { authorizeUser: () => false } }, 'authorize_user_said_no'],
    [
      'somebody about whom authorizeUser says nothing (T101)',
      { upstream: { authorizeUser: (() => undefined) as never } },
      'authorize_user_said_no',
    ],
  ])('of %s', async (_, options, reason) => {
    const world = openHouse()
    const store = watchedStore(memoryStore(world))
    const house = enterprise({ ...options, beside: world, clientStorage: store })
    expect(await (await ask(house, await idJag(house))).json()).toEqual(refusal)
    expect(house.events.at(-1)).toMatchObject({ reason })
    expect([...store.keysOf('once'), ...store.keysOf('grant')]).toEqual([])
  })

  it('of a public client, except where the operator allows those', async () => {
    const house = enterprise({ assertions: { allowPublicClients: true } })
    const answer = await ask(house, await idJag(house, { client_id: 'public' }), { client_id: 'public' }, {})
    expect(answer.status).toBe(200)
  })

  it('of a client that proves nothing, though it could, by its own document', async () => {
    const strangers = openStrangers()
    const own = createSigner()
    const methods = { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'] }
    strangers.publish(documentUrl, documentOf(documentUrl, { ...methods, jwks: { keys: [own.jwk] } }))
    const house = enterprise({ fetchPinned: strangers.fetchPinned })
    await house.signIn(documentUrl)
    const assertion = await idJag(house, { client_id: documentUrl })
    const unproven = await ask(house, assertion, { client_id: documentUrl }, {})
    expect([unproven.status, await unproven.json()]).toMatchObject([400, { error: 'unauthorized_client' }])
    const now = house.environment.now()
    const claims = { iss: documentUrl, sub: documentUrl, aud: 'http://localhost:8000', exp: now + 60, jti: 'one' }
    const proof = { client_assertion_type: clientAssertionType, client_assertion: await sign(own, claims) }
    expect((await ask(house, assertion, proof, {})).status).toBe(200)
  })

  it('the second time, at every host (T75)', async () => {
    const house = enterprise()
    const other = enterprise({ beside: house })
    const assertion = await idJag(house)
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => ask(at % 2 ? house : other, assertion)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 49 }, () => 400)])
    expect(await (await ask(other, assertion)).json()).toEqual(refusal)
    expect(other.events.at(-1)).toMatchObject({ reason: 'assertion_replayed' })
  })

  it('while another issuer may use the same id', async () => {
    const second = createSigner()
    const issuers = [trusted, { issuer: 'https://second.example.com', jwks: { keys: [second.jwk] } }]
    const house = enterprise({ assertions: { trustedIssuers: issuers } })
    expect((await ask(house, await idJag(house))).status).toBe(200)
    expect((await ask(house, await idJag(house, { iss: 'https://second.example.com' }, second))).status).toBe(200)
    const mixed = await ask(house, await idJag(house, { iss: 'https://second.example.com', jti: 'x' }))
    expect(mixed.status).toBe(400)
  })
})

describe('the keys of an enterprise', () => {
  it('are tried ten at most where the assertion names none (T34)', async () => {
    const own = createSigner()
    const others = Array.from({ length: 10 }, () => createSigner().jwk)
    const status = async (keys: readonly JWK[]) => {
      const house = enterprise({ assertions: { trustedIssuers: [{ issuer, jwks: { keys } }] } })
      return (await ask(house, await idJag(house, {}, own))).status
    }
    expect(await status([...others.slice(1), own.jwk])).toBe(200)
    expect(await status([...others, own.jwk])).toBe(400)
  })

  interface Network {
    readonly asked: string[]
    answers: Record<string, () => Response | Promise<Response>>
  }

  const keys =
    (...all: JWK[]) =>
    () =>
      Response.json({ keys: all })

  /** A house whose enterprise answers over the network. */
  function connected(trustedIssuer: TrustedIssuerOptions, answers: Network['answers']): { house: House; network: Network } {
    const network: Network = { asked: [], answers }
    const world = openHouse()
    const environment = {
      ...world.environment,
      async fetch(url: string | URL, init?: RequestInit) {
        network.asked.push(String(url))
        expect(init).toMatchObject({ redirect: 'manual', signal: expect.any(AbortSignal) })
        return network.answers[String(url)]?.() ?? Response.json({}, { status: 404 })
      },
    }
    return { house: enterprise({ beside: { ...world, environment }, assertions: { trustedIssuers: [trustedIssuer] } }), network }
  }

  const at = (path: string) => `${issuer}${path}`
  const metadata =
    (over: object = {}) =>
    () =>
      Response.json({ issuer, jwks_uri: at('/keys'), ...over })

  it.each<[string, TrustedIssuerOptions, Network['answers'], string[]]>([
    ['are where the operator says', { issuer, jwksUri: at('/keys') }, { [at('/keys')]: keys(signer.jwk) }, [at('/keys')]],
    [
      'or where its metadata says',
      { issuer },
      { [at('/.well-known/openid-configuration')]: metadata(), [at('/keys')]: keys(signer.jwk) },
      [at('/.well-known/openid-configuration'), at('/keys')],
    ],
    [
      'in either form',
      { issuer },
      { [at('/.well-known/oauth-authorization-server')]: metadata(), [at('/keys')]: keys(signer.jwk) },
      [at('/.well-known/openid-configuration'), at('/.well-known/oauth-authorization-server'), at('/keys')],
    ],
  ])('%s, and are read once for many', async (_, trustedIssuer, answers, asked) => {
    const { house, network } = connected(trustedIssuer, answers)
    const assertions = await Promise.all(['one', 'two', 'three'].map((jti) => idJag(house, { jti })))
    const statuses = await Promise.all(assertions.map(async (assertion) => (await ask(house, assertion)).status))
    expect([statuses, network.asked]).toEqual([[200, 200, 200], asked])
  })

  it.each<[string, Network['answers'], string]>([
    ['that nobody answers for', {}, 'status_404'],
    [
      'whose metadata is of another issuer (T51)',
      { [at('/.well-known/openid-configuration')]: metadata({ issuer: `${issuer}/` }) },
      'metadata_of_another_issuer',
    ],
    [
      'whose metadata leads away from TLS (T51)',
      { [at('/.well-known/openid-configuration')]: metadata({ jwks_uri: 'http://169.254.169.254/' }) },
      'metadata_without_jwks_uri',
    ],
    [
      'whose metadata leads nowhere',
      { [at('/.well-known/openid-configuration')]: metadata({ jwks_uri: undefined }) },
      'metadata_without_jwks_uri',
    ],
    [
      'whose keys are elsewhere (T51)',
      { [at('/.well-known/openid-configuration')]: metadata(), [at('/keys')]: () => Response.redirect('https://evil.example.com/keys') },
      'redirect',
    ],
    [
      'whose keys are a page',
      { [at('/.well-known/openid-configuration')]: metadata(), [at('/keys')]: () => new Response('<html>') },
      'not_json',
    ],
    [
      'whose keys are none',
      { [at('/.well-known/openid-configuration')]: metadata(), [at('/keys')]: () => Response.json({ keys: 'none' }) },
      'not_a_key_set',
    ],
    [
      'whose keys are too long',
      {
        [at('/.well-known/openid-configuration')]: metadata(),
        [at('/keys')]: () => Response.json({ keys: [], more: 'x'.repeat(300_000) }),
      },
      'answer_too_long',
    ],
  ])('%s are trouble, and not a no: 503, and it is left alone for half a minute', async (_, answers, reason) => {
    const { house, network } = connected({ issuer }, answers)
    const assertion = await idJag(house)
    const answer = await ask(house, assertion)
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: 'temporarily_unavailable' }])
    expect(house.events[0]).toMatchObject({ type: 'issuer.failed', issuer, reason })
    const asked = network.asked.length
    await ask(house, assertion)
    expect(network.asked).toHaveLength(asked)
    network.answers = { [at('/.well-known/openid-configuration')]: metadata(), [at('/keys')]: keys(signer.jwk) }
    house.environment.advance(30)
    expect((await ask(house, assertion)).status).toBe(200)
  })

  it('are read again when one is new, and not for every stranger who makes one up (REL-R39)', async () => {
    const { house, network } = connected({ issuer, jwksUri: at('/keys') }, { [at('/keys')]: keys(signer.jwk) })
    const next = createSigner('ES256', 'next')
    expect((await ask(house, await idJag(house))).status).toBe(200)
    network.answers = { [at('/keys')]: keys(signer.jwk, next.jwk) }
    const early = await idJag(house, { jti: 'early' }, next)
    expect([(await ask(house, early)).status, network.asked.length]).toEqual([400, 1])
    house.environment.advance(30)
    expect([(await ask(house, early)).status, network.asked.length]).toEqual([200, 2])
    for (let made = 0; made < 5; made += 1) await ask(house, await idJag(house, {}, createSigner('ES256', `made-up-${made}`)))
    expect(network.asked).toHaveLength(2)
  })

  it('may be newer than those we know while the issuer is away: 503 and no refusal, and nothing is spent (I6, REL-R39)', async () => {
    const { house, network } = connected({ issuer, jwksUri: at('/keys') }, { [at('/keys')]: keys(signer.jwk) })
    const next = createSigner('ES256', 'next')
    expect((await ask(house, await idJag(house))).status).toBe(200)
    network.answers = { [at('/keys')]: () => new Response(null, { status: 500 }) }
    house.environment.advance(30)
    const early = await idJag(house, { jti: 'early' }, next)
    for (const _ of [1, 2]) expect([(await ask(house, early)).status, network.asked.length]).toEqual([503, 2])
    expect((await ask(house, await idJag(house, { jti: 'known' }))).status).toBe(200)
    network.answers = { [at('/keys')]: keys(signer.jwk, next.jwk) }
    house.environment.advance(30)
    expect((await ask(house, early)).status).toBe(200)
  })

  it('are good for ten minutes, then read again: one that was withdrawn is refused; and for a day while the issuer is away (REL-R39)', async () => {
    const { house, network } = connected({ issuer, jwksUri: at('/keys') }, { [at('/keys')]: keys(signer.jwk) })
    const status = async (jti: string): Promise<number> => (await ask(house, await idJag(house, { jti }))).status
    expect(await status('one')).toBe(200)
    network.answers = { [at('/keys')]: () => new Response(null, { status: 500 }) }
    house.environment.advance(601)
    expect([await status('two'), network.asked.length]).toEqual([200, 2])
    house.environment.advance(86_400)
    expect(await status('three')).toBe(503)
    network.answers = { [at('/keys')]: keys(createSigner('RS256', 'new').jwk) }
    house.environment.advance(30)
    expect(await status('four')).toBe(400)
  })
})

describe('an enterprise that cannot be trusted stops the start', () => {
  it.each<[string, IdentityAssertionOptions, string]>([
    ['none', { trustedIssuers: [] }, 'extensions.identityAssertions.trustedIssuers lists no issuer'],
    ['one twice', { trustedIssuers: [trusted, trusted] }, 'extensions.identityAssertions.trustedIssuers lists an issuer twice'],
    [
      'one without TLS',
      { trustedIssuers: [{ issuer: 'http://idp.example.com' }] },
      'the trusted issuer "http://idp.example.com" is not an https URL (http is accepted on loopback only)',
    ],
    [
      'one whose keys are without TLS',
      { trustedIssuers: [{ issuer, jwksUri: 'http://idp.example.com/keys' }] },
      `the trusted issuer "${issuer}" has a jwksUri that is not an https URL (http is accepted on loopback only)`,
    ],
    [
      'one with keys in two places',
      { trustedIssuers: [{ ...trusted, jwksUri: `${issuer}/keys` }] },
      `the trusted issuer "${issuer}" has jwks and a jwksUri: it has one of them`,
    ],
    [
      'one with a secret for a key',
      { trustedIssuers: [{ issuer, jwks: { keys: [{ kty: 'oct', k: 'aw' }] } }] },
      `the trusted issuer "${issuer}" has jwks that are not a set of public keys`,
    ],
    [
      'one with a secret’s algorithm',
      { trustedIssuers: [{ ...trusted, algorithms: ['HS256' as never] }] },
      `the trusted issuer "${issuer}" has other algorithms than ES256, EdDSA, RS256, PS256`,
    ],
    [
      'one whose word never ends',
      { trustedIssuers: [{ ...trusted, longest: Number.POSITIVE_INFINITY }] },
      `the trusted issuer "${issuer}" has a longest that is not a whole number of seconds`,
    ],
  ])('%s', (_, identityAssertions, problem) => {
    expect(() => enterprise({ extensions: { identityAssertions } })).toThrow(`Drawbridge cannot start:\n  - ${problem}`)
  })
})
