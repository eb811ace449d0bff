import type { CreatedInitialAccessToken, InitialAccessTokenOptions } from './clients/initial-access-tokens.ts'
import { type Config, parseConfig } from './config/config.ts'
import type { OAuthProxyOptions, SeveralUpstreams, SharedOptions } from './config/options.ts'
import { type AuthorizationServerMetadata, authorizationServerMetadata } from './discovery/authorization-server.ts'
import { emitTo } from './emit-to.ts'
import { type Front, openFront, requestIdOf } from './front.ts'
import type { ScopeChallengeHandler } from './gate/require-scopes.ts'
import { resourcesOf } from './gate/resources-of.ts'
import type { Handler } from './http/endpoint.ts'
import type { Peer } from './http/peer.ts'
import { type AuthenticateOptions, type McpAuth, selectResources, type VerifyOptions } from './mcp-auth.ts'
import { type RevokeTarget, revoke, rotateStorageKey } from './operator.ts'
import { type CurrentRequest, currentRequest } from './ports/current-request.ts'
import { type Environment, systemEnvironment } from './ports/environment.ts'
import type { Emit } from './ports/events.ts'
import { NoUpstream, type Upstream } from './ports/upstream.ts'
import { ConfigurationError } from './protocol/errors.ts'
import type { Resource } from './protocol/public-url.ts'
import type { Resealed } from './records/reseal.ts'
import { operationalRoutes, type Route, type RouteNeeds, wellKnownRoutes } from './routes.ts'
import type { UpstreamHandle } from './tokens/upstream-handle.ts'
import type { AuthInfo } from './tokens/verify-access-token.ts'
import { verifyAmongOthers } from './verifiers/ask-verifiers.ts'
import { directGrantTypes } from './wire-direct-grants.ts'
import { type Wired, wire } from './wiring.ts'

/**
 * The authorization server in front of one upstream, or of several. Everything it does is a method of this class; everything it is told
 * is in {@link OAuthProxyOptions}. Throws `ConfigurationError` with every problem of the options.
 */
export class OAuthProxy implements McpAuth {
  /** The authorization server metadata document (RFC 8414). */
  readonly oauthMetadata: AuthorizationServerMetadata
  readonly #config: Config
  readonly #environment: Environment
  readonly #emit: Emit
  readonly #wired: Wired
  readonly #current: CurrentRequest = currentRequest()
  readonly #front: Front
  readonly #handlers: ReadonlyMap<string, Handler>
  #closing = false

  constructor(options: OAuthProxyOptions, upstream: Upstream, environment?: Environment)
  constructor(options: SharedOptions, upstreams: SeveralUpstreams, environment?: Environment)
  constructor(options: SharedOptions, upstream: Upstream | SeveralUpstreams, environment = systemEnvironment()) {
    const config = parseConfig(options, upstream)
    this.#config = config
    this.#environment = environment
    this.#emit = emitTo(options.onEvent, { ...config, environment, current: this.#current })
    if (config.store.exposed !== undefined) this.#emit({ type: 'store.exposed', reason: config.store.exposed })
    this.#wired = wire(config, environment, this.#emit)
    this.#front = openFront({ ...config, environment, current: this.#current, emit: this.#emit })
    this.oauthMetadata = authorizationServerMetadata({ ...config, scopes: config.validScopes, directGrantTypes: directGrantTypes(config) })
    const operational = this.getRoutes().map(({ path, handler }): [string, Handler] => [`${config.basePath}${path}`, handler])
    const wellKnown = this.#wellKnownRoutes(config.resources).map(({ path, handler }): [string, Handler] => [path, handler])
    this.#handlers = new Map([...wellKnown, ...operational])
  }

  /** The MCP endpoints that tokens can be for, as configured. */
  get resources(): readonly [Resource, ...Resource[]] {
    return this.#config.resources
  }

  /** The path of `baseUrl`; empty at the root. */
  get basePath(): string {
    return this.#config.basePath
  }

  /** The operational endpoints. Paths are relative to the mount. Throws `ConfigurationError` for an MCP path that is not listed. */
  getRoutes(mcpPath?: string): Route[] {
    selectResources(this.resources, mcpPath)
    return this.#guarded(operationalRoutes(this.#routeNeeds(), this.#wired.handlers), this.basePath)
  }

  /** The documents that must sit at the origin's root; paths are absolute. Throws `ConfigurationError` for an MCP path that is not listed. */
  getWellKnownRoutes(mcpPath?: string): Route[] {
    return this.#wellKnownRoutes(selectResources(this.resources, mcpPath))
  }

  /** Answers a request to one of our endpoints, by its full public path, to the letter; undefined when it is not ours. */
  async fetch(request: Request, peer?: Peer): Promise<Response | undefined> {
    return this.#handlers.get(new URL(request.url).pathname)?.(request, peer)
  }

