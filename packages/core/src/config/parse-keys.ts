import { parseSigningKey, type SigningKey } from '../tokens/keys.ts'
import type { OAuthProxyOptions } from './options.ts'

/** Parses the signing keys, the one that signs first. */
export function parseKeys(input: OAuthProxyOptions['jwtSigningKey'], problems: string[]): SigningKey[] {
  const inputs = Array.isArray(input) ? input : [input]
  if (inputs.length === 0 || inputs.some((key) => key === undefined || key === '')) {
    problems.push('jwtSigningKey is missing: "npm run keygen" prints one')
    return []
  }
  const keys = inputs.flatMap((key, index) => {
    try {
      return [parseSigningKey(key)]
    } catch (cause) {
      problems.push(
        `${inputs.length > 1 ? `jwtSigningKey[${index}]` : 'jwtSigningKey'} ${cause instanceof TypeError ? cause.message : 'cannot be read'}`,
      )
      return []
    }
  })
  if (new Set(keys.map((key) => key.kid)).size < keys.length) problems.push('jwtSigningKey lists two keys with the same "kid"')
  return keys
}
