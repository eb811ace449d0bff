import { ConfigurationError } from '@drawbridge/core'
import { describeRemoteProvider } from '@drawbridge/core/testing'
import { AuthKitProvider } from '@drawbridge/providers/authkit'
import { describe, expect, it } from 'vitest'

const authkitDomain = 'https://foo-corp.authkit.app'

// The claims of https://workos.com/docs/authkit/connect/token-claims, with values of https://workos.com/docs/reference/workos-connect/token
const claims = {
  iss: authkitDomain,
  aud: 'https://mcp.example.com/mcp',
  sub: 'user_01JQ0E27VT3MH79RY0FVA4QBP9',
  client_id: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
  org_id: 'org_01HRDMC6CM357W30QMHMQ96Q0S',
  sid: 'app_consent_01JQ0E27WE4K1RCMH7Q094M1GJ',
  scope: 'openid profile',
  jti: '01JQ0E27ZXE4XNHVP870S6PWYN',
}

describeRemoteProvider({
  name: 'AuthKitProvider',
  create: (options, environment) => new AuthKitProvider({ authkitDomain, ...options }, environment),
  authorizationServers: ['https://foo-corp.authkit.app'],
  token: { claims },
  who: {
    subject: 'user_01JQ0E27VT3MH79RY0FVA4QBP9',
    clientId: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
    scopes: ['openid', 'profile'],
  },
  foreign: [
    { name: 'for the environment, as a machine’s is', claims: { ...claims, aud: 'client_123456789' } },
    {
      // https://workos.com/docs/reference/workos-connect/token
      name: 'an ID token',
      claims: {
        iss: authkitDomain,
        aud: 'client_01JP8BD0CZ401TDF9X54NT5ZEK',
        sub: 'user_01JQ0E27VT3MH79RY0FVA4QBP9',
        email: 'leroy.jenkins@example.com',
        nonce: 'f39a8e47d2c9b6fa',
      },
    },
    {
      // https://workos.com/docs/reference/authkit/session-tokens
      name: 'a session of an application of WorkOS',
      claims: { iss: 'https://api.workos.com', sub: claims.sub, sid: 'session_01HQSXZGF8FHF7A9ZZFCW4387R', role: 'member' },
    },
  ],
  by: { jwksUri: 'https://foo-corp.authkit.app/oauth2/jwks' },
  metadata: {
    url: 'https://foo-corp.authkit.app/.well-known/oauth-authorization-server',
    document: { issuer: authkitDomain, registration_endpoint: 'https://foo-corp.authkit.app/oauth2/register' },
  },
})

describe('AuthKitProvider, when it is made', () => {
  const at = (domain: unknown) => new AuthKitProvider({ baseUrl: 'https://mcp.example.com', authkitDomain: domain as string })

  it.each(['https://foo-corp.authkit.app/', 'foo-corp.authkit.app', 'https://auth.example.com'])('takes %s', (domain) => {
    expect(at(domain).resources[0].uri).toBe('https://mcp.example.com/mcp')
  })

  it.each([
    undefined,
    '',
    'http://foo-corp.authkit.app',
    'https://foo-corp.authkit.app/?x',
    'ftp://foo',
    'https://user@foo',
    'not a domain',
  ])('refuses %s', (domain) => {
    const text = `authkitDomain ${JSON.stringify(domain)} is not like https://your-app.authkit.app`
    expect(() => at(domain)).toThrow(new ConfigurationError([text]))
  })
})
