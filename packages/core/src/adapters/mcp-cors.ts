import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { isLoopbackHost } from '../protocol/public-url.ts'

/** Who may call the MCP endpoint from a browser. */
export interface McpCorsOptions {
  /** The origins that may. Default: any where the server is public; only pages on loopback where it is on loopback. */
  readonly origins?: readonly string[]
}

/**
 * CORS for the MCP endpoint, and the check of `Origin` that MCP's transport asks for: a page elsewhere that has a name
 * resolve to this machine is refused with 403 (threat T84). Callers that are not browsers send no `Origin`.
 */
export function mcpCors(resource: string, { origins }: McpCorsOptions): MiddlewareHandler {
  const onLoopback = isOnLoopback(resource)
  const isAllowed = (origin: string): boolean => (origins ? origins.includes(origin) : !onLoopback || isOnLoopback(origin))
  const answer = cors({
    origin: (origin) => (isAllowed(origin) ? origin : undefined),
    allowMethods: ['GET', 'POST', 'DELETE'],
    allowHeaders: [
      'authorization',
      'dpop',
      'content-type',
      'accept',
      'mcp-protocol-version',
      'mcp-session-id',
      'mcp-method',
      'mcp-name',
      'last-event-id',
    ],
    exposeHeaders: ['mcp-session-id', 'mcp-protocol-version', 'www-authenticate', 'dpop-nonce', 'x-request-id'],
    maxAge: 600,
  })
  return async (context, next) => {
    const origin = context.req.header('origin')
    if (origin !== undefined && !isAllowed(origin))
      return context.json({ error: 'access_denied', error_description: 'This origin may not call here.' }, 403)
    return answer(context, next)
  }
}

function isOnLoopback(url: string): boolean {
  return URL.canParse(url) && isLoopbackHost(new URL(url).hostname)
}
