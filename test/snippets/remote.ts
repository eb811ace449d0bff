//#region remote
import { JwtVerifier, RemoteAuthProvider } from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { mcp } from './plain-mcp.ts'

const issuer = 'https://login.example.com'

export const auth = new RemoteAuthProvider({
  baseUrl: 'https://mcp.example.com',
  authorizationServers: issuer,
  verifier: new JwtVerifier({ issuer }),
  requiredScopes: ['notes:read'],
})

export const app = mcpApp({ auth, mcp })
//#endregion
