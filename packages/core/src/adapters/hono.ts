import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { cloneRawRequest } from 'hono/request'
import { z } from 'zod'
import type { ToolScopes } from '../gate/scopes-of-calls.ts'
import type { Peer } from '../http/peer.ts'
import { requestIdHeader } from '../http/request-ids.ts'
import type { AuthenticateOptions, McpAuth } from '../mcp-auth.ts'
import type { AuthInfo } from '../tokens/verify-access-token.ts'
import { type McpCorsOptions, mcpCors } from './mcp-cors.ts'
import { withoutSessions, withSessions } from './mcp-sessions.ts'
import { requireMcpPath } from './require-mcp-path.ts'

/** An MCP server on web types: `createMcpHandler(...)` of MCP's SDK v2 is one. */
export interface McpFetch {
  fetch(request: Request, options: { authInfo: AuthInfo }): Response | Promise<Response>
}

/** A whole application: our endpoints, and an MCP server behind the gate. */
export interface McpAppOptions {
  readonly auth: McpAuth
  readonly mcp: McpFetch
  /**
   * `process`: `mcp` keeps sessions (`mcp-session-id`) in this process. They then need sticky routing: the balancer has to send
   * every request with that header to the worker that began the session, and whoever loses the worker loses the session. Each is
   * bound to the person and client that began it. Default: none. Any worker answers any request, and nothing is lost with one;
   * an `mcp` that begins a session all the same is answered 500. `createMcpHandler(...)` has no sessions.
   */
  readonly sessions?: 'process'
  /** Which of the configured MCP paths `mcp` serves. Default: the first. */
  readonly mcpPath?: string
  /** The scopes a call needs. Default: `requiredScopes`. */
  readonly scopes?: readonly string[]
  /** What tools need beside, by name: `{ delete_repo: ['repo'] }`. Works for every MCP server; one on SDK v2 can say it at the tool, by `auth.requireScopes(...)`. */
  readonly toolScopes?: ToolScopes
  /** Adds `/health` (the process is up) and `/ready` (the store can be reached, and `serve` was not asked to end) below `baseUrl`. */
  readonly health?: boolean
  /** Who may call the MCP endpoint from a browser. */
  readonly cors?: McpCorsOptions
  /** Runs before everything else. */
  readonly middleware?: readonly MiddlewareHandler[]
}

/**
 * The application in one call. Throws `ConfigurationError` for an `mcpPath` that is not listed. It answers full public paths, so it can be served as it is or mounted with `app.route(...)` at
 * any depth; what is not its own it leaves to the application around it.
 */
export function mcpApp({
  auth,
  mcp,
  sessions,
  mcpPath,
  scopes,
  toolScopes,
  health = false,
  cors = {},
  middleware = [],
}: McpAppOptions): Hono {
  const app = new Hono()
  auth.getRoutes(mcpPath) // throws for a path that is not listed
  const resource = auth.resources.find((candidate) => candidate.mcpPath === mcpPath) ?? auth.resources[0]
  for (const handler of middleware) app.use('*', handler)
  if (health) app.use('*', healthRoutes(auth))
  app.use('*', authRoutes(auth))
  const server = sessions === 'process' ? withSessions(mcp) : withoutSessions(mcp)
  const gated = new Hono()
  gated.use('*', mcpCors(resource.uri, cors))
  gated.all('*', async (context) => {
    const who = await auth.authenticate(context.req.raw, {
      mcpPath: resource.mcpPath,
      ...(scopes && { scopes }),
      ...(toolScopes && { toolScopes }),
    })
    if (who instanceof Response) return who
    nameAnswer(context, who)
    return server.fetch(context.req.raw, { authInfo: who })
  })
  app.use('*', async (context, next) => {
    // One slash more is the same endpoint and no redirect: clients lose their body on one.
    const path = new URL(context.req.raw.url).pathname
    if (path === resource.path || path === `${resource.path}/`) return gated.fetch(context.req.raw, context.env)
    return next()
  })
  return app
}

/** Our endpoints, all of them, by their full public path; anything else goes on to the next handler. */
export function authRoutes(auth: McpAuth): MiddlewareHandler {
  return async (context, next) => (await auth.fetch(context.req.raw, peerOf(context.env))) ?? next()
}

/** The documents that must sit at the origin's root, for an application that mounts the rest deeper. */
export function wellKnownRoutes(auth: McpAuth): Hono {
  const app = new Hono()
  for (const { method, path, handler } of auth.getWellKnownRoutes())
    app.on(method, path, (context) => handler(context.req.raw, peerOf(context.env)))
  return app
}

/**
 * The bearer gate as a middleware; the handler behind it finds who calls in `context.get('auth')`. Throws `ConfigurationError` for an
 * `mcpPath` that is not listed, and where several are listed and none is given.
 */
export function requireAuth(auth: McpAuth, options: AuthenticateOptions = {}): MiddlewareHandler<{ Variables: { auth: AuthInfo } }> {
  requireMcpPath(auth, options)
  return async (context, next) => {
    // A middleware before us may have read the body, which Hono then keeps.
    const isRead = options.toolScopes && context.req.raw.bodyUsed
    const who = await auth.authenticate(isRead ? await cloneRawRequest(context.req) : context.req.raw, options)
    if (who instanceof Response) return who
    context.set('auth', who)
    nameAnswer(context, who)
    return next()
  }
}

// The answer is the MCP server's, and says all the same which request it is of.
function nameAnswer({ res }: Context, { extra: { requestId } }: AuthInfo): void {
  if (requestId !== undefined) res.headers.set(requestIdHeader, requestId)
}

/** Gives a handler the full public path back where a framework strips the mount prefix, as `app.mount(...)` does. */
export function withPrefix<Rest extends unknown[], Result>(
  prefix: string,
  handler: (request: Request, ...rest: Rest) => Result,
): (request: Request, ...rest: Rest) => Result {
  return (request, ...rest) => {
    const url = new URL(request.url)
    url.pathname = `${prefix}${url.pathname}`
    return handler(new Request(url, request), ...rest)
  }
}

// On Node the adapter's bindings hold the request as it came in; other hosts do not tell who is at the other end.
function peerOf(env: unknown): Peer {
  const bindings = nodeBindings.safeParse(env)
  return bindings.success ? { address: bindings.data.incoming.socket.remoteAddress } : {}
}

// From `serve`, as long as it still serves.
const stoppingBindings = z.object({ stopping: z.literal(true) })

const nodeBindings = z.object({ incoming: z.object({ socket: z.object({ remoteAddress: z.string() }) }) })

function healthRoutes(auth: McpAuth): MiddlewareHandler {
  return async (context, next) => {
    const path = new URL(context.req.raw.url).pathname
    if (context.req.method !== 'GET') return next()
    if (path === `${auth.basePath}/health`) return context.json({ status: 'up' })
    if (path !== `${auth.basePath}/ready`) return next()
    if (stoppingBindings.safeParse(context.env).success) return context.json({ status: 'stopping' }, 503)
    return auth.ready().then(
      () => context.json({ status: 'ready' }),
      () => context.json({ status: 'not ready' }, 503),
    )
  }
}
