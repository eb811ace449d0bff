import { createHash, createSign, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ProofTarget, verifyProof } from './verify-proof.ts'

const now = 1_767_268_800
const target: ProofTarget = { method: 'POST', urls: ['https://mcp.example.com/token'] }

// RFC 9449, figures 2 and 13: the key of its examples, whose thumbprint is in section 6.1.
const header =
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'
const tokenProof = `${header}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`
const resourceProof = `${header}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`
const thumbprint = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'

describe('the proofs of RFC 9449', () => {
  it('hold for a token request', async () => {
    expect(await verifyProof(tokenProof, { method: 'POST', urls: ['https://server.example.com/token'] }, 1_562_262_616)).toEqual({
      thumbprint,
      jti: '-BwC3ESc6acc2lTc',
      issuedAt: 1_562_262_616,
      nonce: undefined,
    })
  })

  it('hold for a resource, with the access token of the example and no other', async () => {
    const resource = { method: 'GET', urls: ['https://resource.example.org/protectedresource'] }
    const good = { ...resource, accessToken: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU' }
    expect(await verifyProof(resourceProof, good, 1_562_262_618)).toMatchObject({ thumbprint, jti: 'e1j3V_bKic8-LAEB' })
    await expect(verifyProof(resourceProof, { ...resource, accessToken: 'another' }, 1_562_262_618)).rejects.toMatchObject({
      reason: 'proof_for_another_token',
    })
  })
})

interface Changes {
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
}

const keys = new Map<string, { privateKey: CryptoKey; jwk: JWK; privateJwk: JWK }>()

beforeAll(async () => {
  for (const alg of ['ES256', 'EdDSA', 'RS256', 'PS256', 'ES384']) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    keys.set(alg, { privateKey, jwk: await exportJWK(publicKey), privateJwk: await exportJWK(privateKey) })
  }
})

function sign(alg: string, { header = {}, claims = {} }: Changes = {}): Promise<string> {
  const key = keys.get(alg)
  if (!key) throw new Error(`no key for ${alg}`)
  const payload = { jti: 'once', htm: 'POST', htu: 'https://mcp.example.com/token', iat: now, ...claims }
  return new SignJWT(payload)
    .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk: key.jwk, ...header })
    .sign(key.privateKey, { crit: { later: true } })
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What comes of a proof: `good`, or the reason it is refused for; each refusal has the one text. */
async function judge(text: string, at = now, changes: Partial<ProofTarget> = {}): Promise<string> {
  try {
    await verifyProof(text, { ...target, ...changes }, at)
    return 'good'
  } catch (error) {
    expect(error).toMatchObject({
      code: 'invalid_dpop_proof',
      status: 400,
      message: 'The DPoP proof is missing, or not good for this request.',
    })
    return String(Reflect.get(Object(error), 'reason'))
  }
}

describe('a proof holds', () => {
  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'])('signed by %s (R144)', async (alg) => {
    expect(await judge(await sign(alg))).toBe('good')
  })

  it.each([
    ['https://mcp.example.com/token?a=b#c', 'without query and fragment'],
    ['HTTPS://MCP.example.com:443/token', 'whatever the case of scheme and host, and with the default port'],
    ['https://mcp.example.com/x/../token', 'with dot segments'],
    ['https://mcp.example.com/%74oken', 'with characters encoded that need not be'],
  ])('for %s, %s (RFC 9449 §4.3)', async (htu) => {
    expect(await judge(await sign('ES256', { claims: { htu } }))).toBe('good')
  })

  it('from five minutes before to five minutes after, to the second (SEP-1932, R144)', async () => {
    const proof = await sign('ES256')
    const verdicts = await Promise.all([-301, -300, 0, 300, 301].map((away) => judge(proof, now + away)))
    expect(verdicts).toEqual(['proof_out_of_time', 'good', 'good', 'good', 'proof_out_of_time'])
  })
})

