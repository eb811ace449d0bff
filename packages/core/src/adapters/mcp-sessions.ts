import { BoundedCache } from '../protocol/bounded-cache.ts'
import type { AuthInfo } from '../tokens/verify-access-token.ts'
import type { McpFetch } from './hono.ts'

/** The header that names a session of MCP's transport, in revisions before 2026-07-28. */
const header = 'mcp-session-id'

/** A session that was forgotten is begun anew by its client, so a bound costs nobody more than that. */
const remembered = 10_000

/**
 * An MCP server without sessions, so that any worker answers any request. One that begins a session all the same is stopped at
 * its first answer, where its author sees it: behind a balancer it would fail for every request that meets another worker.
 */
export function withoutSessions(mcp: McpFetch): McpFetch {
  return {
    async fetch(request, options) {
      const answer = await mcp.fetch(request, options)
      if (!answer.headers.has(header)) return answer
      await answer.body?.cancel()
      const text = "The MCP server began a session. If it is to, say so: mcpApp({ sessions: 'process' }), with sticky routing."
      return Response.json({ error: 'server_error', error_description: text }, { status: 500 })
    },
  }
}

/**
 * An MCP server with sessions in this process. An id is no authentication: a session is for the person and the client that
 * began it, and to everybody else, or when it began in another process, it is unknown: 404, upon which clients begin anew (MCP
 * 2025-11-25, transports, and security best practices; spec row R41).
 */
export function withSessions(mcp: McpFetch): McpFetch {
  const owners = new BoundedCache<string>(remembered)
  return {
    async fetch(request, options) {
      const id = request.headers.get(header)
      if (id !== null && owners.find(id) !== ownerOf(options.authInfo)) return unknown()
      const answer = await mcp.fetch(request, options)
      const begun = answer.headers.get(header)
      if (id === null && begun !== null) owners.keep(begun, ownerOf(options.authInfo))
      if (id !== null && request.method === 'DELETE' && answer.ok) owners.forget(id)
      return answer
    },
  }
}

function ownerOf({ clientId, extra }: AuthInfo): string {
  return JSON.stringify([extra.issuer, clientId, extra.subject])
}

function unknown(): Response {
  return Response.json({ jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null }, { status: 404 })
}
