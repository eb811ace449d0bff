//#region mcp
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { auth } from './auth.ts'

export const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'example', version: '1.0.0' })
  server.registerTool('github_login', { description: 'The login name at GitHub.' }, async ({ http }) => {
    if (!http?.authInfo) throw new TypeError('This tool is behind the gate.')
    const github = await auth.upstream(http.authInfo)
    const answer = await github.fetch('https://api.github.com/user', { headers: { 'user-agent': 'example' } })
    const { login } = await answer.json()
    return { content: [{ type: 'text', text: String(login) }] }
  })
  return server
})
//#endregion
