import { createSecretKey } from 'node:crypto'
import { ConfigurationError, JwtVerifier, type JwtVerifierOptions } from '@drawbridge/core'
import { SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { expectUnavailable, readJson, refusal } from '../support/read-json.ts'
import {
  baseUrl,
  claims,
  createKey,
  discoveryUrl,
  issuer,
  jwksUri,
  metadataUrl,
  mint,
  now,
  openDiscovered,
  openNetwork,
  openRemote,
  publish,
  type RemoteHouse,
  refusals,
  resource,
} from './issuer.ts'

// What `JwtVerifier` lets pass, at the gate of a resource server.

const key = createKey()

async function expectRefused(house: RemoteHouse, token: string, reason: string): Promise<void> {
  const answer = await house.knock(token)
  const description = 'The access token is invalid or has expired.'
  expect(answer.headers.get('www-authenticate')).toBe(
    `Bearer error="invalid_token", resource_metadata="${metadataUrl}", error_description="${description}"`,
  )
  expect(await readJson(answer)).toEqual(refusal(401, 'invalid_token', description))
  expect(refusals(house).at(-1)).toBe(reason)
}

async function expectPassed(house: RemoteHouse, token: string): Promise<void> {
  expect(await readJson(await house.knock(token))).toEqual({ status: 200, body: { passed: 'person-1' } })
}

describe('a good JWT', () => {
  it('passes, and says who calls, for whom, and for how long (R36, R37)', async () => {
    const house = openDiscovered([key])
    const token = await mint(key)
    const request = new Request(resource, { headers: { authorization: `Bearer ${token}` } })
    expect(await house.auth.authenticate(request)).toEqual({
      token,
      clientId: 'a-client',
      scopes: ['read', 'write'],
      expiresAt: now + 3600,
      resource: new URL(resource),
      resourceMetadataUrl: metadataUrl,
      extra: { subject: 'person-1', identity: { subject: 'person-1', claims }, issuer, requestId: expect.any(String) },
    })
    expect(await house.auth.verifyAccessToken(token)).toMatchObject({ clientId: 'a-client' })
    expect(house.fetched).toEqual([discoveryUrl, jwksUri])
    expect(house.events).toEqual([])
  })

  it.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])(
    'passes, signed with %s',
    async (algorithm) => {
      const one = createKey(algorithm)
      await expectPassed(openDiscovered([one]), await mint(one))
    },
  )

  it.each([
    ['a text', { scope: 'read  write' }, ['read', 'write']],
    ['a list', { scope: ['read', 'write'] }, ['read', 'write']],
    ['scp, a text', { scope: undefined, scp: 'read' }, ['read']],
    ['scp, a list', { scope: undefined, scp: ['read', 'write'] }, ['read', 'write']],
    ['both', { scope: 'read', scp: ['write', 'read'] }, ['read', 'write']],
    ['neither', { scope: undefined }, []],
    ['something else', { scope: 7, scp: [null, 'a"b', 'read'] }, ['read']],
  ])('has its scopes from scope and scp: %s', async (_, changes, scopes) => {
    const house = openDiscovered([key])
    expect((await house.auth.verifyAccessToken(await mint(key, changes))).scopes).toEqual(scopes)
  })

  it('has its scopes from the claims that were named', async () => {
    const house = openDiscovered([key], { scopeClaims: ['scope', 'permissions'] })
    const token = await mint(key, { permissions: ['delete'], scp: 'no' })
    expect((await house.auth.verifyAccessToken(token)).scopes).toEqual(['read', 'write', 'delete'])
  })

  it('has its client from client_id, or azp, or the claim that was named', async () => {
    const clientOf = async (changes: object, options?: Partial<JwtVerifierOptions>) =>
      (await openDiscovered([key], options).auth.verifyAccessToken(await mint(key, { ...changes }))).clientId
    expect(await clientOf({ azp: 'other' })).toBe('a-client')
    expect(await clientOf({ client_id: undefined, azp: 'other' })).toBe('other')
    expect(await clientOf({ cid: 'third' }, { clientIdClaims: ['cid'] })).toBe('third')
  })

  it('passes until it ends, and half a minute longer for clocks that differ (R28)', async () => {
    const house = openDiscovered([key])
    const token = await mint(key)
    house.environment.advance(3629)
    await expectPassed(house, token)
    house.environment.advance(1)
    await expectRefused(house, token, 'token_expired')
  })

  it('is verified once in a minute, and its end is looked at each time (R28)', async () => {
    const house = openDiscovered([key])
    const token = await mint(key, { exp: now + 20 })
    await expectPassed(house, token)
    house.environment.advance(49)
    await expectPassed(house, token)
    house.environment.advance(1)
    await expectRefused(house, token, 'token_expired')
  })

  it('passes for no longer than a minute after its key was found to be gone', async () => {
    const house = openDiscovered([key])
    const token = await mint(key)
    await expectPassed(house, token)
    publish(house, [createKey('RS256', 'two')])
    house.environment.advance(601)
    await expectRefused(house, token, 'token_signature_wrong')
  })

  it('may name the resource among others, and in another of its forms (R25)', async () => {
    const house = openDiscovered([key])
    for (const aud of [[resource], ['https://other.example', resource], 'HTTPS://MCP.example.com/mcp', 'https://mcp.example.com:443/mcp'])
      await expectPassed(house, await mint(key, { aud }))
  })

  it('passes without a kid while one key fits', async () => {
    const others = [createKey('ES256', 'two'), { ...createKey('RS256', 'three'), jwk: { ...createKey('RS256', 'three').jwk, use: 'enc' } }]
    await expectPassed(openDiscovered([key, ...others]), await mint(key, {}, { kid: undefined }))
  })
})