describe('a proof is refused', () => {
  it.each([
    ['for another method', { htm: 'GET' }, 'proof_for_another_method'],
    ['for a method in another case', { htm: 'post' }, 'proof_for_another_method'],
    ['for another path', { htu: 'https://mcp.example.com/token/' }, 'proof_for_another_address'],
    ['for another host', { htu: 'https://evil.example/token' }, 'proof_for_another_address'],
    ['for another scheme', { htu: 'http://mcp.example.com/token' }, 'proof_for_another_address'],
    ['for another port', { htu: 'https://mcp.example.com:8443/token' }, 'proof_for_another_address'],
    ['for what is no address', { htu: '/token' }, 'proof_for_another_address'],
    ['without a method', { htm: undefined }, 'proof_malformed'],
    ['without an address', { htu: undefined }, 'proof_malformed'],
    ['without a moment', { iat: undefined }, 'proof_malformed'],
    ['with a moment in words', { iat: '2026-01-01' }, 'proof_malformed'],
    ['without an id', { jti: undefined }, 'proof_malformed'],
    ['with an empty id', { jti: '' }, 'proof_malformed'],
    ['with an id of more than 256 characters', { jti: 'j'.repeat(257) }, 'proof_malformed'],
    ['with a nonce that is no text', { nonce: 1 }, 'proof_malformed'],
    ['that has expired by its own word', { exp: now - 301 }, 'proof_malformed'],
  ])('%s (R144)', async (_, claims, reason) => {
    expect(await judge(await sign('ES256', { claims }))).toBe(reason)
  })

  it('without the hash of the access token that it comes with', async () => {
    expect(await judge(await sign('ES256'), now, { accessToken: 'a-token' })).toBe('proof_for_another_token')
  })

  it.each([
    ['another type', { typ: 'JWT' }],
    ['no type', { typ: undefined }],
    ['no key', { jwk: undefined }],
    ['a key that is a text', { jwk: 'a key' }],
    ['a key by its address (T65)', { jwk: undefined, jku: 'https://client.example/jwks.json' }],
    ['a critical header that nobody knows', { crit: ['later'], later: true }],
  ])('with %s in its header', async (_, header) => {
    expect(await judge(await sign('ES256', { header }))).toBe('proof_malformed')
  })

  it('with a private key in its header, whatever its kind (RFC 9449 §4.3)', async () => {
    for (const alg of ['ES256', 'EdDSA', 'RS256']) {
      expect(await judge(await sign(alg, { header: { jwk: keys.get(alg)?.privateJwk } }))).toBe('proof_malformed')
    }
  })

  it('with the key of somebody else, and with one of another kind (T64, T65)', async () => {
    const { publicKey } = await generateKeyPair('ES256')
    expect(await judge(await sign('ES256', { header: { jwk: await exportJWK(publicKey) } }))).toBe('proof_malformed')
    expect(await judge(await sign('ES256', { header: { jwk: keys.get('RS256')?.jwk } }))).toBe('proof_malformed')
    expect(await judge(await sign('PS256', { header: { jwk: keys.get('EdDSA')?.jwk } }))).toBe('proof_malformed')
  })

  it('by an algorithm that is not on the list, even one that is strong', async () => {
    expect(await judge(await sign('ES384'))).toBe('proof_malformed')
  })

  it.each(['none', 'None', 'HS256'])('by %s: no algorithm without a private key proves one (T64, R144)', async (alg) => {
    const { jwk } = keys.get('ES256') ?? {}
    const [, payload = ''] = (await sign('ES256')).split('.')
    const start = `${encoded({ typ: 'dpop+jwt', alg, jwk })}.${payload}`
    expect(await judge(`${start}.`)).toBe('proof_malformed')
    expect(await judge(`${start}.AAAA`)).toBe('proof_malformed')
    const secret = { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA' }
    const signed = await new SignJWT({ jti: 'once', htm: 'POST', htu: 'https://mcp.example.com/token', iat: now })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk: secret })
      .sign(Buffer.from(secret.k, 'base64url'))
    expect(await judge(signed)).toBe('proof_malformed')
  })

  it.each([
    ['of 1024 bits, which is too short', 1024, 'proof_malformed'],
    ['of 2048 bits', 2048, 'good'],
    ['of 4224 bits, which would keep us busy', 4224, 'proof_malformed'],
  ])('or not, by an RSA key %s', async (_, modulusLength, verdict) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength })
    const head = encoded({ typ: 'dpop+jwt', alg: 'RS256', jwk: publicKey.export({ format: 'jwk' }) })
    const start = `${head}.${encoded({ jti: 'once', htm: 'POST', htu: 'https://mcp.example.com/token', iat: now })}`
    expect(await judge(`${start}.${createSign('sha256').update(start).sign(privateKey, 'base64url')}`)).toBe(verdict)
  })

  it('by a key with an exponent that would keep us busy', async () => {
    const slow = { ...keys.get('RS256')?.jwk, e: Buffer.alloc(256, 255).toString('base64url') }
    expect(await judge(await sign('RS256', { header: { jwk: slow } }))).toBe('proof_malformed')
  })

  it('when it is longer than 4 KB, whoever signed it', async () => {
    expect(await judge(await sign('ES256', { claims: { more: 'x'.repeat(2000) } }))).toBe('good')
    expect(await judge(await sign('ES256', { claims: { more: 'x'.repeat(4000) } }))).toBe('proof_malformed')
  })

  it('when there are two, when one is changed, and when it is no compact JWT', async () => {
    const proof = await sign('ES256')
    const [head = '', payload = '', signature = ''] = proof.split('.')
    const changed = encoded({ jti: 'another', htm: 'POST', htu: 'https://mcp.example.com/token', iat: now })
    const wrong = [
      `${proof}, ${proof}`,
      `${proof},${proof}`,
      `${head}.${changed}.${signature}`,
      `${head}.${payload}.`,
      `${head}.${payload}`,
      `${proof}.x`,
      `${proof}=`,
      ` ${proof}`,
      JSON.stringify({ protected: head, payload, signature }),
      'DPoP',
      '',
      `${head}.${'A'.repeat(5000)}.${signature}`,
    ]
    for (const text of wrong) expect([text, await judge(text)]).toEqual([text, 'proof_malformed'])
  })
})

