import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import type { House } from './house.ts'

/** What a proof says, where it is to say something else than usual; undefined leaves a claim out. */
export interface ProofChanges {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

/** Where proofs are shown, and its clock. */
interface ProvenTo {
  readonly baseUrl: string
  readonly environment: Pick<House['environment'], 'now'>
}

/** A client's key, and proofs of it that a client library would make (RFC 9449 §4.2). */
export interface ProofKey {
  readonly thumbprint: string
  readonly publicJwk: JWK
  proof(method: string, url: string, changes?: ProofChanges): Promise<string>
  /** A proof for a call to the MCP endpoint with this access token. */
  proofWith(accessToken: string, changes?: ProofChanges): Promise<string>
  /** A proof for the token endpoint. */
  tokenProof(changes?: ProofChanges): Promise<string>
}

export async function openProofKey(house: ProvenTo, alg = 'ES256'): Promise<ProofKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  let made = 0
  const proof: ProofKey['proof'] = (method, url, { claims, header } = {}) => {
    made += 1
    const payload = { jti: `proof-${made}`, htm: method, htu: url, iat: house.environment.now(), ...claims }
    const all: JWTHeaderParameters = { typ: 'dpop+jwt', alg, jwk: publicJwk, ...header }
    return new SignJWT(payload).setProtectedHeader(all).sign(privateKey)
  }
  return {
    thumbprint: await calculateJwkThumbprint(publicJwk),
    publicJwk,
    proof,
    tokenProof: (changes) => proof('POST', `${house.baseUrl}/token`, changes),
    proofWith(accessToken, { claims, ...changes } = {}) {
      const ath = createHash('sha256').update(accessToken).digest('base64url')
      return proof('POST', `${house.baseUrl}/mcp`, { ...changes, claims: { ath, ...claims } })
    },
  }
}
