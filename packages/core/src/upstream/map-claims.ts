import type { Identified } from '../ports/upstream.ts'

/** Claims that the operator wants tools to see, by their names: each is a member of what the upstream says, or a path to one. */
export type ClaimsMap = Readonly<Record<string, string>>

/** A list of some roles fits, and not one of a thousand groups: it is kept with every grant (ours). */
const claimLimit = 1024

/** Adds the operator's claims to the provider's. What the upstream does not say, or says in more than 1024 characters of JSON, is left out. */
export function mapClaims(identity: Identified, map: ClaimsMap = {}): Identified {
  const { said = {} } = identity
  const mapped = Object.entries(map).flatMap(([name, path]) => {
    const value = find(said, path)
    return value == null || JSON.stringify(value).length > claimLimit ? [] : [[name, value]]
  })
  return mapped.length === 0 ? identity : { ...identity, claims: { ...identity.claims, ...Object.fromEntries(mapped) } }
}

// Names of claims are URLs at some upstreams, and have dots in them: the whole name comes first.
function find(said: unknown, path: string): unknown {
  if (typeof said !== 'object' || said === null) return undefined
  if (Object.hasOwn(said, path)) return Reflect.get(said, path)
  const dot = path.indexOf('.')
  const head = path.slice(0, dot)
  return dot > 0 && Object.hasOwn(said, head) ? find(Reflect.get(said, head), path.slice(dot + 1)) : undefined
}