describe('whatever is sent,', () => {
  it('a proof holds for the method, address, moment and token that it was made for, and for no others', async () => {
    const token = fc.constantFrom('a-token', 'another-token', undefined)
    const request = fc.record({
      method: fc.constantFrom('GET', 'POST', 'DELETE'),
      url: fc.constantFrom('https://mcp.example.com/token', 'https://mcp.example.com/mcp', 'https://mcp.example.com/mcp/'),
      token,
    })
    await fc.assert(
      fc.asyncProperty(request, request, fc.integer({ min: -400, max: 400 }), async (made, sent, away) => {
        const ath = made.token === undefined ? {} : { ath: createHash('sha256').update(made.token).digest('base64url') }
        const proof = await sign('EdDSA', { claims: { htm: made.method, htu: made.url, ...ath } })
        const changes = { method: sent.method, urls: [sent.url], ...(sent.token !== undefined && { accessToken: sent.token }) }
        const isSame = made.method === sent.method && made.url === sent.url && (sent.token === undefined || made.token === sent.token)
        expect((await judge(proof, now + away, changes)) === 'good').toBe(isSame && Math.abs(away) <= 300)
      }),
      { numRuns: 200, seed: 9449 },
    )
  })

  it('nothing but a refusal comes of what nobody signed', async () => {
    const part = fc.oneof(
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      fc.base64String(),
      fc.string(),
    )
    const header = fc.record({ typ: fc.constant('dpop+jwt'), alg: fc.constantFrom('ES256', 'none', 'RS256', 1), jwk: fc.jsonValue() })
    const text = fc.oneof(fc.tuple(part, part, part), fc.tuple(header.map(encoded), part, part)).map((parts) => parts.join('.'))
    await fc.assert(
      fc.asyncProperty(text, async (sent) => {
        expect(await judge(sent)).toBe('proof_malformed')
      }),
      { numRuns: 500, seed: 9449 },
    )
  })
})
