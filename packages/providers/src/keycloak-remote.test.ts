import { describeRemoteProvider, type RemoteProviderDescription } from '@drawbridge/core/testing'
import { KeycloakRemoteProvider, type KeycloakRemoteProviderOptions } from '@drawbridge/providers/keycloak-remote'

const realmUrl = 'https://keycloak.example.com/realms/demo'

// An access token as in https://phasetwo.io/tutorials/getting-started/your-first-token/, with the audience and scopes of
// https://www.keycloak.org/securing-apps/mcp-authz-server
const claims = {
  iss: realmUrl,
  aud: 'https://mcp.example.com/mcp',
  sub: '36fa0f91-f94d-4a0c-afed-6b7d952e47da',
  typ: 'Bearer',
  azp: 'demo-app',
  sid: '2a88c258-f73a-4103-b862-e1fbd8f4e04e',
  scope: 'mcp:resources mcp:tools mcp:prompts',
  preferred_username: 'alice',
}

const described = (name: string, aud: string, own: Partial<KeycloakRemoteProviderOptions> = {}): RemoteProviderDescription => ({
  name,
  create: (options, environment) => new KeycloakRemoteProvider({ realmUrl, ...own, ...options }, environment),
  authorizationServers: ['https://keycloak.example.com/realms/demo'],
  token: { header: { typ: 'JWT' }, claims: { ...claims, aud } },
  who: {
    subject: '36fa0f91-f94d-4a0c-afed-6b7d952e47da',
    clientId: 'demo-app',
    scopes: ['mcp:resources', 'mcp:tools', 'mcp:prompts'],
  },
  foreign: [
    { name: 'without an audience of ours, as Keycloak gives by default', claims: { ...claims, aud: 'account' } },
    { name: 'an ID token', claims: { ...claims, aud, typ: 'ID' } },
    { name: 'a refresh token', claims: { ...claims, aud, typ: 'Refresh' } },
    { name: 'of another realm', claims: { ...claims, aud, iss: 'https://keycloak.example.com/realms/other' } },
  ],
  by: { jwksUri: 'https://keycloak.example.com/realms/demo/protocol/openid-connect/certs' },
  metadata: {
    url: 'https://keycloak.example.com/.well-known/oauth-authorization-server/realms/demo',
    document: { issuer: realmUrl, registration_endpoint: `${realmUrl}/clients-registrations/openid-connect` },
  },
})

describeRemoteProvider(described('KeycloakRemoteProvider', 'https://mcp.example.com/mcp'))
describeRemoteProvider(described('KeycloakRemoteProvider, whose mapper writes another audience', 'notes-mcp', { audience: 'notes-mcp' }))
