import { ConfigurationError } from '@drawbridge/core'
import { describeRemoteProvider, type RemoteProviderDescription } from '@drawbridge/core/testing'
import { ScalekitProvider } from '@drawbridge/providers/scalekit'
import { describe, expect, it } from 'vitest'

const environmentUrl = 'https://your-env.scalekit.com'
const issuer = 'https://your-env.scalekit.com/resources/res_926'

// Scalekit documents no whole token: what its documentation says of issuer, audience and scopes, with claims of RFC 9068 beside them.
// https://docs.scalekit.com/authenticate/mcp/quickstart/
const claims = { iss: environmentUrl, aud: ['res_926'], sub: 'usr_1', client_id: 'dcr_1', scope: 'todo:read' }

const described = (name: string, iss: string): RemoteProviderDescription => ({
  name,
  create: (options, environment) => new ScalekitProvider({ environmentUrl, resourceId: 'res_926', ...options }, environment),
  authorizationServers: ['https://your-env.scalekit.com/resources/res_926'],
  token: { claims: { ...claims, iss } },
  who: { subject: 'usr_1', clientId: 'dcr_1', scopes: ['todo:read'] },
  foreign: [
    { name: 'for another MCP server of the environment', claims: { ...claims, iss, aud: ['res_927'] } },
    { name: 'an ID token', claims: { iss, aud: 'dcr_1', sub: 'usr_1' } },
    { name: 'of another environment', claims: { ...claims, iss: 'https://other.scalekit.com' } },
  ],
  by: { jwksUri: 'https://your-env.scalekit.com/keys' },
  metadata: { url: 'https://your-env.scalekit.com/.well-known/oauth-authorization-server/resources/res_926', document: { issuer } },
})

describeRemoteProvider(described('ScalekitProvider, with tokens of the environment', environmentUrl))
describeRemoteProvider(described('ScalekitProvider, with tokens of the MCP server', issuer))

describe('ScalekitProvider, when it is made', () => {
  it.each(['', '../keys', 'res 1', undefined])('refuses the resource id %s', (resourceId) => {
    const make = () => new ScalekitProvider({ baseUrl: 'https://mcp.example.com', environmentUrl, resourceId: resourceId as string })
    expect(make).toThrow(new ConfigurationError([`resourceId ${JSON.stringify(resourceId)} is not like res_926`]))
  })
})
