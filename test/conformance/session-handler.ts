import { randomUUID } from 'node:crypto'
import { type McpHandlerRequestOptions, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import { everythingServer } from './everything-server.ts'
import { registerSessionTools } from './session-tools.ts'

/** An MCP server as one of them is served to the suite. */
export interface ServedMcp {
  fetch(request: Request, options?: McpHandlerRequestOptions): Promise<Response>
}

/** The MCP server with sessions, as revisions before 2026-07-28 have them. */
export function sessionHandler(): ServedMcp {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()
  return {
    async fetch(request, options) {
      const id = request.headers.get('mcp-session-id')
      if (id !== null) return sessions.get(id)?.handleRequest(request, options) ?? unknown()
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (begun) => void sessions.set(begun, transport),
        onsessionclosed: (ended) => void sessions.delete(ended),
      })
      const server = everythingServer()
      registerSessionTools(server)
      await server.connect(transport)
      return transport.handleRequest(request, options)
    },
  }
}

function unknown(): Response {
  return Response.json({ jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null }, { status: 404 })
}
