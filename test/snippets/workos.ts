import { WorkOSProvider } from '@drawbridge/providers/workos'
import { memoryStore } from '@drawbridge/storage'

const { CLIENT_ID = 'an-id', CLIENT_SECRET = 'a-secret', JWT_SIGNING_KEY = 'a-signing-key-0123456789-abcdefghijklmnop' } = process.env
const own = { baseUrl: 'https://mcp.example.com', jwtSigningKey: JWT_SIGNING_KEY, clientStorage: memoryStore() }

//#region auth
export const auth = new WorkOSProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  domain: 'https://your-app.authkit.app',
  // Only the people of an organisation.
  upstream: { authorizeUser: ({ claims }) => claims.org_id === 'org_01HRDMC6CM357W30QMHMQ96Q0S' },
})
//#endregion
