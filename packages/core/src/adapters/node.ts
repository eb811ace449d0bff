import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Peer } from '../http/peer.ts'
import { requestIdHeader } from '../http/request-ids.ts'
import type { AuthenticateOptions, McpAuth } from '../mcp-auth.ts'

import { requireMcpPath } from './require-mcp-path.ts'

export { type ServeBindings, type Served, type ServeOptions, serve } from './serve.ts'
export type { ServeLimits } from './serve-limits.ts'

/**
 * What frameworks on `node:http` add to a request: the path before they stripped a prefix, and a body they have read. `auth` is
 * whatever they declare it to be: MCP's SDK gives Express's request one of its own type.
 */
export type NodeRequest = IncomingMessage & { originalUrl?: string | undefined; body?: unknown; auth?: unknown }

/** A handler of `node:http`, Express and Connect. */
export type NodeHandler = (request: NodeRequest, response: ServerResponse, next?: (error?: unknown) => void) => void

/**
 * Our endpoints as a `node:http` handler and as middleware of Express, at the root or under a prefix. What is not ours goes to
 * `next`, or is answered 404. A body that a parser has read before us is taken from `request.body`.
 */
export function nodeHandler(auth: McpAuth): NodeHandler {
  return (request, response, next) =>
    run(request, response, next, async (webRequest) => (await auth.fetch(webRequest, peerOf(request))) ?? 'next')
}

/**
 * The bearer gate as middleware: who calls is in `request.auth`, where MCP's SDK looks for it. With `toolScopes` the body is in `request.body`
 * afterwards, parsed. Throws `ConfigurationError` for an `mcpPath` that is not listed, and where several are listed and none is given.
 */
export function requireAuth(auth: McpAuth, options: AuthenticateOptions = {}): NodeHandler {
  requireMcpPath(auth, options)
  return (request, response, next) => {
    const isParsed = wasRead(request)
    return run(request, response, next, async (webRequest) => {
      const who = await auth.authenticate(webRequest, options)
      if (who instanceof Response) return who
      request.auth = who
      if (who.extra.requestId !== undefined) response.setHeader(requestIdHeader, who.extra.requestId)
      // The gate has read the stream, which nobody can do twice: it leaves what a body parser would.
      const text = options.toolScopes && !isParsed ? await webRequest.text() : ''
      if (text !== '') request.body = JSON.parse(text)
      return 'next'
    })
  }
}

function peerOf({ socket }: NodeRequest): Peer {
  return socket.remoteAddress === undefined ? {} : { address: socket.remoteAddress }
}

function run(
  request: NodeRequest,
  response: ServerResponse,
  next: Parameters<NodeHandler>[2],
  handle: (request: Request) => Promise<Response | 'next'>,
): void {
  const stripped = request.url
  if (request.originalUrl !== undefined) request.url = request.originalUrl
  if (wasRead(request)) Object.assign(request, { rawBody: bytesOf(request) })
  const listener = getRequestListener(
    async (webRequest) => {
      const answer = await handle(webRequest)
      if (answer !== 'next') return answer
      if (stripped !== undefined) request.url = stripped
      if (!next) return new Response('Not found', { status: 404 })
      next()
      return RESPONSE_ALREADY_SENT
    },
    { overrideGlobalObjects: false },
  )
  listener(request, response).catch((error: unknown) => next?.(error))
}

// Some parsers leave an empty object behind where they read nothing: the stream tells whether there is something to restore.
function wasRead({ body, readableDidRead }: NodeRequest): boolean {
  return body !== undefined && (readableDidRead || typeof body === 'string' || Buffer.isBuffer(body))
}

// What a body parser made of the bytes, as bytes again.
function bytesOf({ body, headers }: NodeRequest): Buffer {
  if (Buffer.isBuffer(body)) return body
  if (typeof body === 'string') return Buffer.from(body)
  if (!headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded')) return Buffer.from(JSON.stringify(body))
  const pairs = Object.entries(body ?? {}).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, String(one)]))
  return Buffer.from(new URLSearchParams(pairs).toString())
}
