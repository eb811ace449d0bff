import { describeRemoteProvider } from '@drawbridge/core/testing'
import { PropelAuthProvider } from '@drawbridge/providers/propelauth'
import { describe, expect, it } from 'vitest'

const own = { authUrl: 'https://auth.example.com', introspectionClientId: 'introspect-id', introspectionClientSecret: 'introspect-secret' }

// The members that https://docs.propelauth.com/mcp-authentication/examples/node reads, and the audience that
// https://docs.propelauth.com/reference/api/mcp calls `resource`.
const claims = {
  sub: '31c41c16-c281-44ae-9602-8a047e3bf33d',
  client_id: '5c1f8a0e7b',
  scope: 'read:user_data',
  aud: 'https://mcp.example.com/mcp',
  token_type: 'Bearer',
}

describeRemoteProvider({
  name: 'PropelAuthProvider',
  create: (options, environment) => new PropelAuthProvider({ ...own, ...options }, environment),
  authorizationServers: ['https://auth.example.com/oauth/2.1'],
  token: { claims },
  who: { subject: '31c41c16-c281-44ae-9602-8a047e3bf33d', clientId: '5c1f8a0e7b', scopes: ['read:user_data'] },
  foreign: [{ name: 'for another MCP server of the environment', claims: { ...claims, aud: 'https://api.example.com/mcp' } }],
  by: { endpoint: 'https://auth.example.com/oauth/2.1/introspect', authorization: `Basic ${btoa('introspect-id:introspect-secret')}` },
  metadata: {
    url: 'https://auth.example.com/.well-known/oauth-authorization-server/oauth/2.1',
    document: { issuer: 'https://auth.example.com/oauth/2.1' },
  },
})

describe('PropelAuthProvider, when it is made', () => {
  it('needs credentials of its own', () => {
    const make = () => new PropelAuthProvider({ ...own, baseUrl: 'https://mcp.example.com', introspectionClientSecret: '' })
    expect(make).toThrow(/clientSecret is missing/)
  })
})
