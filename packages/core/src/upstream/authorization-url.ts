import type { Upstream, UpstreamClientCredentials, UpstreamEndpoints } from '../ports/upstream.ts'
import { challengeOf, nonceOf } from '../protocol/pkce.ts'
import { upstreamScopes } from '../protocol/scope.ts'
import type { AskedFor } from './calls.ts'
import { scopeCodec } from './scope-codec.ts'

/** What an authorization request is made of. */
export interface AuthorizationUrlNeeds {
  readonly upstream: Upstream
  readonly credentials: UpstreamClientCredentials
  readonly endpoints: UpstreamEndpoints
  readonly callbackUrl: string
  readonly requiredScopes: readonly string[]
}

/** Where the browser goes to sign in (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1). What the provider adds goes over what we send ourselves. */
export function authorizationUrlOf(
  { upstream, credentials, endpoints, callbackUrl, requiredScopes }: AuthorizationUrlNeeds,
  state: string,
  verifier: string,
  { scopes, resource }: AskedFor,
): string {
  const { parameter = 'scope', separator = ' ' } = upstream.scopes ?? {}
  const isOpenId = upstream.openId !== undefined
  const asked = scopeCodec(upstream.scopes, isOpenId).toUpstream(upstreamScopes(scopes, requiredScopes))
  const parameters = {
    response_type: 'code',
    client_id: credentials.clientId,
    redirect_uri: callbackUrl,
    state,
    ...(asked.length > 0 && { [parameter]: asked.join(separator) }),
    ...(isOpenId && { nonce: nonceOf(verifier) }),
    ...(upstream.pkce && { code_challenge: challengeOf(verifier), code_challenge_method: 'S256' }),
    ...(upstream.forwardsResource && { resource }),
    ...upstream.authorizeParameters,
  }
  const url = new URL(endpoints.authorizationEndpoint)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}
