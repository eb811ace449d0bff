import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignJWT, UnsecuredJWT } from 'jose'
import type { UnixSeconds } from '../index.ts'
import type { OpenIdExample } from './describe-provider-description.ts'

/** The ID tokens of a described OpenID provider; a test changes what they say and who signs them. */
export interface IdTokens {
  /** The nonce that was asked with last. */
  nonce: string
  /** What they say of the person. */
  claims: Readonly<Record<string, unknown>>
  /** What is said otherwise than a good one does: `{ aud: 'another-client' }`; undefined leaves a claim out. */
  deviations: Readonly<Record<string, unknown>>
  /** Who signs: the upstream, somebody else under its `kid`, nobody, or whoever knows our secret; or there is no ID token at all. */
  signedBy: 'upstream' | 'stranger' | 'nobody' | 'secret' | 'none'
  /** Signs the next one. */
  sign(now: UnixSeconds): Promise<string | undefined>
  /** Signs with another key from now on. */
  rotate(): void
  /** The key set of the moment. */
  jwks(): object
}

/** Makes the ID tokens of one trial. */
export function idTokensOf({ document, idToken, issuerOf }: OpenIdExample, clientId: string, clientSecret: string): IdTokens {
  let generation = 1
  let key = newKey()
  const tokens: IdTokens = {
    nonce: '',
    claims: idToken,
    deviations: {},
    signedBy: 'upstream',
    rotate() {
      generation += 1
      key = newKey()
    },
    jwks: () => ({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: `key-${generation}`, use: 'sig', alg: 'ES256' }] }),
    async sign(now) {
      const { claims, nonce, deviations, signedBy } = tokens
      if (signedBy === 'none') return undefined
      const ofTheProtocol = { iss: issuerOf?.(claims) ?? document.issuer, aud: clientId, iat: now, exp: now + 3600, nonce }
      const payload = Object.fromEntries(
        Object.entries({ ...claims, ...ofTheProtocol, ...deviations }).filter(([, value]) => value !== undefined),
      )
      if (signedBy === 'nobody') return new UnsecuredJWT(payload).encode()
      if (signedBy === 'secret') return signWith(createSecretKey(Buffer.from(clientSecret)), 'HS256', payload, 'key-1')
      return signWith(signedBy === 'stranger' ? newKey().privateKey : key.privateKey, 'ES256', payload, `key-${generation}`)
    },
  }
  return tokens
}

function newKey(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function signWith(key: KeyObject, alg: string, payload: Record<string, unknown>, kid: string): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg, kid, typ: 'JWT' }).sign(key)
}
