import { createPrivateKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { SigningKeyInput } from '@drawbridge/core'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { type House, openHouse, otherSigningKey, signingKey, type TokenAnswer } from '../support/house.ts'

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const ed25519 = generateKeyPairSync('ed25519').privateKey
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const rsaPss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey

const kidOf = (token: string) => decodeProtectedHeader(token).kid
const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' })
const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const cryptoKeyOf = (key: KeyObject, algorithm: AlgorithmIdentifier | RsaHashedImportParams | EcKeyImportParams) =>
  crypto.subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), algorithm, true, ['sign'])

async function fetchJwks(house: House): Promise<JSONWebKeySet> {
  const answer = await house.call(house.auth.oauthMetadata.jwks_uri)
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
    200,
    'application/json',
    'public, max-age=300',
  ])
  return answer.json()
}

/** Verifies a token as a stranger would, who has nothing of ours but the metadata. */
async function verifyFromOutside(house: House, token: string): Promise<{ alg: string }> {
  const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(await fetchJwks(house)), {
    issuer: house.auth.oauthMetadata.issuer,
    audience: 'http://localhost:8000/mcp',
    typ: 'at+jwt',
    currentDate: new Date(house.environment.now() * 1000),
  })
  return { alg: protectedHeader.alg }
}

describe('a private key', () => {
  it.each<[string, string, () => SigningKeyInput | Promise<SigningKeyInput>]>([
    ['ES256', 'a JWK', () => jwkOf(p256)],
    ['ES256', 'a PEM', () => pemOf(p256)],
    ['ES256', 'a KeyObject', () => p256],
    ['ES256', 'a CryptoKey', () => cryptoKeyOf(p256, { name: 'ECDSA', namedCurve: 'P-256' })],
    ['EdDSA', 'a JWK', () => jwkOf(ed25519)],
    ['EdDSA', 'a PEM', () => pemOf(ed25519)],
    ['EdDSA', 'a CryptoKey', () => cryptoKeyOf(ed25519, { name: 'Ed25519' })],
    ['RS256', 'a JWK', () => jwkOf(rsa)],
    ['RS256', 'a PEM', () => pemOf(rsa)],
    ['RS256', 'a CryptoKey', () => cryptoKeyOf(rsa, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' })],
    ['PS256', 'a JWK that says so', () => ({ ...jwkOf(rsa), alg: 'PS256' })],
    ['PS256', 'a PEM of that kind', () => pemOf(rsaPss)],
    ['PS256', 'a CryptoKey', () => cryptoKeyOf(rsa, { name: 'RSA-PSS', hash: 'SHA-256' })],
  ])('signs by %s, from %s, and its public half verifies from outside (R14, R98)', async (algorithm, _, key) => {
    const house = openHouse({ jwtSigningKey: await key() })
    const { clientId, tokens } = await house.login()
    expect(decodeProtectedHeader(tokens.access_token)).toEqual({
      alg: algorithm,
      typ: 'at+jwt',
      kid: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/),
    })
    expect(await verifyFromOutside(house, tokens.access_token)).toEqual({ alg: algorithm })
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
  })

  it.each([
    ['P-256', p256, ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']],
    ['Ed25519', ed25519, ['alg', 'crv', 'kid', 'kty', 'use', 'x']],
    ['RSA', rsa, ['alg', 'e', 'kid', 'kty', 'n', 'use']],
    ['RSA-PSS', rsaPss, ['alg', 'e', 'kid', 'kty', 'n', 'use']],
  ])('is published without its private half: %s', async (_, key, members) => {
    const { keys } = await fetchJwks(openHouse({ jwtSigningKey: pemOf(key) }))
    expect(keys).toEqual([expect.objectContaining({ use: 'sig' })])
    expect(Object.keys(keys[0] ?? {}).sort()).toEqual(members)
  })

  it('has the same kid in every form, so that hosts agree', async () => {
    const forms = [jwkOf(p256), pemOf(p256), p256, createPrivateKey(pemOf(p256))]
    const kids = await Promise.all(
      forms.map(async (jwtSigningKey) => (await fetchJwks(openHouse({ jwtSigningKey }))).keys.map(({ kid }) => kid)),
    )
    expect(new Set(kids.map(String)).size).toBe(1)
  })

  it('that is limited to another hash is refused', () => {
    const key = generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: 'sha512', mgf1HashAlgorithm: 'sha512' }).privateKey
    expect(() => openHouse({ jwtSigningKey: key })).toThrow('jwtSigningKey is an RSA-PSS key for sha512 alone: make one without that limit')
  })

  it('keeps the kid that it brings', async () => {
    const house = openHouse({ jwtSigningKey: { ...jwkOf(p256), kid: 'mine-2026' } })
    const { tokens } = await house.login()
    expect(decodeProtectedHeader(tokens.access_token).kid).toBe('mine-2026')
    expect((await fetchJwks(house)).keys.map(({ kid }) => kid)).toEqual(['mine-2026'])
  })
})

