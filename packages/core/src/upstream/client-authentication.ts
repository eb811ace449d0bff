import * as oauth from 'oauth4webapi'
import type { Upstream, UpstreamClientCredentials } from '../ports/upstream.ts'

/** How we prove ourselves to the upstream, as it wants it (RFC 6749 §2.3.1). */
export function authenticationOf({ clientAuthentication }: Upstream, { clientSecret = '' }: UpstreamClientCredentials): oauth.ClientAuth {
  if (clientAuthentication === 'none') return oauth.None()
  return clientAuthentication === 'client_secret_basic' ? clientSecretBasic(clientSecret) : oauth.ClientSecretPost(clientSecret)
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
