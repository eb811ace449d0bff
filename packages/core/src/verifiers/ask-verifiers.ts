import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import type { TokenVerifier, VerifiedToken } from '../ports/token-verifier.ts'
import { invalidToken, OAuthError } from '../protocol/errors.ts'
import type { Seconds } from '../protocol/time.ts'
import type { AuthInfo, TokenResource, VerifyAccessToken } from '../tokens/verify-access-token.ts'

/** What asking needs. */
export interface AskNeeds {
  readonly environment: Environment
  readonly emit: Emit
}

/** The reason for a token that nobody here has issued: by it others are asked. */
const notOurs = 'token_not_ours'

/** A token without an end is asked about again at each call; MCP's SDKs want a number, and keep it for no longer than the request (ours). */
const withoutEnd: Seconds = 60

/** Verifies tokens of others: whoever owns one decides. Throws `invalid_token` for a token that is nobody's. */
export function verifyByVerifiers(verifiers: readonly TokenVerifier[], needs: AskNeeds): VerifyAccessToken {
  return (token, resources) =>
    askInOrder(
      verifiers.map((verifier) => asking(verifier, needs)),
      token,
      resources,
    )
}

/** Verifies tokens of this server by `verify`, and those that are none of its own by `verifiers`. */
export function verifyAmongOthers(
  { verify, ...needs }: AskNeeds & { readonly verify: VerifyAccessToken },
  verifiers: readonly TokenVerifier[] = [],
): VerifyAccessToken {
  if (verifiers.length === 0) return verify
  return (token, resources, proof) => {
    const own: Ask = () => verify(token, resources, proof).catch(undefinedIfNotOurs)
    // A proof is of a token of ours, and nobody else could judge it.
    return askInOrder([own, ...(proof ? [] : verifiers.map((verifier) => asking(verifier, needs)))], token, resources)
  }
}

/** Says who calls; undefined for a token that is none of its own. Rejects with `invalid_token`, which is final, or with trouble. */
type Ask = (token: string, resources: readonly TokenResource[]) => Promise<AuthInfo | undefined>

// Whoever owns the token decides, and nobody is asked after them: an expired token of ours is not shown to somebody else. One that has trouble leaves the
// question open, so that when no other owns the token the trouble is the answer, and never a no (invariant I6).
async function askInOrder(asked: readonly Ask[], token: string, resources: readonly TokenResource[]): Promise<AuthInfo> {
  const trouble: unknown[] = []
  for (const ask of asked) {
    try {
      const info = await ask(token, resources)
      if (info) return info
    } catch (cause) {
      if (cause instanceof OAuthError && cause.code === 'invalid_token') throw cause
      trouble.push(cause)
    }
  }
  if (trouble.length > 0) throw trouble[0]
  throw invalidToken('The access token is invalid or has expired.', notOurs)
}

function undefinedIfNotOurs(cause: unknown): undefined {
  if (cause instanceof OAuthError && cause.reason === notOurs) return undefined
  throw cause
}

function asking(verifier: TokenVerifier, needs: AskNeeds): Ask {
  return async (token, resources) => {
    const [first, ...others] = resources.map(({ uri }) => uri)
    if (first === undefined) return undefined
    const verified = await verifier.verify(token, { resources: [first, ...others], ...needs })
    return verified && describe(token, verified, resources, needs.environment)
  }
}

function describe(
  token: string,
  verified: VerifiedToken,
  resources: readonly TokenResource[],
  { now }: Pick<Environment, 'now'>,
): AuthInfo | undefined {
  const resource = resources.find(({ uri }) => uri === verified.resource) ?? resources[0]
  if (!resource) return undefined
  const { subject, clientId, scopes, expiresAt, issuer, claims } = verified
  const { uri, metadataUrl } = resource
  return {
    token,
    clientId,
    scopes: [...scopes],
    expiresAt: expiresAt ?? now() + withoutEnd,
    resource: new URL(uri),
    ...(metadataUrl !== undefined && { resourceMetadataUrl: metadataUrl }),
    extra: { subject, identity: { subject, claims }, ...(issuer !== undefined && { issuer }) },
  }
}
