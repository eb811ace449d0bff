import * as oauth from 'oauth4webapi'
import type { Upstream, UpstreamClientCredentials } from '../ports/upstream.ts'
import type { FoundEndpoints } from './find-endpoints.ts'

/** How we prove ourselves to the upstream, as it wants it (RFC 6749 §2.3.1, RFC 7523 §2.2). */
export function authenticationOf(
  { clientAuthentication, openId }: Upstream,
  { clientSecret = '', clientAssertion }: UpstreamClientCredentials,
  { tokenEndpoint, clientAuthentications }: FoundEndpoints,
): oauth.ClientAuth {
  if (clientAssertion) return privateKeyJwt(() => clientAssertion(tokenEndpoint))
  if (clientAuthentication === 'none') return oauth.None()
  const basic = clientAuthentication === 'client_secret_basic'
  // The document knows better what its upstream takes than we do.
  const post =
    openId && basic && clientAuthentications?.includes('client_secret_post') && !clientAuthentications.includes('client_secret_basic')
  return basic && !post ? clientSecretBasic(clientSecret) : oauth.ClientSecretPost(clientSecret)
}

// As RFC 6749 §2.3.1, for upstreams that decode. oauth4webapi encodes "-", "." and "_" too, which upstreams that do not
// decode would take for another client's id.
function clientSecretBasic(clientSecret: string): oauth.ClientAuth {
  const encode = (text: string): string => new URLSearchParams({ text }).toString().slice('text='.length)
  return (_server, client, _body, headers) => {
    const credentials = `${encode(client.client_id)}:${encode(clientSecret)}`
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
  }
}

function privateKeyJwt(makeAssertion: () => Promise<string>): oauth.ClientAuth {
  return async (_server, client, body) => {
    body.set('client_id', client.client_id)
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    body.set('client_assertion', await makeAssertion())
  }
}
