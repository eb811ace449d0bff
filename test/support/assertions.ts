import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type JWK, type JWTHeaderParameters, SignJWT } from 'jose'

/** A key pair of somebody who signs assertions. */
export interface Signer {
  readonly algorithm: string
  readonly key: KeyObject
  /** The public half. */
  readonly jwk: JWK
}

export type SignerAlgorithm = 'ES256' | 'EdDSA' | 'RS256' | 'PS256'

/** Makes a key pair; without a `kid`, as MCP's SDK signs. */
export function createSigner(algorithm: SignerAlgorithm = 'ES256', kid?: string): Signer {
  const pair =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : algorithm === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), ...(kid !== undefined && { kid }) }
  return { algorithm, key: pair.privateKey, jwk }
}

/** Signs claims; those that are undefined are left out. */
export function sign(
  { algorithm, key, jwk }: Signer,
  claims: Readonly<Record<string, unknown>>,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const sent = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
  return new SignJWT(sent).setProtectedHeader({ alg: algorithm, ...(jwk.kid !== undefined && { kid: jwk.kid }), ...header }).sign(key)
}

/** The type of a client's assertion (RFC 7523 §2.2). */
export const clientAssertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
