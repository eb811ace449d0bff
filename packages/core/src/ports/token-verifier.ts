import type { UnixSeconds } from '../protocol/time.ts'
import type { Environment } from './environment.ts'
import type { Emit } from './events.ts'

/** An access token of another issuer that was found good, for one of the resources asked about. */
export interface VerifiedToken {
  /** The stable id of whom it acts for, by its issuer. */
  readonly subject: string
  /** The client it was given to. */
  readonly clientId: string
  readonly scopes: readonly string[]
  /** When it ends; absent where the issuer does not say. */
  readonly expiresAt?: UnixSeconds
  /** Who issued it, where that has a name: the same subject of two issuers is two people. */
  readonly issuer?: string
  /** The one of the resources asked about that it names; absent where it names none of them and is good all the same. Default: the first. */
  readonly resource?: string
  /** What tools see of it: the claims of the token, or of the answer about it. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** What a verifier is told with a token: what it is shown for, and how to reach the world. */
export interface VerifierCall {
  /** The resources of ours that the token may be for, as canonical URIs; which one is meant depends on the request. */
  readonly resources: readonly [string, ...string[]]
  readonly environment: Environment
  readonly emit: Emit
}

/** Verifies access tokens that others issued. It belongs to one server: what it keeps in memory, and tells as events, is that server's. */
export interface TokenVerifier {
  /**
   * Answers what a good token says, and undefined for a token that is none of its issuer's, which another verifier may know. Rejects with `OAuthError`
   * `invalid_token` when the token is of its issuer and not good, or not for these resources; that is final. Any other error is trouble, which is answered 503
   * or 500 and never taken for a no (invariant I6).
   */
  verify(token: string, call: VerifierCall): Promise<VerifiedToken | undefined>
}
