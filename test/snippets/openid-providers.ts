import { GoogleProvider } from '@drawbridge/providers/google'
import { memoryStore } from '@drawbridge/storage'

const { CLIENT_ID = 'an-id', CLIENT_SECRET = 'a-secret', JWT_SIGNING_KEY = 'a-signing-key-0123456789-abcdefghijklmnop' } = process.env
const own = { baseUrl: 'https://mcp.example.com', jwtSigningKey: JWT_SIGNING_KEY, clientStorage: memoryStore() }

//#region google
export const withGoogle = new GoogleProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  // Only people of this Google Workspace organisation.
  hostedDomain: 'example.com',
  // And of those only whom this says yes to.
  upstream: { authorizeUser: ({ claims }) => claims.email !== 'guest@example.com' },
})
//#endregion