describe('a JWT that is not good', () => {
  it.each([
    ['for another MCP server (R37, T60)', { aud: 'https://other.example.com/mcp' }, 'token_for_another_resource'],
    ['for this server, and another path of it (R37, T60)', { aud: `${baseUrl}/mcp2` }, 'token_for_another_resource'],
    ['for a name that begins like ours (T60)', { aud: `${resource}.evil.example` }, 'token_for_another_resource'],
    ['for the client itself, as an ID token is (T62)', { aud: 'a-client' }, 'token_for_another_resource'],
    ['for nobody', { aud: undefined }, 'token_for_another_resource'],
    ['for what is no text', { aud: [7, null] }, 'token_for_another_resource'],
    ['over', { exp: now - 30 }, 'token_expired'],
    ['without an end', { exp: undefined }, 'token_malformed'],
    ['not good yet', { nbf: now + 31 }, 'token_from_the_future'],
    ['without a subject', { sub: undefined }, 'token_malformed'],
    ['with an empty subject', { sub: '' }, 'token_without_subject'],
    ['without a client', { client_id: undefined }, 'token_without_client'],
    ['with a client that is no text', { client_id: 7 }, 'token_without_client'],
    ['bound to a key, which was not proven', { cnf: { jkt: 'abc' } }, 'token_without_proof'],
    ['an ID token, by its at_hash (T62)', { at_hash: 'abc' }, 'token_of_another_type'],
  ])('is refused: %s', async (_, changes, reason) => {
    await expectRefused(openDiscovered([key]), await mint(key, changes), reason)
  })

  it('is refused when it names another issuer, whoever signed it', async () => {
    const house = openDiscovered([key])
    for (const iss of ['https://login.example.com/', 'https://evil.example', 'login.example.com', 7, undefined])
      await expectRefused(house, await mint(key, { iss }), 'token_not_ours')
    // Nobody is asked for the keys of an issuer that a stranger named.
    expect(house.fetched).toEqual([])
  })

  it('is refused when another key signed it under the kid of a good one (R36)', async () => {
    await expectRefused(openDiscovered([key]), await mint(createKey()), 'token_signature_wrong')
  })

  it('is refused when it was changed', async () => {
    const [header, , signature] = (await mint(key)).split('.')
    const payload = Buffer.from(JSON.stringify({ ...claims, scope: 'admin' })).toString('base64url')
    await expectRefused(openDiscovered([key]), `${header}.${payload}.${signature}`, 'token_signature_wrong')
  })

  it.each(['none', 'None', 'HS256', 'RS1', 'ES256K'])('is refused with alg %s, before a key is looked for (T64)', async (alg) => {
    const house = openDiscovered([key])
    const header = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt', kid: 'one' })).toString('base64url')
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
    await expectRefused(house, `${header}.${payload}.${Buffer.from('signature').toString('base64url')}`, 'token_algorithm')
    expect(house.fetched).toEqual([])
  })

  it('is refused when it is signed by the public key as if that were a secret (T64)', async () => {
    const pem = key.publicKey.export({ type: 'spki', format: 'pem' })
    for (const secret of [Buffer.from(pem), Buffer.from(JSON.stringify(key.jwk))]) {
      const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'one' }).sign(createSecretKey(secret))
      await expectRefused(openDiscovered([key]), token, 'token_algorithm')
      await expectRefused(openRemote({ verifier: new JwtVerifier({ issuer, keys: String(pem) }) }), token, 'token_algorithm')
    }
    await expectRefused(openDiscovered([key]), new UnsecuredJWT(claims).encode(), 'token_algorithm')
  })

  it('is refused with an algorithm that its key is not for (T64)', async () => {
    const psKey = { ...key, algorithm: 'PS256', jwk: { ...key.jwk, alg: 'RS256' } }
    await expectRefused(openDiscovered([psKey]), await mint(psKey), 'token_signature_wrong')
    await expectRefused(openDiscovered([key], { algorithms: ['ES256'] }), await mint(key), 'token_algorithm')
  })

  it.each([[['exp']], [['b64']], [[]], ['b64']])('is refused with crit %j', async (crit) => {
    const house = openDiscovered([key])
    const header = Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: 'one', crit, b64: true, exp: 1 })).toString('base64url')
    const [, payload, signature] = (await mint(key)).split('.')
    await expectRefused(house, `${header}.${payload}.${signature}`, 'token_extension_critical')
  })

  it('is refused without a kid when several keys fit', async () => {
    const house = openDiscovered([key, createKey('RS256', 'two')])
    await expectRefused(house, await mint(key, {}, { kid: undefined }), 'token_without_kid')
  })

  it('gives no key, URL or certificate that would be looked at (T65)', async () => {
    const stranger = createKey()
    const house = openDiscovered([key])
    for (const header of [{ jwk: stranger.jwk }, { jku: 'https://evil.example/keys' }, { x5u: 'https://evil.example/cert' }])
      await expectRefused(house, await mint(stranger, {}, header), 'token_signature_wrong')
    expect(house.fetched).toEqual([discoveryUrl, jwksUri])
  })

  it.each(['abc', 'a.b.c', 'eyJhbGciOiJSUzI1NiJ9.e30.x', `${'e'.repeat(9000)}`, 'eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d'])(
    'is nobody’s, and asks nobody, when it is no JWT of an issuer: %s',
    async (token) => {
      const house = openDiscovered([key])
      await expectRefused(house, token, 'token_not_ours')
      expect(house.fetched).toEqual([])
    },
  )
})

