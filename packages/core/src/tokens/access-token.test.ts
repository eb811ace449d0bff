import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { CompactEncrypt, exportJWK, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../protocol/errors.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { type AccessTokenClaims, type AccessTokens, accessTokens } from './access-token.ts'
import { parseSigningKey, type SigningKey } from './keys.ts'

const issuer = 'https://mcp.example.com'
const secret = parseSigningKey('vK3n8qTzL0xWm5bYcR7dPfJ2hSgA9uEe')
const otherSecret = parseSigningKey('Zq1w2e3r4t5y6u7i8o9p0aAsSdDfFgGh')
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const byEc = parseSigningKey(ec.privateKey)
const byRsa = parseSigningKey(rsa.privateKey)

const claims: Omit<AccessTokenClaims, 'expiresAt' | 'issuedAt' | 'tokenId'> = {
  subject: '583231',
  clientId: 'client-1',
  scopes: ['read', 'write'],
  resource: 'https://mcp.example.com/mcp',
  grantId: 'grant-1',
  generation: 3,
}

function open(...signingKeys: [SigningKey, ...SigningKey[]]) {
  const environment = fixedEnvironment()
  return { environment, tokens: accessTokens({ issuer, signingKeys, environment }) }
}

const partOf = (token: string, index: number): unknown => JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString())
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Why a token is refused, and that it is refused in the one way there is. */
async function reasonOf(tokens: AccessTokens, token: string): Promise<string> {
  const error = await tokens.verify(token).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof OAuthError)) return `accepted, or thrown: ${String(error)}`
  expect(error.toResponseObject()).toEqual({
    error: 'invalid_token',
    error_description: 'The access token is invalid or has expired.',
  })
  return error.reason
}

