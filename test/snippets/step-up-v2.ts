//#region step-up-v2
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { auth } from './auth.ts'

export const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'example', version: '1.0.0' })
  server.registerTool('delete_repo', { scopeChallenge: auth.requireScopes('delete_repo', 'repo') }, () => ({
    content: [{ type: 'text', text: 'It is gone.' }],
  }))
  return server
})
//#endregion