describe('the type of a JWT (T62)', () => {
  it.each(['at+jwt', 'application/at+jwt', 'AT+JWT', 'JWT', 'jwt', undefined])('passes by itself: %s', async (typ) => {
    await expectPassed(openDiscovered([key]), await mint(key, {}, { typ }))
  })

  it.each(['id+jwt', 'logout+jwt', 'dpop+jwt', 'secevent+jwt', 'rt+jwt', ''])('is another’s, and refused: %s', async (typ) => {
    await expectRefused(openDiscovered([key]), await mint(key, {}, { typ }), 'token_of_another_type')
  })

  it('keeps an ID token out where access tokens are marked, whatever it is for', async () => {
    const house = openDiscovered([key], { type: 'at+jwt' })
    await expectPassed(house, await mint(key))
    for (const typ of ['JWT', undefined]) await expectRefused(house, await mint(key, {}, { typ }), 'token_of_another_type')
  })

  it('can be a claim, by which an issuer marks its tokens', async () => {
    const house = openDiscovered([key], { requiredClaims: { typ: ['Bearer', 'DPoP'], env: 'prod' } })
    await expectPassed(house, await mint(key, { typ: 'Bearer', env: 'prod' }))
    for (const changes of [{ typ: 'ID', env: 'prod' }, { typ: 'Bearer' }, {}])
      await expectRefused(house, await mint(key, changes), 'token_of_another_type')
  })
})

