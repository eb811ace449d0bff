import type { RecordedEvent } from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, memoryStore, sqliteStore } from '@drawbridge/storage'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import type { Hono } from 'hono'
import type { GitHubSetting, Settings } from './config.ts'
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
  const sqlite = settings.storage.kind === 'sqlite' ? sqliteStore(settings.storage.path) : undefined
  const auth = new GitHubProvider({
    ...github,
    baseUrl,
    issuerUrl,
    mcpPath,
    hosts,
    jwtSigningKey: jwtSigningKeys,
    clientStorage: encrypted(sqlite ?? memoryStore(), fernet(settings.storageEncryptionKeys)),
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
      sqlite?.close()
    },
  }
}
