//#region several-providers
import { github } from '@drawbridge/providers/github'
import { describeUpstream } from '@drawbridge/providers/oauth'
import { MultiProvider } from '@drawbridge/providers/several'
import { encrypted, fernet, sqliteStore } from '@drawbridge/storage'

const { BASE_URL = 'http://localhost:8000', JWT_SIGNING_KEY = '', STORAGE_ENCRYPTION_KEY = '' } = process.env
const { GITHUB_CLIENT_ID = '', GITHUB_CLIENT_SECRET = '', STAFF_CLIENT_ID = '', STAFF_CLIENT_SECRET = '' } = process.env

export const auth = new MultiProvider({
  baseUrl: BASE_URL,
  jwtSigningKey: JWT_SIGNING_KEY.split(','),
  clientStorage: encrypted(sqliteStore('.data/drawbridge.db'), fernet(STORAGE_ENCRYPTION_KEY)),
  // Scopes of yours, which clients ask for; no upstream knows them.
  requiredScopes: ['read'],
  clients: { validScopes: ['write'] },
  providers: {
    // The first is the one that was there alone, if there was one.
    github: {
      upstream: github(),
      clientId: GITHUB_CLIENT_ID,
      clientSecret: GITHUB_CLIENT_SECRET,
      // What GitHub is asked for, whatever the client asks you for.
      scopes: ['read:user'],
      // Guests may read.
      authorizeUser: () => ['read'],
    },
    staff: {
      upstream: describeUpstream({
        name: 'Example Inc.',
        authorizationEndpoint: 'https://login.example.com/authorize',
        tokenEndpoint: 'https://login.example.com/token',
        userEndpoint: 'https://login.example.com/userinfo',
        defaultScopes: ['openid', 'email'],
      }),
      clientId: STAFF_CLIENT_ID,
      clientSecret: STAFF_CLIENT_SECRET,
      authorizeUser: ({ claims }) => String(claims.email).endsWith('@example.com') && claims.email_verified === true,
    },
  },
})
//#endregion
