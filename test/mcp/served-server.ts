import {
  type Environment,
  type FetchPinned,
  type OAuthProxyOptions,
  type RecordedEvent,
  systemEnvironment,
  type ToolScopes,
} from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { serve } from '@drawbridge/core/node'
import { GitHubProvider } from '@drawbridge/providers/github'
import { type ServedStandIn, serveStandIn } from '@drawbridge/quickstart/stand-in'
import { memoryStore } from '@drawbridge/storage'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import type { MiddlewareHandler } from 'hono'
import { freePort } from '../support/free-port.ts'
import { signingKey } from '../support/house.ts'
import { type Exchange, writeExchanges } from './exchanges.ts'

/** A real server on a real port, with a real MCP server behind the gate, and a clock that can be moved on. */
export interface ServedServer {
  readonly auth: GitHubProvider
  readonly github: ServedStandIn
  readonly mcpUrl: string
  readonly events: RecordedEvent[]
  /** What clients and browsers asked, and what was answered. */
  readonly exchanges: readonly Exchange[]
  /** The exchanges at one path. */
  at(path: string): readonly Exchange[]
  advance(seconds: number): void
  /** Moves the clock on until no access token that was issued is good any more. */
  expireTokens(): void
  close(): Promise<void>
}

/** A real clock that runs on from wherever it was moved. */
function movableEnvironment(fetchPinned?: FetchPinned): { environment: Environment; advance(seconds: number): void } {
  const system = systemEnvironment()
  let ahead = 0
  return {
    environment: { ...system, ...(fetchPinned && { fetchPinned }), now: () => system.now() + ahead },
    advance(seconds) {
      ahead += seconds
    },
  }
}

function mcpServer(auth: GitHubProvider, githubUrl: string, stepUp: readonly string[] | undefined): McpServer {
  const server = new McpServer({ name: 'test', version: '1.0.0' })
  server.registerTool('whoami', { description: 'The identity.' }, ({ http }) => ({
    content: [{ type: 'text', text: JSON.stringify(http?.authInfo?.extra?.identity) }],
  }))
  const scopeChallenge = stepUp && auth.requireScopes(...stepUp)
  server.registerTool(
    'upstream_user',
    { description: 'The upstream account.', ...(scopeChallenge && { scopeChallenge }) },
    async ({ http }) => {
      if (!http?.authInfo) throw new Error('no authInfo')
      const upstream = await auth.upstream(http.authInfo)
      const answer = await upstream.fetch(`${githubUrl}/api/v3/user`)
      return { content: [{ type: 'text', text: await answer.text() }] }
    },
  )
  return server
}

/** How to serve it. */
export interface ServeServerOptions extends Partial<OAuthProxyOptions> {
  readonly mode?: 'oauth-app' | 'github-app'
  /** Reaches what strangers name. Default: as in production. */
  readonly fetchPinned?: FetchPinned
  /** The path of `baseUrl`. Default: the root. */
  readonly basePath?: string
  /** Stands in front of everything. */
  readonly middleware?: (auth: GitHubProvider) => MiddlewareHandler
  /** What the gate asks for, for a tool. */
  readonly toolScopes?: ToolScopes
  /** What the tool `upstream_user` asks for itself. */
  readonly stepUp?: readonly string[]
}

export async function serveServer({
  mode,
  basePath = '',
  middleware,
  fetchPinned,
  toolScopes,
  stepUp,
  ...options
}: ServeServerOptions = {}): Promise<ServedServer> {
  const { environment, advance } = movableEnvironment(fetchPinned)
  const port = await freePort()
  const baseUrl = `http://127.0.0.1:${port}${basePath}`
  const credentials = { clientId: 'app', clientSecret: 'hush' }
  const github = await serveStandIn({
    ...credentials,
    callbackUrl: `${baseUrl}/auth/callback`,
    now: environment.now,
    ...(mode && { mode }),
  })
  const events: RecordedEvent[] = []
  const exchanges: Exchange[] = []
  const auth: GitHubProvider = new GitHubProvider(
    {
      ...credentials,
      baseUrl,
      serverUrl: github.url,
      jwtSigningKey: signingKey,
      clientStorage: memoryStore({ environment }),
      onEvent: (event) => events.push(event),
      ...options,
    },
    environment,
  )
  const mcp = createMcpHandler(() => mcpServer(auth, github.url, stepUp))
  const front = [writeExchanges(exchanges), ...(middleware ? [middleware(auth)] : [])]
  const app = mcpApp({ auth, mcp, health: true, middleware: front, ...(toolScopes && { toolScopes }) })
  const served = await serve(app, { port, print: () => {}, closing: () => auth.close() })
  return {
    auth,
    github,
    mcpUrl: auth.resources[0].uri,
    events,
    exchanges,
    at: (path) => exchanges.filter((exchange) => exchange.path === path),
    advance,
    expireTokens: () => advance(3600 + 31),
    async close() {
      await served.close()
      await github.close()
    },
  }
}
