import { ClerkProvider } from '@drawbridge/providers/clerk'
import { memoryStore } from '@drawbridge/storage'

const { CLIENT_ID = 'an-id', CLIENT_SECRET = 'a-secret', JWT_SIGNING_KEY = 'a-signing-key-0123456789-abcdefghijklmnop' } = process.env
const own = { baseUrl: 'https://mcp.example.com', jwtSigningKey: JWT_SIGNING_KEY, clientStorage: memoryStore() }

//#region auth
export const auth = new ClerkProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  domain: 'https://clerk.example.com',
  requiredScopes: ['openid', 'profile', 'email', 'user:org:read'],
  // Only the people of an organisation.
  upstream: { authorizeUser: ({ claims }) => claims.org_id === 'org_2abcDEFghiJKLmnoPQRstuVWXyz' },
})
//#endregion