describe('an audience that is not the resource', () => {
  it('is what tokens have to name then', async () => {
    const house = openDiscovered([key], { audience: ['api://one', 'api://two'] })
    await expectPassed(house, await mint(key, { aud: ['x', 'api://two'] }))
    await expectRefused(house, await mint(key), 'token_for_another_resource')
  })

  it('can be anything, when that is typed out', async () => {
    const house = openDiscovered([key], { dangerouslyAcceptAnyAudience: true })
    for (const aud of ['https://other.example', undefined]) await expectPassed(house, await mint(key, { aud }))
  })

  it('is the resource of the path that was asked for, of several', async () => {
    const house = openDiscovered([key], {}, { mcpPath: ['/one', '/two'] })
    const token = await mint(key, { aud: `${baseUrl}/two` })
    expect((await house.knock(token, '/one')).status).toBe(401)
    expect((await house.knock(token, '/two')).status).toBe(200)
    expect((await house.auth.verifyAccessToken(token)).resource.href).toBe(`${baseUrl}/two`)
  })
})

describe('the keys of the issuer', () => {
  it('are read once, whoever comes, and again after ten minutes', async () => {
    const house = openDiscovered([key])
    const token = await mint(key)
    await Promise.all(Array.from({ length: 20 }, () => expectPassed(house, token)))
    expect(house.fetched).toEqual([discoveryUrl, jwksUri])
    house.environment.advance(601)
    await expectPassed(house, token)
    expect(house.fetched).toHaveLength(4)
  })

  it('that are new are found by a kid that is unknown (REL-R39)', async () => {
    const house = openDiscovered([key])
    await expectPassed(house, await mint(key))
    const next = createKey('RS256', 'two')
    publish(house, [key, next])
    house.environment.advance(31)
    await expectPassed(house, await mint(next))
    await expectPassed(house, await mint(key))
  })

  it('that are too new to have been looked for are trouble, and no reason to log anybody out (I6)', async () => {
    const house = openDiscovered([key])
    await expectPassed(house, await mint(key))
    const next = createKey('RS256', 'two')
    publish(house, [key, next])
    house.environment.advance(5)
    await expectUnavailable(await house.knock(await mint(next)))
    expect(house.fetched).toHaveLength(2)
    house.environment.advance(26)
    await expectPassed(house, await mint(next))
  })

  it('are not asked for again for a kid that was made up, for half a minute (T65)', async () => {
    const house = openDiscovered([key])
    await expectPassed(house, await mint(key))
    house.environment.advance(31)
    await expectRefused(house, await mint(createKey('RS256', 'made-up')), 'token_signature_wrong')
    house.environment.advance(1)
    for (let kid = 0; kid < 20; kid += 1) await expectUnavailable(await house.knock(await mint(createKey('ES256', `made-up-${kid}`))))
    expect(house.fetched).toHaveLength(4)
    await expectPassed(house, await mint(key))
  })

  it.each([
    ['away', () => Response.error()],
    ['broken', () => new Response('oops', { status: 500 })],
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['too long', () => new Response('{'.padEnd(1024 * 1024))],
    ['no keys', () => Response.json({ keys: 'none' })],
    ['private ones', () => Response.json({ keys: [key.privateKey.export({ format: 'jwk' })] })],
    ['elsewhere', () => Response.redirect('https://evil.example/keys')],
  ])('that cannot be read are 503 and never 401: %s (I6)', async (_, answer) => {
    const house = openDiscovered([key])
    house.answers[jwksUri] = answer
    await expectUnavailable(await house.knock(await mint(key)))
    expect(house.events.map(({ type }) => type)).toEqual(['issuer.failed', 'upstream.failed'])
    expect(house.events).toContainEqual(
      expect.objectContaining({ type: 'upstream.failed', operation: 'gate', reason: 'issuer_keys_unknown' }),
    )
    publish(house, [key])
    house.environment.advance(31)
    await expectPassed(house, await mint(key))
  })

  it('that were read before are good for a day while they cannot be read, and then it is 503 (I6, REL-R39)', async () => {
    const house = openDiscovered([key])
    const token = await mint(key, { exp: now + 200_000 })
    await expectPassed(house, token)
    house.answers[jwksUri] = () => Response.error()
    house.environment.advance(86_400)
    await expectPassed(house, token)
    house.environment.advance(60)
    await expectUnavailable(await house.knock(token))
  })

  it('are not taken from the metadata of another issuer (T51)', async () => {
    const house = openDiscovered([key])
    house.answers[discoveryUrl] = () => Response.json({ issuer: 'https://evil.example', jwks_uri: jwksUri })
    await expectUnavailable(await house.knock(await mint(key)))
    expect(house.fetched).toEqual([discoveryUrl])
  })

  it('can be at a URL that was named, for every name of the issuer', async () => {
    const names = [issuer, 'a name of it'] as const
    const house = openRemote({ verifier: new JwtVerifier({ issuer: names, jwksUri }) })
    publish(house, [key])
    for (const iss of names) await expectPassed(house, await mint(key, { iss }))
    expect(house.fetched).toEqual([jwksUri])
  })

  it('can be given, as a set or as PEM, and then nobody is asked', async () => {
    const pem = String(key.publicKey.export({ type: 'spki', format: 'pem' }))
    const ec = createKey('ES256', 'ec')
    const ecPem = String(ec.publicKey.export({ type: 'spki', format: 'pem' }))
    for (const keys of [{ keys: [key.jwk] }, pem, [ecPem, pem]]) {
      const house = openRemote({ verifier: new JwtVerifier({ issuer, keys }), network: openNetwork() })
      await expectPassed(house, await mint(key))
      await expectPassed(house, await mint(key, {}, { kid: undefined }))
      await expectRefused(house, await mint(createKey()), 'token_signature_wrong')
      expect(house.fetched).toEqual([])
    }
  })
})

