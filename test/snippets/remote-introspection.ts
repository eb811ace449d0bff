//#region introspection
import { IntrospectionVerifier, RemoteAuthProvider } from '@drawbridge/core'

const { INTROSPECTION_SECRET = '' } = process.env

export const auth = new RemoteAuthProvider({
  baseUrl: 'https://mcp.example.com',
  authorizationServers: 'https://login.example.com',
  verifier: new IntrospectionVerifier({
    endpoint: 'https://login.example.com/oauth2/introspect',
    clientId: 'notes-mcp',
    clientSecret: INTROSPECTION_SECRET,
    issuer: 'https://login.example.com',
  }),
})
//#endregion
