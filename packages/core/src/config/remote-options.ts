import type { RecordedEvent } from '../ports/events.ts'
import type { TokenVerifier } from '../ports/token-verifier.ts'
import type { IncludedScopes } from '../protocol/scope-hierarchy.ts'
import type { ObservabilityOptions } from './options.ts'

/** The options of an MCP server that takes the tokens of another authorization server, but for that server itself. */
export interface RemoteServerOptions {
  /** Where this server is, as clients see it, mount prefix included. https, or http on loopback. */
  readonly baseUrl: string
  /** Where the MCP endpoints are, below `baseUrl` and without its path. Each is a resource of its own. Default: `/mcp`. */
  readonly mcpPath?: string | readonly string[]
  /** The scopes a token needs on the MCP endpoint, and what clients are told to ask for. Default: none. */
  readonly requiredScopes?: readonly string[]
  /** Scopes that a scope includes, at any depth: `{ admin: ['read', 'write'] }`. Default: none includes another. */
  readonly includedScopes?: IncludedScopes
  /** What people know this MCP server as: `resource_name` of its metadata. Default: the host of `baseUrl`. */
  readonly serverName?: string
  /**
   * Serves the authorization server's own metadata at our well-known path too, word for word, for clients that look nowhere else (MCP 2025-03-26). It is fetched from there, the last good answer is kept,
   * and until there was one the answer is 503. Default: false.
   */
  readonly forwardMetadata?: boolean
  /** Is told what happens, without secrets. Never awaited; what it throws is dropped. Default: nobody is told. */
  readonly onEvent?: (event: RecordedEvent) => void
  readonly observability?: ObservabilityOptions
}

/** The options of {@link RemoteAuthProvider}. */
export interface RemoteAuthOptions extends RemoteServerOptions {
  /** The issuers that give tokens for this server, to the letter: clients find their metadata by it, and compare. The first one is whose metadata is forwarded. */
  readonly authorizationServers: string | readonly string[]
  /** What tells a good token. */
  readonly verifier: TokenVerifier
}
