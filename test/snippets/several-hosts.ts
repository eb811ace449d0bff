//#region several-hosts
import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, redisStore } from '@drawbridge/storage'

const { GITHUB_CLIENT_ID = '', GITHUB_CLIENT_SECRET = '', JWT_SIGNING_KEY = '' } = process.env
const { REDIS_URL = 'redis://localhost:6379', STORAGE_ENCRYPTION_KEY = '' } = process.env

export const redis = redisStore(REDIS_URL)
export const auth = new GitHubProvider({
  baseUrl: 'https://mcp.example.com',
  clientId: GITHUB_CLIENT_ID,
  clientSecret: GITHUB_CLIENT_SECRET,
  jwtSigningKey: JWT_SIGNING_KEY.split(','),
  clientStorage: encrypted(redis, fernet(STORAGE_ENCRYPTION_KEY)),
  hosts: 'many',
  limits: { trustedProxies: 1 },
})

/** For `closing` of `serve`: what goes on beside requests needs the store. */
export async function close(): Promise<void> {
  await auth.close()
  await redis.close()
}
//#endregion
