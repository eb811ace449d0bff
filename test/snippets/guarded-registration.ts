//#region guarded
import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, sqliteStore } from '@drawbridge/storage'

const { BASE_URL = 'http://localhost:8000', GITHUB_CLIENT_ID = '', GITHUB_CLIENT_SECRET = '' } = process.env
const { JWT_SIGNING_KEY = '', STORAGE_ENCRYPTION_KEY = '' } = process.env

export const auth = new GitHubProvider({
  baseUrl: BASE_URL,
  clientId: GITHUB_CLIENT_ID,
  clientSecret: GITHUB_CLIENT_SECRET,
  jwtSigningKey: JWT_SIGNING_KEY.split(','),
  clientStorage: encrypted(sqliteStore('.data/drawbridge.db'), fernet(STORAGE_ENCRYPTION_KEY)),
  clients: { registration: { initialAccessToken: true } },
})

/** For somebody you know: a token for one registration, within a week. */
export async function invite(): Promise<string> {
  const { token } = await auth.createInitialAccessToken({ lifetime: 7 * 86_400 })
  return token
}
//#endregion
