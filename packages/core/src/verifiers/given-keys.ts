import { createPublicKey, type KeyObject } from 'node:crypto'
import { type PublicJwk, parseJwkSet, publicJwkShape } from '../protocol/jwk-set.ts'

/** Public keys that the operator gives: a JWK set (RFC 7517 §5), or PEM. */
export type GivenKeys = string | readonly string[] | { readonly keys: readonly object[] }

/** Parses given keys; adds to `problems` what is wrong with them, and never a key. */
export function parseGivenKeys(given: GivenKeys, problems: string[]): readonly PublicJwk[] {
  const isPem = typeof given === 'string' || Array.isArray(given)
  const keys = isPem ? [given].flat().map((pem) => parsePem(pem, problems)) : parseJwkSet(given)
  if (!keys || keys.length === 0) problems.push('keys are not a set of public keys: { keys: [...] } as at a JWKS URL, or PEM')
  return (keys ?? []).flatMap((key) => key ?? [])
}

function parsePem(pem: unknown, problems: string[]): PublicJwk | undefined {
  const key = readPem(pem)
  const jwk = key && publicJwkShape.safeParse(key.export({ format: 'jwk' })).data
  if (!jwk) problems.push('keys has a text that is not a public key in PEM')
  else if ((key.asymmetricKeyDetails?.modulusLength ?? 2048) < 2048) problems.push('keys has an RSA key of less than 2048 bits')
  return jwk
}

// A private key would be read as its public half: whoever hands that out has to be told.
function readPem(pem: unknown): KeyObject | undefined {
  if (typeof pem !== 'string' || pem.includes('PRIVATE')) return undefined
  try {
    return createPublicKey(pem)
  } catch {
    return undefined
  }
}
