//#region server
import { mcpApp } from '@drawbridge/core/hono'
import { serve } from '@drawbridge/core/node'
import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, sqliteStore } from '@drawbridge/storage'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'

const { GITHUB_CLIENT_ID = '', GITHUB_CLIENT_SECRET = '', JWT_SIGNING_KEY = '', STORAGE_ENCRYPTION_KEY = '' } = process.env

const auth = new GitHubProvider({
  baseUrl: 'http://localhost:8000',
  clientId: GITHUB_CLIENT_ID,
  clientSecret: GITHUB_CLIENT_SECRET,
  jwtSigningKey: JWT_SIGNING_KEY,
  clientStorage: encrypted(sqliteStore('.data/drawbridge.db'), fernet(STORAGE_ENCRYPTION_KEY)),
})
const mcp = createMcpHandler(() => new McpServer({ name: 'example', version: '1.0.0' }))

await serve(mcpApp({ auth, mcp }), { port: 8000, closing: () => auth.close() })
//#endregion
