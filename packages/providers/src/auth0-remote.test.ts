import { describeRemoteProvider, type RemoteProviderDescription } from '@drawbridge/core/testing'
import { Auth0RemoteProvider, type Auth0RemoteProviderOptions } from '@drawbridge/providers/auth0-remote'

const issuer = 'https://my-domain.auth0.com/'
const resource = 'https://mcp.example.com/mcp'

// Both samples of https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles, for an API that is our MCP endpoint
const plainClaims = {
  iss: issuer,
  sub: 'auth0|123456',
  aud: [resource, 'https://my-domain.auth0.com/userinfo'],
  azp: 'my_client_id',
  scope: 'openid profile read:patients read:admin',
  my_custom_claim: 'my_custom_value',
}
const { azp: client_id, ...others } = plainClaims
const claimsOfRfc9068 = { ...others, client_id, jti: '73WakrfVbNJBaAmhQtEeDv' }

const described = (name: string, own: Partial<Auth0RemoteProviderOptions> = {}): Omit<RemoteProviderDescription, 'token'> => ({
  name,
  create: (options, environment) => new Auth0RemoteProvider({ domain: 'https://my-domain.auth0.com', ...own, ...options }, environment),
  authorizationServers: ['https://my-domain.auth0.com/'],
  who: { subject: 'auth0|123456', clientId: 'my_client_id', scopes: ['openid', 'profile', 'read:patients', 'read:admin'] },
  foreign: [
    {
      name: 'for another API',
      claims: { ...plainClaims, aud: ['https://example.com/health-api', 'https://my-domain.auth0.com/userinfo'] },
    },
    { name: 'for the userinfo endpoint alone', claims: { ...plainClaims, aud: 'https://my-domain.auth0.com/userinfo' } },
    {
      name: 'an ID token',
      header: { typ: 'JWT' },
      claims: { iss: issuer, sub: 'auth0|123456', aud: 'my_client_id', nonce: 'n', name: 'Jane' },
    },
    { name: 'of an issuer without the slash', claims: { ...plainClaims, iss: 'https://my-domain.auth0.com' } },
  ],
  by: { jwksUri: 'https://my-domain.auth0.com/.well-known/jwks.json' },
  metadata: {
    url: 'https://my-domain.auth0.com/.well-known/oauth-authorization-server',
    document: { issuer, registration_endpoint: 'https://my-domain.auth0.com/oidc/register' },
  },
})

describeRemoteProvider({
  ...described('Auth0RemoteProvider, with tokens of the Auth0 profile'),
  token: { header: { typ: 'JWT' }, claims: plainClaims },
})
describeRemoteProvider({
  ...described('Auth0RemoteProvider, with tokens of the RFC 9068 profile'),
  token: { header: { typ: 'at+jwt' }, claims: claimsOfRfc9068 },
})
describeRemoteProvider({
  ...described('Auth0RemoteProvider, whose permissions are scopes', { permissionsAreScopes: true }),
  token: { claims: { ...claimsOfRfc9068, scope: 'openid', permissions: ['read:patients'] } },
  who: { subject: 'auth0|123456', clientId: 'my_client_id', scopes: ['openid', 'read:patients'] },
})
describeRemoteProvider({
  ...described('Auth0RemoteProvider, whose API has another identifier', { audience: 'urn:my-api' }),
  token: { claims: { ...claimsOfRfc9068, aud: 'urn:my-api', permissions: ['delete:all'] } },
})
