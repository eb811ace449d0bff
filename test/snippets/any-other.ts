//#region define
import { defineProvider } from '@drawbridge/providers/define'
import { encrypted, fernet, sqliteStore } from '@drawbridge/storage'

/** An OpenID provider: its issuer is enough. */
export const AcmeProvider = defineProvider({ name: 'Acme', issuer: 'https://id.acme.example' })

/** An OAuth 2 server: its endpoints, and who the person is. */
export const ForgeProvider = defineProvider({
  name: 'Forge',
  authorizationEndpoint: 'https://forge.example/oauth/authorize',
  tokenEndpoint: 'https://forge.example/oauth/token',
  userEndpoint: 'https://api.forge.example/v1/me',
  subjectMember: 'uuid',
  defaultScopes: ['account:read'],
})

export const auth = new AcmeProvider({
  baseUrl: 'https://mcp.example.com',
  clientId: process.env.ACME_CLIENT_ID ?? '',
  clientSecret: process.env.ACME_CLIENT_SECRET ?? '',
  jwtSigningKey: process.env.JWT_SIGNING_KEY ?? '',
  clientStorage: encrypted(sqliteStore('.data/drawbridge.db'), fernet(process.env.STORAGE_ENCRYPTION_KEY ?? '')),
})
//#endregion