describe('an access token (RFC 9068)', () => {
  it('says who, for what, by whom, and until when: every claim pinned (R98)', async () => {
    const { environment, tokens } = open(secret)
    const token = await tokens.sign(claims, 3600)
    expect(partOf(token, 0)).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: secret.kid })
    expect(partOf(token, 1)).toEqual({
      iss: 'https://mcp.example.com',
      aud: 'https://mcp.example.com/mcp',
      sub: '583231',
      client_id: 'client-1',
      scope: 'read write',
      gid: 'grant-1',
      gen: 3,
      jti: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      iat: environment.now(),
      exp: environment.now() + 3600,
    })
  })

  it.each([
    ['HS256', secret],
    ['ES256', byEc],
    ['RS256', byRsa],
    ['EdDSA', parseSigningKey(generateKeyPairSync('ed25519').privateKey)],
    ['PS256', parseSigningKey({ ...rsa.privateKey.export({ format: 'jwk' }), alg: 'PS256' })],
  ])('by %s says what was signed', async (algorithm, key) => {
    const { environment, tokens } = open(key)
    const token = await tokens.sign(claims, 60)
    expect(partOf(token, 0)).toMatchObject({ alg: algorithm })
    expect(await accessTokens({ issuer, signingKeys: [key], environment }).verify(token)).toEqual({
      ...claims,
      expiresAt: environment.now() + 60,
      issuedAt: environment.now(),
      tokenId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  it('is never the same twice, and may have no scope', async () => {
    const { tokens } = open(secret)
    const [one, other] = [await tokens.sign(claims, 60), await tokens.sign(claims, 60)]
    expect(one).not.toBe(other)
    expect((await tokens.verify(await tokens.sign({ ...claims, scopes: [] }, 60))).scopes).toEqual([])
  })

  it('is good until 30 seconds after its end, for clocks that differ, and not a second more (REL-R10, R36)', async () => {
    const { environment, tokens } = open(secret)
    const token = await tokens.sign(claims, 60)
    environment.advance(89)
    expect(await tokens.verify(token)).toMatchObject(claims)
    environment.advance(1)
    expect(await reasonOf(tokens, token)).toBe('token_expired')
  })

  it('that was never seen before is refused at the same moment', async () => {
    const { environment, tokens } = open(secret)
    const token = await tokens.sign(claims, 60)
    environment.advance(90)
    expect(await reasonOf(accessTokens({ issuer, signingKeys: [secret], environment }), token)).toBe('token_expired')
  })
})

describe('keys rotate in three roll-outs, and every token stays good until its end (REL-R19)', () => {
  it.each([
    ['two secrets', secret, otherSecret],
    ['from a secret to a private key', secret, byEc],
    ['two kinds of private key', byRsa, byEc],
  ])('%s', async (_, old, young) => {
    const environment = fixedEnvironment()
    const hosts = ([[old], [old, young], [young, old], [young]] satisfies [SigningKey, ...SigningKey[]][]).map((signingKeys) =>
      accessTokens({ issuer, signingKeys, environment }),
    )
    const [before, first, second, after] = hosts
    if (!before || !first || !second || !after) return expect.unreachable()
    // Hosts of neighbouring roll-outs are up at the same time.
    for (const [one, other] of [
      [before, first],
      [first, second],
    ] as const) {
      for (const token of [await one.sign(claims, 60), await other.sign(claims, 60)])
        for (const host of [one, other]) expect(await host.verify(token)).toMatchObject(claims)
    }
    const byOld = await first.sign(claims, 60)
    const byYoung = await second.sign(claims, 60)
    expect([partOf(byOld, 0), partOf(byYoung, 0)]).toMatchObject([{ kid: old.kid }, { kid: young.kid }])
    expect(await after.verify(byYoung)).toMatchObject(claims)
    expect(await reasonOf(after, byOld)).toBe('token_not_ours')
  })
})

describe('a token that is not ours is refused (R36, R37, T62, T64, T65)', () => {
  const { environment, tokens } = open(secret, byRsa, byEc)
  const now = environment.now()
  const header = { alg: 'HS256', typ: 'at+jwt', kid: secret.kid }
  const payload = {
    iss: issuer,
    aud: claims.resource,
    sub: 's',
    client_id: 'c',
    scope: 'read',
    gid: 'g',
    gen: 0,
    jti: 'j',
    iat: now,
    exp: now + 60,
  }
  const hmac = (input: string, key: KeyObject | string): string => createHmac('sha256', key).update(input).digest('base64url')
  const forge = (head: object, body: unknown = payload, key: KeyObject | string = secret.sign): string => {
    const input = `${encode(head)}.${encode(body)}`
    return `${input}.${hmac(input, key)}`
  }
  const publicPem = String(createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'pem' }))

  it('but one that is made this way is accepted, so that each of the following is refused for its one difference', async () => {
    expect(await tokens.verify(forge(header))).toMatchObject({ subject: 's', grantId: 'g' })
  })

  it.each([
    ['none', { ...header, alg: 'none' }],
    ['None', { ...header, alg: 'None' }],
    ['NONE', { ...header, alg: 'NONE' }],
    ['', { ...header, alg: '' }],
    ['no alg', { typ: 'at+jwt', kid: secret.kid }],
    ['hs256', { ...header, alg: 'hs256' }],
    ['HS512', { ...header, alg: 'HS512' }],
    ['a list', { ...header, alg: ['HS256'] }],
    ['the kid of an RSA key', { ...header, kid: byRsa.kid }],
    ['the kid of an EC key', { ...header, kid: byEc.kid }],
    ['RS256 for a secret', { ...header, alg: 'RS256' }],
    ['another typ', { ...header, typ: 'JWT' }],
    ['no typ', { alg: 'HS256', kid: secret.kid }],
    ['an id token', { ...header, typ: 'id_token' }],
    ['a refresh token', { ...header, typ: 'rt+jwt' }],
    ['no kid', { alg: 'HS256', typ: 'at+jwt' }],
    ['an unknown kid', { ...header, kid: 'unknown' }],
    ['a kid that is a path', { ...header, kid: '../../dev/null' }],
    ['a kid that is a pattern', { ...header, kid: '*' }],
    ['a kid of 10 kB', { ...header, kid: 'a'.repeat(10_000) }],
    ['a kid that is a list', { ...header, kid: [secret.kid] }],
    ['an unencoded payload', { ...header, b64: false, crit: ['b64'] }],
    ['an unknown critical extension', { ...header, crit: ['x'], x: 1 }],
  ])('by its header: %s', async (_, head) => {
    expect(await reasonOf(tokens, forge(head))).toBe('token_not_ours')
    const unsigned = `${encode(head)}.${encode(payload)}.`
    expect(await reasonOf(tokens, unsigned)).toBe('token_not_ours')
  })

  it('by its header’s own keys: they are not looked at, and nothing is fetched (T65)', async () => {
    const mine = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = await exportJWK(mine.publicKey)
    for (const extra of [{ jwk }, { jku: 'https://evil.example/jwks.json' }, { x5u: 'https://evil.example/cert.pem' }, { x5c: ['AAAA'] }]) {
      const signed = await new SignJWT(payload)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: byEc.kid, ...extra })
        .sign(mine.privateKey)
      expect(await reasonOf(tokens, signed)).toBe('token_not_ours')
      // Beside a signature of ours they change nothing.
      expect(await tokens.verify(forge({ ...header, ...extra }))).toMatchObject({ subject: 's' })
    }
  })

  it('HS256 with the public key for a secret, however that is written (T64)', async () => {
    const der = createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'der' })
    const modulus = byRsa.publicJwk?.n ?? ''
    for (const key of [publicPem, publicPem.trim(), der.toString('latin1'), modulus, JSON.stringify(byRsa.publicJwk)]) {
      for (const kid of [byRsa.kid, secret.kid])
        expect(await reasonOf(tokens, forge({ ...header, kid }, payload, key))).toBe('token_not_ours')
    }
  })

  it('PS256 by a key that says RS256, even beside one that says PS256 (T64)', async () => {
    const byPss = parseSigningKey({
      ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
      alg: 'PS256',
    })
    const both = accessTokens({ issuer, signingKeys: [byRsa, byPss], environment })
    const signed = (alg: string): Promise<string> =>
      new SignJWT(payload).setProtectedHeader({ alg, typ: 'at+jwt', kid: byRsa.kid }).sign(rsa.privateKey)
    expect(await both.verify(await signed('RS256'))).toMatchObject({ subject: 's' })
    expect(await reasonOf(both, await signed('PS256'))).toBe('token_not_ours')
  })

  it.each([
    ['another issuer', { iss: 'https://evil.example' }],
    ['an issuer with a slash', { iss: `${issuer}/` }],
    ['a list of issuers', { iss: [issuer] }],
    ['a list of audiences', { aud: [claims.resource] }],
    ['no audience', { aud: undefined }],
    ['no subject', { sub: undefined }],
    ['no client', { client_id: undefined }],
    ['no scope', { scope: undefined }],
    ['a scope that is a list', { scope: ['read'] }],
    ['a scope with a quote', { scope: 'read "admin"' }],
    ['no grant', { gid: undefined }],
    ['no generation', { gen: undefined }],
    ['a generation that is text', { gen: '0' }],
    ['no jti', { jti: undefined }],
    ['no iat', { iat: undefined }],
    ['no end', { exp: undefined }],
    ['an end that is text', { exp: '9999999999' }],
    ['a beginning in the future', { nbf: now + 3600 }],
  ])('by its payload: %s', async (_, part) => {
    expect(await reasonOf(tokens, forge(header, { ...payload, ...part }))).toBe('token_not_ours')
  })

  it('by its end', async () => {
    expect(await reasonOf(tokens, forge(header, { ...payload, exp: now - 31 }))).toBe('token_expired')
    expect(await reasonOf(tokens, forge(header, { ...payload, exp: -1 }))).toBe('token_expired')
  })

  it('by its signature: another key, a flipped bit, none', async () => {
    const good = forge(header)
    expect(await reasonOf(tokens, forge(header, payload, otherSecret.sign))).toBe('token_not_ours')
    expect(await reasonOf(tokens, `${good.slice(0, -2)}${good.endsWith('AA') ? 'BB' : 'AA'}`)).toBe('token_not_ours')
    expect(await reasonOf(tokens, good.slice(0, good.lastIndexOf('.') + 1))).toBe('token_not_ours')
    const [head, , signature] = good.split('.')
    expect(await reasonOf(tokens, `${head}.${encode({ ...payload, sub: 'admin' })}.${signature}`)).toBe('token_not_ours')
  })

  it('when it is no token at all', async () => {
    const encrypted = await new CompactEncrypt(Buffer.from(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', typ: 'at+jwt', kid: byRsa.kid })
      .encrypt(rsa.publicKey)
    const json = JSON.stringify({ protected: encode(header), payload: encode(payload), signature: forge(header).split('.')[2] })
    const others = [
      '',
      '.',
      '..',
      'a.b.c',
      'gho_16C7e42F292c6912E7710c838347Ae178B4a',
      'db_rt_019b796d-d600-7000-8000-000000000000.1.AAAA',
      encrypted,
      json,
    ]
    for (const token of [
      ...others,
      'x'.repeat(1_000_000),
      `${forge(header)}.x`,
      ` ${forge(header)}`,
      forge(header, 'text'),
      forge(header, null),
      forge(header, [payload]),
    ])
      expect(await reasonOf(tokens, token)).toBe('token_not_ours')
  })
})

describe('a token that was verified', () => {
  it('is remembered by its whole text, so that nothing else profits from it', async () => {
    const { tokens } = open(secret)
    const token = await tokens.sign(claims, 60)
    const one = await tokens.verify(token)
    expect(await tokens.verify(token)).toBe(one)
    const at = token.lastIndexOf('.') + 5
    const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
    expect(await reasonOf(tokens, changed)).toBe('token_not_ours')
    expect(await reasonOf(tokens, token.slice(0, -5))).toBe('token_not_ours')
  })
})
