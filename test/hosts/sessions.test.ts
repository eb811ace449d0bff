import { type McpFetch, mcpApp } from '@drawbridge/core/hono'
import { createMcpHandler, McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import { beforeEach, describe, expect, it } from 'vitest'
import { type House, openHouse, type TokenAnswer } from '../support/house.ts'

let house: House
let tokens: TokenAnswer
beforeEach(async () => {
  house = openHouse()
  ;({ tokens } = await house.login())
})

function newServer(): McpServer {
  const server = new McpServer({ name: 'a worker', version: '1.0.0' })
  server.registerTool('hello', { description: 'Says it.' }, () => ({ content: [{ type: 'text', text: 'hello' }] }))
  return server
}

/** An MCP server that keeps sessions, as those of the SDK's older revisions do. */
function sessionful(): McpFetch {
  const transports = new Map<string, WebStandardStreamableHTTPServerTransport>()
  return {
    async fetch(request, { authInfo }) {
      const known = transports.get(request.headers.get('mcp-session-id') ?? '')
      if (known) return known.handleRequest(request, { authInfo })
      const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
        onsessioninitialized: (id) => void transports.set(id, transport),
      })
      await newServer().connect(transport)
      return transport.handleRequest(request, { authInfo })
    },
  }
}

type Worker = ReturnType<typeof mcpApp>

async function send(worker: Worker, accessToken: string, message: unknown, session?: string): Promise<Response> {
  return worker.request(`${house.baseUrl}/mcp`, {
    method: message === undefined ? 'DELETE' : 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
      ...(session !== undefined && { 'mcp-session-id': session }),
    },
    ...(message !== undefined && { body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...Object(message) }) }),
  })
}

const initialize = {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a client', version: '1' } },
}
const hello = { method: 'tools/call', params: { name: 'hello', arguments: {} } }

describe('mcpApp', () => {
  it('has no sessions: any worker answers any request, and none has to be the first', async () => {
    const workers = [0, 1].map(() => mcpApp({ auth: house.auth, mcp: createMcpHandler(newServer) }))
    for (const worker of workers) {
      const answer = await send(worker, tokens.access_token, hello)
      expect([answer.status, answer.headers.get('mcp-session-id')]).toEqual([200, null])
      expect(await answer.text()).toContain('hello')
    }
  })

  it('stops an MCP server that begins a session at its first answer, and says what to do', async () => {
    const worker = mcpApp({ auth: house.auth, mcp: sessionful() })
    const answer = await send(worker, tokens.access_token, initialize)
    expect([answer.status, answer.headers.get('mcp-session-id'), await answer.json()]).toEqual([
      500,
      null,
      {
        error: 'server_error',
        error_description: "The MCP server began a session. If it is to, say so: mcpApp({ sessions: 'process' }), with sticky routing.",
      },
    ])
  })
})

describe("mcpApp with sessions: 'process'", () => {
  let worker: Worker
  let session: string
  beforeEach(async () => {
    worker = mcpApp({ auth: house.auth, mcp: sessionful(), sessions: 'process' })
    session = (await send(worker, tokens.access_token, initialize)).headers.get('mcp-session-id') ?? ''
    expect(session).not.toBe('')
  })

  /** What a client takes for: begin anew (MCP 2025-11-25, transports, session management). */
  async function expectUnknown(answer: Response): Promise<void> {
    expect([answer.status, await answer.json()]).toEqual([
      404,
      { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null },
    ])
  }

  it('lets whoever began a session go on with it, with fresher tokens too, until it is over', async () => {
    const { clientId, tokens: own } = await house.login()
    session = (await send(worker, own.access_token, initialize)).headers.get('mcp-session-id') ?? ''
    const { access_token: fresher }: TokenAnswer = await (await house.refresh(clientId, own.refresh_token)).json()
    expect(await (await send(worker, fresher, hello, session)).text()).toContain('hello')
    expect((await send(worker, fresher, undefined, session)).status).toBe(200)
    await expectUnknown(await send(worker, fresher, hello, session))
  })

  it('knows no session of another person, or of another client of the same person (R41)', async () => {
    const { tokens: other } = await house.login()
    await expectUnknown(await send(worker, other.access_token, hello, session))
    await expectUnknown(await send(worker, other.access_token, undefined, session))
    expect((await send(worker, tokens.access_token, hello, session)).status).toBe(200)
  })

  it('knows no session of another worker: the balancer has to route by it', async () => {
    const other = mcpApp({ auth: house.auth, mcp: sessionful(), sessions: 'process' })
    await expectUnknown(await send(other, tokens.access_token, hello, session))
  })

  it('asks for a token on every request, inside a session too (R40)', async () => {
    expect((await send(worker, 'nothing', hello, session)).status).toBe(401)
  })
})
