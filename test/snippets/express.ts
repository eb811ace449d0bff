//#region express
import { nodeHandler, requireAuth } from '@drawbridge/core/node'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { auth } from './auth.ts'

const app = express()
app.use(nodeHandler(auth))
app.post('/mcp', requireAuth(auth), async (request, response) => {
  const server = new McpServer({ name: 'example', version: '1.0.0' })
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  await server.connect(transport)
  await transport.handleRequest(request, response, request.body)
})
//#endregion

export default app
