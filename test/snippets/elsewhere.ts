//#region elsewhere
import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, sqliteStore } from '@drawbridge/storage'

const { BASE_URL = 'http://localhost:8000', GITHUB_CLIENT_ID = '', GITHUB_CLIENT_SECRET = '' } = process.env
const { JWT_SIGNING_KEY = '', STORAGE_ENCRYPTION_KEY = '', FILES_SECRET = '' } = process.env

export const auth = new GitHubProvider({
  baseUrl: BASE_URL,
  clientId: GITHUB_CLIENT_ID,
  clientSecret: GITHUB_CLIENT_SECRET,
  jwtSigningKey: JWT_SIGNING_KEY.split(','),
  clientStorage: encrypted(sqliteStore('.data/drawbridge.db'), fernet(STORAGE_ENCRYPTION_KEY)),
  verification: {
    resourceServers: [{ resource: 'https://files.example.com/mcp', clientId: 'files', clientSecret: FILES_SECRET }],
  },
})
//#endregion
