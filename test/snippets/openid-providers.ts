import { Auth0Provider } from '@drawbridge/providers/auth0'
import { AuthentikProvider } from '@drawbridge/providers/authentik'
import { GoogleProvider } from '@drawbridge/providers/google'
import { KeycloakProvider } from '@drawbridge/providers/keycloak'
import { LogtoProvider } from '@drawbridge/providers/logto'
import { OktaProvider } from '@drawbridge/providers/okta'
import { PingOneProvider } from '@drawbridge/providers/pingone'
import { ZitadelProvider } from '@drawbridge/providers/zitadel'
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
//#region auth0
export const withAuth0 = new Auth0Provider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  domain: 'https://my-domain.eu.auth0.com',
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  // The API that tools call, and what a client gets that asks for nothing.
  audience: 'https://example.com/health-api',
  requiredScopes: ['openid', 'read:patients'],
  // Roles, as an Action of yours puts them into the ID token.
  upstream: { claims: { roles: 'https://mcp.example.com/roles' } },
})
//#endregion
//#region okta
export const withOkta = new OktaProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  domain: 'https://my-org.okta.com',
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  groups: true,
  upstream: {
    // `said` has all groups, however many; the claims have them where they are few.
    authorizeUser: (_identity, upstream) => Array.isArray(upstream?.said.groups) && upstream.said.groups.includes('Engineering'),
  },
})
//#endregion
//#region keycloak
export const withKeycloak = new KeycloakProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  realmUrl: 'https://keycloak.example.com/realms/my-realm',
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  // Only people with the realm's role `mcp`.
  upstream: { authorizeUser: ({ claims }) => Array.isArray(claims.roles) && claims.roles.includes('mcp') },
})
//#endregion
//#region zitadel
export const withZitadel = new ZitadelProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  serverUrl: 'https://my-instance-abc123.eu1.zitadel.cloud',
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  projectId: '69234237810729019',
  // Only people with the role `editor` in that project, in whichever organization.
  upstream: { authorizeUser: ({ claims }) => Array.isArray(claims.roles) && claims.roles.includes('editor') },
})
//#endregion
//#region authentik
export const withAuthentik = new AuthentikProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  serverUrl: 'https://authentik.example.com',
  application: 'mcp', // its slug
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  upstream: { authorizeUser: ({ claims }) => Array.isArray(claims.groups) && claims.groups.includes('staff') },
})
//#endregion
//#region logto
export const withLogto = new LogtoProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  serverUrl: 'https://my-tenant.logto.app',
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  roles: true,
  upstream: { authorizeUser: ({ claims }) => Array.isArray(claims.roles) && claims.roles.includes('editor') },
})
//#endregion
//#region pingone
export const withPingOne = new PingOneProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  environmentId: '9f1b3e82-7c45-4a1e-bd62-cc38f7a4e918',
  region: 'EU',
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
})
//#endregion
