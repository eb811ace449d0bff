import { GitHubProvider } from '@drawbridge/providers/github'
import { memoryStore } from '@drawbridge/storage'
import { ofTheOrganisation } from './who-may-log-in.ts'

const { CLIENT_ID = 'an-id', CLIENT_SECRET = 'a-secret', JWT_SIGNING_KEY = 'a-signing-key-0123456789-abcdefghijklmnop' } = process.env
const own = { baseUrl: 'https://mcp.example.com', jwtSigningKey: JWT_SIGNING_KEY, clientStorage: memoryStore() }

//#region auth
export const auth = new GitHubProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  requiredScopes: ['read:user', 'read:org'],
  // Only the members of an organisation: it asks GitHub.
  upstream: { authorizeUser: ofTheOrganisation },
})
//#endregion