describe('a JwtVerifier, when it is made', () => {
  const problemsOf = (options: object): readonly string[] => {
    try {
      new JwtVerifier({ issuer, ...options })
      return []
    } catch (cause) {
      if (cause instanceof ConfigurationError) return cause.problems
      throw cause
    }
  }

  it.each<[string, object, string]>([
    ['no issuer', { issuer: '' }, 'issuer is missing: the iss of the tokens, to the letter'],
    ['an empty list of issuers', { issuer: [] }, 'issuer is missing: the iss of the tokens, to the letter'],
    [
      'an issuer on http whose keys would have to be found',
      { issuer: 'http://login.example.com' },
      'issuer is not an https URL (http is accepted on loopback only), so that its keys cannot be found: name a jwksUri',
    ],
    ['keys on http', { jwksUri: 'http://login.example.com/keys' }, 'jwksUri is not an https URL (http is accepted on loopback only)'],
    ['two places for keys', { jwksUri, keys: { keys: [key.jwk] } }, 'there are keys and a jwksUri: give one of them'],
    ['no keys in a set', { keys: { keys: [] } }, 'keys are not a set of public keys: { keys: [...] } as at a JWKS URL, or PEM'],
    [
      'a secret in a set',
      { keys: { keys: [{ kty: 'oct', k: 'YWJj' }] } },
      'keys are not a set of public keys: { keys: [...] } as at a JWKS URL, or PEM',
    ],
    [
      'a private key',
      { keys: String(key.privateKey.export({ type: 'pkcs8', format: 'pem' })) },
      'keys has a text that is not a public key in PEM',
    ],
    ['a text that is no key', { keys: 'secret' }, 'keys has a text that is not a public key in PEM'],
    [
      'an algorithm of a secret',
      { algorithms: ['HS256'] },
      'algorithms has others than RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519',
    ],
    [
      'no algorithm',
      { algorithms: [] },
      'algorithms has others than RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519',
    ],
    [
      'an audience that is nobody',
      { audience: '' },
      'audience names nobody: a text or a list of texts, or nothing at all for the URL of the MCP endpoint',
    ],
    [
      'an empty list of audiences',
      { audience: [] },
      'audience names nobody: a text or a list of texts, or nothing at all for the URL of the MCP endpoint',
    ],
    [
      'an audience, and any',
      { audience: 'a', dangerouslyAcceptAnyAudience: true },
      'audience and dangerouslyAcceptAnyAudience contradict each other',
    ],
  ])('refuses %s', (_, options, problem) => {
    expect(problemsOf(options)).toEqual([`JwtVerifier: ${problem}`])
  })
})
