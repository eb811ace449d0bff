//#region telemetry
import { openTelemetry } from '@drawbridge/core/opentelemetry'
import { GitHubProvider } from '@drawbridge/providers/github'
import { memoryStore } from '@drawbridge/storage'

const { GITHUB_CLIENT_ID = '', GITHUB_CLIENT_SECRET = '', JWT_SIGNING_KEY = '' } = process.env

export const auth = new GitHubProvider({
  baseUrl: 'https://mcp.example.com',
  clientId: GITHUB_CLIENT_ID,
  clientSecret: GITHUB_CLIENT_SECRET,
  jwtSigningKey: JWT_SIGNING_KEY,
  clientStorage: memoryStore(),
  observability: { telemetry: openTelemetry() },
})
//#endregion
