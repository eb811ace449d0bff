import type { RecordedEvent, Store } from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, memoryStore, redisStore, sqliteStore } from '@drawbridge/storage'
import { postgresStore } from '@drawbridge/storage/postgres'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import type { Hono } from 'hono'
import type { GitHubSetting, Settings } from './config.ts'
import type { StorageSetting } from './storage-url.ts'
import { registerGitHubUser, registerWhoami } from './tools.ts'

/** What the settings leave open. */
export interface QuickstartNeeds {
  /** The app at GitHub, or at the stand-in. */
  readonly github: GitHubSetting
  readonly onEvent?: (event: RecordedEvent) => void
}

/** The server, ready to be mounted or served. */
export interface Quickstart {
  readonly app: Hono
  readonly auth: GitHubProvider
  /** Waits for the work beside requests, and lets go of the store. */
  close(): Promise<void>
}

/** An MCP server with two tools behind a login with GitHub. Throws `ConfigurationError` with every problem. */
export function createQuickstart(settings: Settings, { github, onEvent }: QuickstartNeeds): Quickstart {
  const { baseUrl, issuerUrl, mcpPath, jwtSigningKeys, hosts, rateLimits } = settings
  const store = openStore(settings.storage)
  const auth = new GitHubProvider({
    ...github,
    baseUrl,
    issuerUrl,
    mcpPath,
    hosts,
    jwtSigningKey: jwtSigningKeys,
    clientStorage: encrypted(store, fernet(settings.storageEncryptionKeys)),
    ...(!rateLimits && { limits: { rateLimit: false } }),
    ...(onEvent && { onEvent }),
  })
  const apiUrl = github.serverUrl === undefined ? 'https://api.github.com' : `${github.serverUrl}/api/v3`
  const mcp = createMcpHandler(() => {
    const server = new McpServer({ name: 'drawbridge-quickstart', version: '1.0.0' })
    registerWhoami(server)
    registerGitHubUser(server, { apiUrl, upstream: (authInfo) => auth.upstream(authInfo) })
    return server
  })
  return {
    auth,
    app: mcpApp({ auth, mcp, mcpPath, health: true }),
    async close() {
      await auth.close()
      await store.close?.()
    },
  }
}

/** The store, and what lets go of it where there is something to let go of. */
function openStore(storage: StorageSetting): Store & { close?(): void | Promise<void> } {
  if (storage.kind === 'sqlite') return sqliteStore(storage.path)
  if (storage.kind === 'memory') return memoryStore()
  return storage.kind === 'redis' ? redisStore(storage.url) : postgresStore(storage.url)
}