describe('a secret', () => {
  it('signs by HS256 and is not published: the key set is empty (R14)', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    expect(decodeProtectedHeader(tokens.access_token).alg).toBe('HS256')
    expect(await fetchJwks(house)).toEqual({ keys: [] })
  })

  it('is the same as text, as bytes and as a KeyObject', async () => {
    const house = openHouse()
    const { tokens } = await house.login()
    for (const jwtSigningKey of [Buffer.from(signingKey), createSecretKey(signingKey, 'utf8')]) {
      expect(await openHouse({ beside: house, jwtSigningKey }).mcpStatus(tokens.access_token)).toBe(200)
    }
  })
})

describe('a list of keys', () => {
  it('publishes every one that is not a secret, and signs by the first', async () => {
    const house = openHouse({ jwtSigningKey: [pemOf(ed25519), signingKey, pemOf(p256)] })
    const { tokens } = await house.login()
    expect(await verifyFromOutside(house, tokens.access_token)).toEqual({ alg: 'EdDSA' })
    expect((await fetchJwks(house)).keys.map(({ alg }) => alg)).toEqual(['EdDSA', 'ES256'])
  })

  it.each<[string, SigningKeyInput, SigningKeyInput]>([
    ['a secret by another', signingKey, otherSigningKey],
    ['a secret by a private key', signingKey, pemOf(p256)],
    ['a private key by one of another kind', pemOf(rsa), pemOf(ed25519)],
  ])('replaces %s in three roll-outs on two hosts, with no request refused (REL-R19)', async (_, old, next) => {
    const world = openHouse()
    const host = (...jwtSigningKey: SigningKeyInput[]): House => openHouse({ beside: world, jwtSigningKey })
    const issued: string[] = []

    /** A login and a refresh on each host; then every token so far is shown to both. */
    async function work(...hosts: House[]): Promise<void> {
      for (const house of hosts) {
        const { clientId, tokens } = await house.login()
        const refreshed: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
        issued.push(tokens.access_token, refreshed.access_token)
      }
      const statuses = await Promise.all(hosts.flatMap((house) => issued.map((token) => house.mcpStatus(token))))
      expect(new Set(statuses)).toEqual(new Set([200]))
    }

    const before = [host(old), host(old)] as const
    await work(...before)
    const published = [host(old, next), host(old, next)] as const
    await work(published[0], before[1])
    await work(...published)
    const signing = [host(next, old), host(next, old)] as const
    await work(signing[0], published[1])
    await work(...signing)

    const oldKid = kidOf(issued[0] ?? '')
    const ofOld = issued.splice(0).filter((token) => kidOf(token) === oldKid)
    world.environment.advance(3600)
    const retired = [host(next), host(next)] as const
    await work(retired[0], signing[1])
    await work(...retired)
    expect(ofOld.length).toBeGreaterThan(0)
    for (const token of ofOld) expect(await retired[0].mcpStatus(token)).toBe(401)
  })

  it('knows a token of a key that was taken out for one that is not ours: 401, and a refresh heals it', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    const other = openHouse({ beside: house, jwtSigningKey: otherSigningKey })
    expect(await other.mcpStatus(tokens.access_token)).toBe(401)
    const refreshed: TokenAnswer = await (await other.refresh(clientId, tokens.refresh_token)).json()
    expect(await other.mcpStatus(refreshed.access_token)).toBe(200)
  })
})
