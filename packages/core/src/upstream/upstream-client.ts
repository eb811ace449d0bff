import * as oauth from 'oauth4webapi'
import type { Environment } from '../ports/environment.ts'
import { inTime } from '../ports/in-time.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import {
  type Identity,
  type Upstream,
  type UpstreamClientCredentials,
  UpstreamRefused,
  type UpstreamTokens,
  UpstreamUnavailable,
} from '../ports/upstream.ts'
import { challengeOf } from '../protocol/pkce.ts'
import { formatScope, upstreamScopes } from '../protocol/scope.ts'
import { isOurSubject } from '../protocol/subject.ts'
import { type AskNeeds, openTokenRequests } from './ask-for-tokens.ts'
import { authenticationOf } from './client-authentication.ts'
import { type UpstreamFetch, upstreamDeadline, upstreamFetch } from './upstream-fetch.ts'
import { watchedUpstreamClient } from './watched-upstream-client.ts'

/** Us, as the upstream's client. Every call rejects with `UpstreamUnavailable` or, when the answer is no, with `UpstreamRefused`. */
export interface UpstreamClient {
  /** Where the browser goes to sign in: our state, our challenge, our callback (RFC 6749 §4.1.1). */
  authorizationUrl(state: string, verifier: string, scopes: readonly string[]): string
  /** Trades the upstream code in a callback for tokens (RFC 6749 §4.1.3); `parameters` are those of the callback. */
  exchangeCode(parameters: Readonly<Record<string, string>>, state: string, verifier: string): Promise<UpstreamTokens>
  /** Refreshes (RFC 6749 §6). */
  refresh(refreshToken: string): Promise<UpstreamTokens>
  /** Asks who the person is. */
  identify(accessToken: string): Promise<Identity>
  /** Tells the upstream that its tokens are not needed any more (RFC 7009); nothing happens where it cannot be told. */
  revoke(tokens: Pick<UpstreamTokens, 'accessToken' | 'refreshToken'>): Promise<void>
}

/** What the upstream client is made of. */
export interface UpstreamClientNeeds extends AskNeeds {
  readonly credentials: UpstreamClientCredentials
  /** Our one callback, as registered with the upstream. */
  readonly callbackUrl: string
  /** What the operator requires, of the upstream too. */
  readonly requiredScopes: readonly string[]
  readonly telemetry?: Telemetry | undefined
}

/** Opens the upstream client, on oauth4webapi. */
export function upstreamClient(needs: UpstreamClientNeeds): UpstreamClient {
  const client = openClient(needs)
  return needs.telemetry ? watchedUpstreamClient(client, needs.telemetry) : client
}

function openClient({ credentials, callbackUrl, requiredScopes, ...needs }: UpstreamClientNeeds): UpstreamClient {
  const { upstream, environment } = needs
  const call = upstreamFetch(environment, upstream.quirks)
  const server = serverOf(upstream)
  const client: oauth.Client = { client_id: credentials.clientId }
  const authentication = authenticationOf(upstream, credentials)
  const options = optionsOf(upstream, call)
  const askForTokens = openTokenRequests(needs)
  return {
    authorizationUrl(state, verifier, scopes) {
      const ours = { response_type: 'code', client_id: credentials.clientId, redirect_uri: callbackUrl, state }
      return authorizationUrl(upstream, ours, verifier, upstreamScopes(scopes, requiredScopes))
    },
    exchangeCode({ iss, ...answer }, state, verifier) {
      // An issuer that the provider does not name cannot be compared; the callback path and the state bind the answer.
      const sent = new URLSearchParams({ ...answer, ...(upstream.issuer !== undefined && iss !== undefined && { iss }) })
      return askForTokens(async () => {
        const parameters = oauth.validateAuthResponse(server, client, sent, state)
        const pkce = upstream.pkce ? verifier : oauth.nopkce
        const response = await oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, callbackUrl, pkce, options)
        return oauth.processAuthorizationCodeResponse(server, client, response)
      })
    },
    refresh: (refreshToken) =>
      askForTokens(async () => {
        const response = await oauth.refreshTokenGrantRequest(server, client, authentication, refreshToken, options)
        return oauth.processRefreshTokenResponse(server, client, response)
      }),
    identify: identifying(upstream, call, environment),
    async revoke({ accessToken, refreshToken }) {
      const { revocation } = upstream
      if (!revocation) return
      if ('endpoint' in revocation) {
        return requireHeard(await oauth.revocationRequest(server, client, authentication, refreshToken ?? accessToken, options))
      }
      const { url, init } = revocation.request(accessToken, credentials)
      requireHeard(await call(url, init))
    },
  }
}

// However often a provider asks for it, it is one answer that is waited for. A person with a subject of ours would be a client, or
// somebody whom another issuer vouched for (spec row R99).
function identifying(upstream: Upstream, call: UpstreamFetch, environment: Environment): UpstreamClient['identify'] {
  const within = inTime(environment, upstreamDeadline)
  return async (accessToken) => {
    const asking = (async () => upstream.identify({ getJson: (url, headers) => getJson(call, url, accessToken, headers) }))()
    const identity = await within(asking, () => new UpstreamUnavailable('deadline'))
    if (isOurSubject(identity.subject)) throw new UpstreamRefused('identity_subject_ours')
    return identity
  }
}

function serverOf({ issuer, authorizationEndpoint, tokenEndpoint, revocation }: Upstream): oauth.AuthorizationServer {
  return {
    issuer: issuer ?? new URL(authorizationEndpoint).origin,
    authorization_endpoint: authorizationEndpoint,
    token_endpoint: tokenEndpoint,
    ...(revocation && 'endpoint' in revocation && { revocation_endpoint: revocation.endpoint }),
  }
}

function authorizationUrl(upstream: Upstream, ours: Readonly<Record<string, string>>, verifier: string, scopes: readonly string[]): string {
  const url = new URL(upstream.authorizationEndpoint)
  const parameters = {
    ...ours,
    ...(scopes.length > 0 && { scope: formatScope(scopes) }),
    ...(upstream.pkce && { code_challenge: challengeOf(verifier), code_challenge_method: 'S256' }),
    ...upstream.authorizeParameters,
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

function optionsOf(upstream: Upstream, call: UpstreamFetch): oauth.TokenEndpointRequestOptions {
  return {
    [oauth.customFetch]: (url, init) => call(url, toRequestInit(init)),
    // Only where the endpoint is on loopback, which the options have made sure of.
    [oauth.allowInsecureRequests]: true,
    additionalParameters: { ...upstream.tokenParameters },
  }
}

function toRequestInit({ method, headers, body }: oauth.CustomFetchOptions<string, BodyInit | undefined | null>): RequestInit {
  return { method, headers, ...(body != null && { body }) }
}

// A token that the upstream does not know any more is ended; one that it did not let us end is not.
function requireHeard({ status }: Response): void {
  if (status === 401 || status === 403) throw new UpstreamUnavailable(`status_${status}`)
}

async function getJson(
  call: UpstreamFetch,
  url: string,
  accessToken: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const response = await call(url, { headers: { accept: 'application/json', ...headers, authorization: `Bearer ${accessToken}` } })
  if (response.status === 401) throw new UpstreamRefused('token_not_accepted')
  if (!response.ok) throw new UpstreamUnavailable(`status_${response.status}`)
  return response.json()
}
