import { StoreUnavailable } from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { serve } from '@drawbridge/core/node'
import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, redisStore, sqliteStore } from '@drawbridge/storage'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'

// One worker: a whole server, which knows of no other. All it has in common with them is its environment: the public URL, the
// two keys and the store. It listens on a port of its own and tells the process that started it which.
const { BASE_URL = '', GITHUB_URL = '', GITHUB_CLIENT_ID = '', GITHUB_CLIENT_SECRET = '' } = process.env
const { JWT_SIGNING_KEY = '', STORAGE_ENCRYPTION_KEY = '', REDIS_URL, SQLITE_FILE = '' } = process.env

const store = REDIS_URL ? redisStore(REDIS_URL) : sqliteStore(SQLITE_FILE)
const auth = new GitHubProvider({
  baseUrl: BASE_URL,
  serverUrl: GITHUB_URL,
  clientId: GITHUB_CLIENT_ID,
  clientSecret: GITHUB_CLIENT_SECRET,
  jwtSigningKey: JWT_SIGNING_KEY,
  clientStorage: encrypted(store, fernet(STORAGE_ENCRYPTION_KEY)),
  // Processes of one machine can share a file; of several, only a store that all of them reach.
  hosts: REDIS_URL ? 'many' : 'one',
  // The balancer in front says whom a request is from.
  limits: { trustedProxies: 1 },
})

const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'drawbridge-cluster', version: '1.0.0' })
  server.registerTool('where', { description: 'Which worker answers, and who asks.' }, ({ http }) => ({
    content: [{ type: 'text', text: JSON.stringify({ pid: process.pid, subject: http?.authInfo?.extra?.subject }) }],
  }))
  return server
})

process.on('disconnect', () => process.exit())

// A store that is away comes back, and until then requests are answered 503; what is wrong with the store does not pass.
await auth.ready().catch((cause: unknown) => {
  if (!(cause instanceof StoreUnavailable)) throw cause
})
const closing = async () => {
  await auth.close()
  await store.close()
}
const { port } = await serve(mcpApp({ auth, mcp, health: true }), { port: 0, print: () => {}, closing })
process.send?.(port)
