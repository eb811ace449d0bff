//#region keys
import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, sqliteStore } from '@drawbridge/storage'

const { GITHUB_CLIENT_ID = '', GITHUB_CLIENT_SECRET = '', SIGNING_KEYS = '', STORAGE_KEYS = '' } = process.env

export const auth = new GitHubProvider({
  baseUrl: 'https://mcp.example.com',
  clientId: GITHUB_CLIENT_ID,
  clientSecret: GITHUB_CLIENT_SECRET,
  jwtSigningKey: SIGNING_KEYS.split(','),
  clientStorage: encrypted(sqliteStore('.data/drawbridge.db'), fernet(STORAGE_KEYS.split(','))),
})
await auth.ready()
//#endregion

//#region walk
const { read, resealed, unreadable } = await auth.rotateStorageKey()
//#endregion
export const walked = { read, resealed, unreadable }
