import { mcpApp } from '@drawbridge/core/hono'
import { serve } from '@drawbridge/core/node'
import { GitHubProvider } from '@drawbridge/providers/github'
import { serveStandIn } from '@drawbridge/quickstart/stand-in'
import { memoryStore } from '@drawbridge/storage'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { freePort } from '../support/free-port.ts'
import { everythingServer } from './everything-server.ts'
import { sessionHandler } from './session-handler.ts'

/** A server of ours as people run it: on a real port, with an upstream to sign in at, and an MCP server behind the gate. */
export interface ServedDrawbridge {
  readonly issuer: string
  readonly mcpUrl: string
  close(): Promise<void>
}

/** The client that the operator registered by hand. */
export const listedClient = 'conformance-client'

/** The suite listens for the code at `/callback`, on a port of its own each time. */
export const redirectUri = 'http://127.0.0.1/callback'

/** How to serve it. */
export interface ServeDrawbridgeOptions {
  /** The path of the issuer. Default: none. */
  readonly path?: string
  /** Whether the MCP server keeps sessions. Default: no. */
  readonly sessions?: boolean
}

export async function serveDrawbridge({ path = '', sessions = false }: ServeDrawbridgeOptions = {}): Promise<ServedDrawbridge> {
  const port = await freePort()
  const baseUrl = `http://127.0.0.1:${port}${path}`
  const credentials = { clientId: 'app', clientSecret: 'a-secret' }
  const github = await serveStandIn({ ...credentials, callbackUrl: `${baseUrl}/auth/callback` })
  const auth = new GitHubProvider({
    ...credentials,
    baseUrl,
    serverUrl: github.url,
    jwtSigningKey: 'a-signing-key-for-nothing-but-the-suite-0123456789',
    clientStorage: memoryStore(),
    clients: {
      static: [{ clientId: listedClient, clientName: 'The suite', redirectUris: [redirectUri] }],
      metadataDocuments: { dangerouslyAllowLoopback: true },
    },
    // The suite and all its people call from one address.
    limits: { rateLimit: false },
  })
  const app = sessions
    ? mcpApp({ auth, mcp: sessionHandler(), sessions: 'process' })
    : mcpApp({ auth, mcp: createMcpHandler(everythingServer) })
  const served = await serve(app, { port, print: () => {}, closing: () => auth.close() })
  return {
    issuer: baseUrl,
    mcpUrl: auth.resources[0].uri,
    async close() {
      await served.close()
      await github.close()
    },
  }
}
