import type * as oauth from 'oauth4webapi'
import type { Upstream, UpstreamClientCredentials } from '../ports/upstream.ts'
import { authenticationOf } from './client-authentication.ts'
import type { EndpointFinder, FoundEndpoints } from './find-endpoints.ts'

/** Who speaks with whom: what every request of oauth4webapi begins with, and where the upstream is. */
export interface Party {
  readonly endpoints: FoundEndpoints
  /** The upstream, our registration there, and how we prove ourselves. */
  readonly party: readonly [oauth.AuthorizationServer, oauth.Client, oauth.ClientAuth]
}

/** Opens the party. It rejects with `UpstreamUnavailable` while nobody knows where the upstream is. */
export function openParty(upstream: Upstream, credentials: UpstreamClientCredentials, finder: EndpointFinder): () => Promise<Party> {
  return async () => {
    const endpoints = await finder.find()
    return {
      endpoints,
      party: [serverOf(endpoints), { client_id: credentials.clientId }, authenticationOf(upstream, credentials, endpoints)],
    }
  }
}

function serverOf({ issuer, authorizationEndpoint, tokenEndpoint, revocation, namesItself }: FoundEndpoints): oauth.AuthorizationServer {
  return {
    issuer: issuer ?? new URL(authorizationEndpoint).origin,
    authorization_endpoint: authorizationEndpoint,
    token_endpoint: tokenEndpoint,
    ...(issuer !== undefined && namesItself && { authorization_response_iss_parameter_supported: true }),
    ...(revocation && 'endpoint' in revocation && { revocation_endpoint: revocation.endpoint }),
  }
}
