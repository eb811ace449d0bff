import type { ScopeChallengeHandler } from './gate/require-scopes.ts'
import type { Peer } from './http/peer.ts'
import type { AuthenticateOptions, McpAuth, VerifyOptions } from './mcp-auth.ts'
import type { TokenVerifier } from './ports/token-verifier.ts'
import { ConfigurationError } from './protocol/errors.ts'
import type { Resource } from './protocol/public-url.ts'
import type { Route } from './routes.ts'
import type { AuthInfo } from './tokens/verify-access-token.ts'

/** Whose tokens are taken. */
export interface MultiAuthOptions {
  /** Serves its endpoints and documents, is asked first about every token, and is what clients are sent to: an `OAuthProxy`, or a `RemoteAuthProvider`. */
  readonly auth: McpAuth
  /** Asked in order about a token that is none of its own. */
  readonly verifiers: readonly TokenVerifier[]
}

/**
 * One auth that takes tokens of others beside its own: machines with static tokens beside people who log in, for instance. Whoever owns a token decides; where one
 * that might own it cannot be asked, the answer is 503. Throws `ConfigurationError` where there is no other.
 */
export class MultiAuth implements McpAuth {
  readonly #auth: McpAuth
  readonly #verifiers: readonly TokenVerifier[]

  constructor({ auth, verifiers }: MultiAuthOptions) {
    if (verifiers.length === 0) throw new ConfigurationError(['MultiAuth: there are no verifiers beside auth'])
    this.#auth = auth
    this.#verifiers = verifiers
  }

  get resources(): readonly [Resource, ...Resource[]] {
    return this.#auth.resources
  }

  get basePath(): string {
    return this.#auth.basePath
  }

  getRoutes(mcpPath?: string): Route[] {
    return this.#auth.getRoutes(mcpPath)
  }

  getWellKnownRoutes(mcpPath?: string): Route[] {
    return this.#auth.getWellKnownRoutes(mcpPath)
  }

  fetch(request: Request, peer?: Peer): Promise<Response | undefined> {
    return this.#auth.fetch(request, peer)
  }

  authenticate(request: Request, options: AuthenticateOptions = {}): Promise<AuthInfo | Response> {
    return this.#auth.authenticate(request, { ...options, ...this.#withOthers(options) })
  }

  verifyAccessToken(token: string, options: VerifyOptions = {}): Promise<AuthInfo> {
    return this.#auth.verifyAccessToken(token, this.#withOthers(options))
  }

  requireScopes(...scopes: readonly string[]): ScopeChallengeHandler {
    return this.#auth.requireScopes(...scopes)
  }

  ready(): Promise<void> {
    return this.#auth.ready()
  }

  close(): Promise<void> {
    return this.#auth.close()
  }

  #withOthers({ verifiers = [] }: VerifyOptions): VerifyOptions {
    return { verifiers: [...this.#verifiers, ...verifiers] }
  }
}
