import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'

/** Some MCP server, which calls nobody. */
export const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'example', version: '1.0.0' })
  server.registerTool('whoami', { description: 'Who calls.' }, ({ http }) => ({
    content: [{ type: 'text', text: String(http?.authInfo?.extra?.subject) }],
  }))
  return server
})
