//#region machines
import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, sqliteStore } from '@drawbridge/storage'

const { BASE_URL = 'http://localhost:8000', GITHUB_CLIENT_ID = '', GITHUB_CLIENT_SECRET = '' } = process.env
const { JWT_SIGNING_KEY = '', STORAGE_ENCRYPTION_KEY = '', CI_SECRET = '', NIGHTLY_KEYS = '{"keys":[]}', AGENT_SECRET = '' } = process.env

export const auth = new GitHubProvider({
  baseUrl: BASE_URL,
  clientId: GITHUB_CLIENT_ID,
  clientSecret: GITHUB_CLIENT_SECRET,
  jwtSigningKey: JWT_SIGNING_KEY.split(','),
  clientStorage: encrypted(sqliteStore('.data/drawbridge.db'), fernet(STORAGE_ENCRYPTION_KEY)),
  clients: {
    static: [
      // Machines: they act for themselves, by a secret or by signing.
      { clientId: 'ci', clientSecret: CI_SECRET, grantTypes: ['client_credentials'], scopes: ['user'] },
      { clientId: 'nightly', jwks: JSON.parse(NIGHTLY_KEYS), grantTypes: ['client_credentials'], scopes: ['user'] },
      // A client that the enterprise lets act for its people.
      { clientId: 'agent', clientSecret: AGENT_SECRET, grantTypes: ['urn:ietf:params:oauth:grant-type:jwt-bearer'] },
    ],
  },
  extensions: { identityAssertions: { trustedIssuers: [{ issuer: 'https://acme.okta.example' }] } },
})
//#endregion
