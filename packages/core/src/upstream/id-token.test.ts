import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { idTokenVerifier } from './id-token.ts'

const shared = 'https://login.example.com/{tenantid}/v2.0'
const ofA = 'https://login.example.com/a/v2.0'

/** Verifies an ID token of tenant a, by a key that is `keyIssuer`'s, for us or for another client. */
async function verify(keyIssuer: string | undefined, documentIssuer?: string, aud = 'us'): Promise<Readonly<Record<string, unknown>>> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', ...(keyIssuer !== undefined && { issuer: keyIssuer }) }
  const environment = fixedEnvironment({ fetch: async () => Response.json({ keys: [jwk] }) })
  const finder = {
    find: async () => ({
      authorizationEndpoint: 'https://login.example.com/a',
      tokenEndpoint: 'https://login.example.com/t',
      jwksUri: 'https://login.example.com/k',
    }),
    prepare: () => {},
  }
  const openId = { issuer: ofA, ...(documentIssuer !== undefined && { documentIssuer, issuerOf: () => ofA }) }
  const verifyIdToken = idTokenVerifier(openId, { finder, clientId: 'us', environment, emit: () => {} })
  const now = environment.now()
  const claims = { iss: ofA, aud, sub: 'abe', nonce: 'n', iat: now, exp: now + 60 }
  const idToken = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey)
  return verifyIdToken(idToken, { nonce: 'n', accessToken: 'x' })
}

function verifiedBy(...by: Parameters<typeof verify>): Promise<unknown> {
  return verify(...by).then(
    ({ sub }) => sub,
    ({ reason }) => reason,
  )
}

it.each([
  ['of nobody in particular', undefined, 'abe'],
  ['of all of them', shared, 'abe'],
  ['of this one', ofA, 'abe'],
  ['of another', 'https://login.example.com/b/v2.0', 'id_token_signature_wrong'],
])('where many issuers share their keys, a key %s signs for those that it is for (T69)', async (_, keyIssuer, outcome) => {
  expect(await verifiedBy(keyIssuer, shared)).toBe(outcome)
})

it('where an issuer has keys of its own, what they say of it does not matter', async () => {
  expect(await verifiedBy(shared)).toBe('abe')
})

it('what is refused is not quoted in the error (T98)', async () => {
  const error: unknown = await verify(undefined, undefined, 'another-app').catch((cause: unknown) => cause)
  expect(error).toMatchObject({ name: 'UpstreamRefused', reason: 'id_token_for_another_client' })
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/abe|another-app/)
})
