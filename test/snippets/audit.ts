//#region audit
import { auditLog } from '@drawbridge/core/audit'
import { GitHubProvider } from '@drawbridge/providers/github'
import { memoryStore } from '@drawbridge/storage'

const { GITHUB_CLIENT_ID = '', GITHUB_CLIENT_SECRET = '', JWT_SIGNING_KEY = '', AUDIT_KEY = '' } = process.env

export const audit = auditLog({ issuer: 'https://mcp.example.com', key: AUDIT_KEY, to: process.stdout })
export const auth = new GitHubProvider({
  baseUrl: 'https://mcp.example.com',
  clientId: GITHUB_CLIENT_ID,
  clientSecret: GITHUB_CLIENT_SECRET,
  jwtSigningKey: JWT_SIGNING_KEY,
  clientStorage: memoryStore(),
  onEvent: audit.onEvent,
})

/** For `closing` of `serve`. */
export async function close(): Promise<void> {
  await auth.close()
  await audit.flush()
}
//#endregion
