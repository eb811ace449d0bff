import { z } from 'zod'
import { parseScope } from '../protocol/scope.ts'

/** What an identity assertion grants, as its issuer said it. */
export interface IdJag {
  readonly clientId: string
  readonly resource: string
  /** Absent when the issuer sets no limit. */
  readonly scopes?: readonly string[]
}

/** The `typ` of an identity assertion (Identity Assertion JWT Authorization Grant §3). */
export const idJagType = 'oauth-id-jag+jwt'

const oneText = z.union([z.string(), z.tuple([z.string()]).transform(([text]) => text)])
const claimsShape = z.object({
  client_id: z.string(),
  resource: oneText,
  scope: z.string().optional(),
  // Without it nobody could tell how old the answer of the issuer is (§3.1).
  iat: z.number(),
})

/** Parses the claims of an identity assertion that was verified (§3.1); undefined when one is missing or not of its kind. */
export function parseIdJag(claims: unknown): IdJag | undefined {
  const { data } = claimsShape.safeParse(claims)
  const scopes = data?.scope === undefined ? undefined : parseScope(data.scope)
  if (!data || (data.scope !== undefined && !scopes)) return undefined
  return { clientId: data.client_id, resource: data.resource, ...(scopes && { scopes }) }
}