  /** Who calls the MCP endpoint; or the finished 400, 401, 403, 421 or 503. */
  async authenticate(
    request: Request,
    { mcpPath, scopes = this.#config.requiredScopes, toolScopes, verifiers }: AuthenticateOptions = {},
  ): Promise<AuthInfo | Response> {
    const selected = selectResources(this.resources, mcpPath)
    const gate = { ...resourcesOf(request, selected, this.#config.origin), scopes, toolScopes, verifiers }
    return this.#front.admit(request, gate.resources[0].path, () => this.#wired.authenticate(request, gate))
  }

  /**
   * Verifies a bearer token for any of our resources: the `OAuthTokenVerifier` of MCP's SDKs. Throws `OAuthError` `invalid_token`, also for every token that is
   * bound to a key: without the request there is no proof, so bound tokens are good at `authenticate` alone.
   */
  verifyAccessToken(token: string, { verifiers }: VerifyOptions = {}): Promise<AuthInfo> {
    const needs = { verify: this.#wired.verify, environment: this.#environment, emit: this.#emit }
    return verifyAmongOthers(needs, verifiers)(token, this.resources)
  }

  /**
   * What a tool, prompt or resource needs beside what every call needs: the `scopeChallenge` of MCP's SDK v2, which answers a call
   * of who lacks it with 403 and all of it. Throws a `TypeError` for no scope, or for what is none.
   */
  requireScopes(...scopes: readonly string[]): ScopeChallengeHandler {
    const judge = this.#wired.requireScopes(scopes)
    return (call) => this.#current.run(requestIdOf(call.authInfo), () => judge(call))
  }

  /** In a tool: the upstream in the name of the person who calls. Throws as `verifyAccessToken`, `UpstreamUnavailable`, `NoUpstream` where nobody logged in, and a `TypeError` for what is no AuthInfo of ours. */
  async upstream(authInfo: { readonly extra?: Record<string, unknown> | undefined }): Promise<UpstreamHandle> {
    const grantId = authInfo.extra?.grantId
    if (typeof grantId !== 'string' && typeof authInfo.extra?.subject === 'string') throw new NoUpstream()
    if (typeof grantId !== 'string') throw new TypeError('This is not an AuthInfo that authenticate() or verifyAccessToken() made.')
    return this.#current.run(requestIdOf(authInfo), () => this.#wired.upstreamOf(grantId))
  }

  /** Ends grants, and tells the upstream, or ends an initial access token; answers how many there were. Rejects with `StoreUnavailable` when not all could be ended: call it again. */
  revoke(target: RevokeTarget): Promise<number> {
    return revoke(this.#wired, target)
  }

  /**
   * Seals again what an older storage key sealed, for the moment when that key is to go: every client and grant. Requests are served meanwhile, and where two hosts do it, each does some.
   * Rejects with `StoreUnavailable`, and then it can be called again; throws a `TypeError` over a store without a directory, or one that is not sealed.
   */
  rotateStorageKey(): Promise<Resealed> {
    return rotateStorageKey(this.#wired, this.#config)
  }

  /**
   * Makes a token with which somebody may register, once or as often as `uses` says. It is shown this once. Throws `ConfigurationError` where registration asks for
   * none, and a `TypeError` for a lifetime or a number of uses that is not a whole number above 0.
   */
  async createInitialAccessToken(options: InitialAccessTokenOptions): Promise<CreatedInitialAccessToken> {
    if (this.#config.registration.initialAccessToken) return this.#wired.initialAccessTokens.create(options)
    throw new ConfigurationError(['registration asks for no initial access token: clients: { registration: { initialAccessToken: true } }'])
  }

  /**
   * Whether the store can be reached, is ours, and can be relied on: call it at the start and for readiness. Rejects with `StoreUnavailable`, also while the
   * clocks of this host and of the store are 30 s apart, or `ConfigurationError` when another key sealed the store, another issuer owns it, or, at the start
   * of a public server, it is set up so that it loses records; and once `close` was called.
   */
  async ready(): Promise<void> {
    if (this.#closing) throw new Error('The server is closing.')
    this.#wired.prepare()
    const { deployment, storeWatch } = this.#wired.records
    await deployment.check()
    await storeWatch.check()
  }

  /** Waits for the work that goes on beside requests; call it after the last request, before the process ends. From then on `ready` rejects. */
  close(): Promise<void> {
    this.#closing = true
    return this.#environment.drain()
  }

  #wellKnownRoutes(resources: readonly Resource[]): Route[] {
    return this.#guarded(wellKnownRoutes(this.#routeNeeds(), resources), '')
  }

  #guarded(routes: readonly Route[], below: string): Route[] {
    return routes.map((route) => ({ ...route, handler: this.#front.guard(route.handler, `${below}${route.path}`) }))
  }

  #routeNeeds(): RouteNeeds {
    return { config: this.#config, oauthMetadata: this.oauthMetadata, environment: this.#environment, emit: this.#emit }
  }
}
