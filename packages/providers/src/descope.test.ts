import { ConfigurationError } from '@drawbridge/core'
import { describeRemoteProvider, type RemoteProviderDescription } from '@drawbridge/core/testing'
import { DescopeProvider, type DescopeProviderOptions } from '@drawbridge/providers/descope'
import { describe, expect, it } from 'vitest'

const project = 'P32juVkF2iM8wAGoM8PiLkGi6POV'
// The document of https://docs.descope.com/agentic-identity-hub/mcp-servers/discovery-url, trimmed
const issuer = `https://api.descope.com/v1/apps/agentic/${project}/MS35d1Xw1Yo6zozsW7n8BU6xLmnAs`
const document = {
  issuer,
  jwks_uri: `https://api.descope.com/${project}/.well-known/jwks.json`,
  registration_endpoint: `https://api.descope.com/v1/mgmt/mcp/client/${project}/MS35d1Xw1Yo6zozsW7n8BU6xLmnAs/register`,
}
// Descope documents no whole token: the issuer and scopes of that page, the audience of
// https://docs.skybridge.tech/api-reference/descope-provider, with claims of RFC 9068 beside them.
const claims = { iss: issuer, aud: ['dcr-client-1', project], sub: 'U2abc', client_id: 'dcr-client-1', scope: 'mcp:schedule_meetings' }

const described = (name: string, own: Partial<DescopeProviderOptions>, iss = issuer): RemoteProviderDescription => ({
  name,
  create: (options, environment) => new DescopeProvider({ discoveryUrl: issuer, ...own, ...options }, environment),
  authorizationServers: [issuer],
  token: { claims: { ...claims, iss } },
  who: { subject: 'U2abc', clientId: 'dcr-client-1', scopes: ['mcp:schedule_meetings'] },
  foreign: [
    {
      name: 'for another MCP server of the project',
      claims: { ...claims, iss: `https://api.descope.com/v1/apps/agentic/${project}/MSother` },
    },
    { name: 'for another project', claims: { ...claims, iss, aud: ['dcr-client-1', 'P2other'] } },
    { name: 'an ID token for the client', claims: { ...claims, iss, aud: 'dcr-client-1' } },
  ],
  by: { jwksUri: `https://api.descope.com/${project}/.well-known/jwks.json` },
  metadata: { url: `${issuer}/.well-known/openid-configuration`, document },
})

describeRemoteProvider(described('DescopeProvider', {}))
describeRemoteProvider(described('DescopeProvider, by its discovery URL', { discoveryUrl: `${issuer}/.well-known/openid-configuration` }))
describeRemoteProvider(
  described(
    'DescopeProvider, with tokens of the project',
    { otherIssuers: [`https://api.descope.com/v1/apps/${project}`] },
    `https://api.descope.com/v1/apps/${project}`,
  ),
)

describe('DescopeProvider, when it is made', () => {
  const at = (options: Partial<DescopeProviderOptions>) =>
    new DescopeProvider({ baseUrl: 'https://mcp.example.com', discoveryUrl: issuer, ...options })

  it('takes the project from the URL, or from the option', () => {
    at({ discoveryUrl: `https://api.descope.com/v1/apps/${project}` })
    at({ discoveryUrl: 'https://auth.example.com/mcp', projectId: project })
  })

  it.each(['https://api.descope.com/v1/apps/agentic', 'https://auth.example.com/mcp'])('refuses %s without a project', (discoveryUrl) => {
    expect(() => at({ discoveryUrl })).toThrow(/projectId is missing/)
  })

  it('refuses what is no URL', () => {
    expect(() => at({ discoveryUrl: 'http://api.descope.com/v1/apps/P1' })).toThrow(ConfigurationError)
  })
})
