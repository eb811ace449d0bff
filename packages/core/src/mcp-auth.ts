import type { ScopeChallengeHandler } from './gate/require-scopes.ts'
import type { ToolScopes } from './gate/scopes-of-calls.ts'
import type { Peer } from './http/peer.ts'
import type { TokenVerifier } from './ports/token-verifier.ts'
import { ConfigurationError } from './protocol/errors.ts'
import type { Resource } from './protocol/public-url.ts'
import type { Route } from './routes.ts'
import type { AuthInfo } from './tokens/verify-access-token.ts'

/** Who else is asked about a token. */
export interface VerifyOptions {
  /** Asked in order about a token that is none of this server's own; {@link MultiAuth} says it for every call. Default: none. */
  readonly verifiers?: readonly TokenVerifier[]
}

/** What a request to the MCP endpoint must bring. */
export interface AuthenticateOptions extends VerifyOptions {
  /** Which of the listed MCP paths this is. Default: the one the request is for, else any listed one. */
  readonly mcpPath?: string
  /** The scopes the token needs. Default: `requiredScopes`. */
  readonly scopes?: readonly string[]
  /** What tools need beside, by name: `{ delete_repo: ['repo'] }`. The body is read for it, whatever the MCP server is. Default: none. */
  readonly toolScopes?: ToolScopes
}

/**
 * What plugs into an MCP server: the gate in front of its endpoint, and whatever has to be served beside it. `OAuthProxy` issues tokens itself, `RemoteAuthProvider` takes those of
 * another authorization server, and `MultiAuth` is one of them that takes others' tokens too. Every adapter takes any of them.
 */
export interface McpAuth {
  /** The MCP endpoints that tokens can be for, as configured. */
  readonly resources: readonly [Resource, ...Resource[]]
  /** The path of `baseUrl`; empty at the root. */
  readonly basePath: string
  /** The operational endpoints. Paths are relative to the mount. Throws `ConfigurationError` for an MCP path that is not listed. */
  getRoutes(mcpPath?: string): Route[]
  /** The documents that must sit at the origin's root; paths are absolute. Throws `ConfigurationError` for an MCP path that is not listed. */
  getWellKnownRoutes(mcpPath?: string): Route[]
  /** Answers a request to one of our endpoints, by its full public path, to the letter; undefined when it is not ours. */
  fetch(request: Request, peer?: Peer): Promise<Response | undefined>
  /** Who calls the MCP endpoint; or the finished 400, 401, 403, 421 or 503. */
  authenticate(request: Request, options?: AuthenticateOptions): Promise<AuthInfo | Response>
  /** Verifies a bearer token for any of our resources: the `OAuthTokenVerifier` of MCP's SDKs. Throws `OAuthError` `invalid_token`. */
  verifyAccessToken(token: string, options?: VerifyOptions): Promise<AuthInfo>
  /** What a tool, prompt or resource needs beside what every call needs: the `scopeChallenge` of MCP's SDK v2. */
  requireScopes(...scopes: readonly string[]): ScopeChallengeHandler
  /** Whether requests can be served: for the start, and for readiness. Rejects once `close` was called. */
  ready(): Promise<void>
  /** Waits for the work that goes on beside requests; from then on `ready` rejects. */
  close(): Promise<void>
}

/** The resources at an MCP path, or all of them. Throws `ConfigurationError` for a path that is not listed. */
export function selectResources(
  resources: readonly [Resource, ...Resource[]],
  mcpPath: string | undefined,
): readonly [Resource, ...Resource[]] {
  if (mcpPath === undefined) return resources
  const resource = resources.find((candidate) => candidate.mcpPath === mcpPath)
  if (resource) return [resource]
  const listed = resources.map((candidate) => candidate.mcpPath).join(', ')
  throw new ConfigurationError([`mcpPath '${mcpPath}' is not listed: the option mcpPath has ${listed}`])
}
