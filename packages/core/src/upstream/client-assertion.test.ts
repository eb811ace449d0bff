import { generateKeyPairSync } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { clientAssertion } from './client-assertion.ts'

const audience = 'https://upstream.example.com/token'

describe('an assertion of ours (RFC 7523 §2.2)', () => {
  it('is by our key, about us, for the token endpoint, once, for a minute', async () => {
    const environment = fixedEnvironment()
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const make = clientAssertion({ key: privateKey, algorithm: 'ES256', kid: 'k1', thumbprint: 'thumb' }, 'our-id', environment)
    const [first, second] = await Promise.all([make(audience), make(audience)])
    const { payload } = await jwtVerify(first ?? '', publicKey, { currentDate: new Date(environment.now() * 1000) })
    expect(payload).toEqual({
      iss: 'our-id',
      sub: 'our-id',
      aud: audience,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: 1_767_268_800,
      nbf: 1_767_268_800,
      exp: 1_767_268_860,
    })
    expect(decodeProtectedHeader(first ?? '')).toEqual({ alg: 'ES256', typ: 'JWT', kid: 'k1', 'x5t#S256': 'thumb' })
    expect(second).not.toBe(first)
  })

  it('comes from elsewhere where that is so', async () => {
    const make = clientAssertion({ make: async (for_) => `assertion for ${for_}` }, 'our-id', fixedEnvironment())
    expect(await make(audience)).toBe(`assertion for ${audience}`)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['that throws', () => Promise.reject(new Error('canary'))],
    ['that answers nothing', async () => ''],
    ['that answers no text', async () => 7],
  ])('from elsewhere %s is trouble in which nothing was sent, and is not quoted', async (_, source) => {
    const make = clientAssertion({ make: source as () => Promise<string> }, 'our-id', fixedEnvironment())
    const error: unknown = await make(audience).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'UpstreamUnavailable', reason: 'client_assertion_failed', sent: false, cause: undefined })
  })

  it('from elsewhere that never comes is given up after ten seconds', async () => {
    const environment = fixedEnvironment()
    const making = clientAssertion({ make: () => new Promise(() => {}) }, 'our-id', environment)(audience)
    const refused = expect(making).rejects.toMatchObject({ reason: 'client_assertion_failed' })
    environment.advance(11)
    await refused
  })
})
