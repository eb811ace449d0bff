import { parseRemoteOptions, type RemoteConfig } from './config/parse-remote-options.ts'
import type { RemoteAuthOptions } from './config/remote-options.ts'
import { emitTo } from './emit-to.ts'
import { type Front, openFront, requestIdOf } from './front.ts'
import { type Authenticate, authenticate } from './gate/authenticate.ts'
import { requireScopes, type ScopeChallengeHandler } from './gate/require-scopes.ts'
import { resourcesOf } from './gate/resources-of.ts'
import type { Handler } from './http/endpoint.ts'
import type { Peer } from './http/peer.ts'
import { type AuthenticateOptions, type McpAuth, selectResources, type VerifyOptions } from './mcp-auth.ts'
import { type CurrentRequest, currentRequest } from './ports/current-request.ts'
import { type Environment, systemEnvironment } from './ports/environment.ts'
import type { Emit } from './ports/events.ts'
import type { Resource } from './protocol/public-url.ts'
import { forwardedRoutes, type Route, resourceRoutes } from './routes.ts'
import type { AuthInfo, VerifyAccessToken } from './tokens/verify-access-token.ts'
import { verifyAmongOthers, verifyByVerifiers } from './verifiers/ask-verifiers.ts'

/**
 * An MCP server as a pure resource server (RFC 9728): clients register and log in at another authorization server, and come here with its tokens. It has no store and no key of its own, and any
 * number of hosts need not know of each other. Throws `ConfigurationError` with every problem of the options.
 */
export class RemoteAuthProvider implements McpAuth {
  readonly #config: RemoteConfig
  readonly #environment: Environment
  readonly #emit: Emit
  readonly #current: CurrentRequest = currentRequest()
  readonly #front: Front
  readonly #verify: VerifyAccessToken
  readonly #authenticate: Authenticate
  readonly #wellKnown: readonly Route[]
  readonly #handlers: ReadonlyMap<string, Handler>
  #closing = false

  constructor(options: RemoteAuthOptions, environment: Environment = systemEnvironment()) {
    const config = parseRemoteOptions(options)
    this.#config = config
    this.#environment = environment
    this.#emit = emitTo(options.onEvent, { ...config, environment, current: this.#current })
    const needs = { environment, emit: this.#emit }
    this.#front = openFront({ ...config, ...needs, current: this.#current })
    this.#verify = verifyByVerifiers([config.verifier], needs)
    this.#authenticate = authenticate({ ...config, ...needs, verify: this.#verify, proofs: undefined })
    this.#wellKnown = config.forwardMetadata ? this.#guarded(forwardedRoutes(config, needs)) : []
    this.#handlers = new Map(this.getWellKnownRoutes().map(({ path, handler }): [string, Handler] => [path, handler]))
  }

  get resources(): readonly [Resource, ...Resource[]] {
    return this.#config.resources
  }

  get basePath(): string {
    return this.#config.basePath
  }

  /** None: a resource server has no endpoints but its documents. Throws `ConfigurationError` for an MCP path that is not listed. */
  getRoutes(mcpPath?: string): Route[] {
    selectResources(this.resources, mcpPath)
    return []
  }

  getWellKnownRoutes(mcpPath?: string): Route[] {
    const needs = { environment: this.#environment, emit: this.#emit }
    const selected = selectResources(this.resources, mcpPath)
    const documents = selected.flatMap((resource) => resourceRoutes({ ...this.#config, dpop: undefined }, resource, needs))
    return [...this.#guarded(documents), ...this.#wellKnown]
  }

  async fetch(request: Request, peer?: Peer): Promise<Response | undefined> {
    return this.#handlers.get(new URL(request.url).pathname)?.(request, peer)
  }

  async authenticate(
    request: Request,
    { mcpPath, scopes = this.#config.requiredScopes, toolScopes, verifiers }: AuthenticateOptions = {},
  ): Promise<AuthInfo | Response> {
    const selected = selectResources(this.resources, mcpPath)
    const gate = { ...resourcesOf(request, selected, this.#config.origin), scopes, toolScopes, verifiers }
    return this.#front.admit(request, gate.resources[0].path, () => this.#authenticate(request, gate))
  }

  verifyAccessToken(token: string, { verifiers }: VerifyOptions = {}): Promise<AuthInfo> {
    const needs = { verify: this.#verify, environment: this.#environment, emit: this.#emit }
    return verifyAmongOthers(needs, verifiers)(token, this.resources)
  }

  requireScopes(...scopes: readonly string[]): ScopeChallengeHandler {
    const judge = requireScopes({ ...this.#config, emit: this.#emit }, scopes)
    return (call) => this.#current.run(requestIdOf(call.authInfo), () => judge(call))
  }

  /** Resolves until `close` was called. Whether the authorization server can be reached is another matter: its keys are kept, and a server that is ready answers 503 while it has none. */
  async ready(): Promise<void> {
    if (this.#closing) throw new Error('The server is closing.')
  }

  close(): Promise<void> {
    this.#closing = true
    return this.#environment.drain()
  }

  #guarded(routes: readonly Route[]): Route[] {
    return routes.map((route) => ({ ...route, handler: this.#front.guard(route.handler, route.path) }))
  }
}
