import * as oauth from 'oauth4webapi'
import type { Environment } from '../ports/environment.ts'
import {
  type Identity,
  type Upstream,
  type UpstreamClientCredentials,
  UpstreamRefused,
  type UpstreamTokens,
  UpstreamUnavailable,
} from '../ports/upstream.ts'
import { challengeOf } from '../protocol/pkce.ts'
import { formatScope, parseScope } from '../protocol/scope.ts'
import { type UpstreamFetch, upstreamFetch } from './upstream-fetch.ts'

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
export interface UpstreamClientNeeds {
  readonly upstream: Upstream
  readonly credentials: UpstreamClientCredentials
  /** Our one callback, as registered with the upstream. */
  readonly callbackUrl: string
  readonly environment: Environment
}

/** Opens the upstream client, on oauth4webapi. */
export function upstreamClient({ upstream, credentials, callbackUrl, environment }: UpstreamClientNeeds): UpstreamClient {
  const call = upstreamFetch(environment, upstream.quirks)
  const server: oauth.AuthorizationServer = {
    issuer: upstream.issuer ?? new URL(upstream.authorizationEndpoint).origin,
    authorization_endpoint: upstream.authorizationEndpoint,
    token_endpoint: upstream.tokenEndpoint,
    ...(upstream.revocation && 'endpoint' in upstream.revocation && { revocation_endpoint: upstream.revocation.endpoint }),
  }
  const client: oauth.Client = { client_id: credentials.clientId }
  const authentication = authenticationOf(upstream, credentials)
  const options = {
    [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<string, BodyInit | undefined | null>) =>
      call(url, toRequestInit(init)),
    // Only where the endpoint is on loopback, which the options have made sure of.
    [oauth.allowInsecureRequests]: true,
    additionalParameters: { ...upstream.tokenParameters },
  }

  return {
    authorizationUrl(state, verifier, scopes) {
      const url = new URL(upstream.authorizationEndpoint)
      const parameters = {
        response_type: 'code',
        client_id: credentials.clientId,
        redirect_uri: callbackUrl,
        state,
        ...(scopes.length > 0 && { scope: formatScope(scopes) }),
        ...(upstream.pkce && { code_challenge: challengeOf(verifier), code_challenge_method: 'S256' }),
        ...upstream.authorizeParameters,
      }
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
      return url.href
    },
    async exchangeCode({ iss, ...answer }, state, verifier) {
      // An issuer that the provider does not name cannot be compared; the callback path and the state bind the answer.
      const sent = new URLSearchParams({ ...answer, ...(upstream.issuer !== undefined && iss !== undefined && { iss }) })
      return ask(upstream, environment, async () => {
        const parameters = oauth.validateAuthResponse(server, client, sent, state)
        const pkce = upstream.pkce ? verifier : oauth.nopkce
        const response = await oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, callbackUrl, pkce, options)
        return oauth.processAuthorizationCodeResponse(server, client, response)
      })
    },
    refresh: (refreshToken) =>
      ask(upstream, environment, async () => {
        const response = await oauth.refreshTokenGrantRequest(server, client, authentication, refreshToken, options)
        return oauth.processRefreshTokenResponse(server, client, response)
      }),
    identify: (accessToken) => upstream.identify({ getJson: (url, headers) => getJson(call, url, accessToken, headers) }),
    async revoke({ accessToken, refreshToken }) {
      if (!upstream.revocation) return
      if ('endpoint' in upstream.revocation) {
        refuseUnheard(await oauth.revocationRequest(server, client, authentication, refreshToken ?? accessToken, options))
        return
      }
      const { url, init } = upstream.revocation.request(accessToken, credentials)
      refuseUnheard(await call(url, init))
    },
  }
}

function authenticationOf({ clientAuthentication }: Upstream, { clientSecret = '' }: UpstreamClientCredentials): oauth.ClientAuth {
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

function toRequestInit({ method, headers, body }: oauth.CustomFetchOptions<string, BodyInit | undefined | null>): RequestInit {
  return { method, headers, ...(body != null && { body }) }
}

async function ask(
  upstream: Upstream,
  environment: Environment,
  request: () => Promise<oauth.TokenEndpointResponse>,
): Promise<UpstreamTokens> {
  const answer = await request().catch((cause: unknown) => {
    throw judge(upstream, cause)
  })
  // An empty scope says nothing: upstreams without scopes send it (GitHub Apps).
  const scopes = answer.scope ? parseScope(answer.scope) : undefined
  return {
    accessToken: requireToken(answer.access_token),
    ...(answer.refresh_token !== undefined && { refreshToken: requireToken(answer.refresh_token) }),
    ...(answer.expires_in !== undefined && { expiresAt: environment.now() + Math.min(Math.floor(answer.expires_in), longest) }),
    ...(scopes && { scopes: includeScopes(upstream, scopes) }),
  }
}

function includeScopes({ includedScopes = {} }: Upstream, scopes: readonly string[]): readonly string[] {
  return [...new Set(scopes.flatMap((scope) => [scope, ...(includedScopes[scope] ?? [])]))]
}

// Anything else would be refused by fetch, as a header, in an error that quotes it.
function requireToken(token: string): string {
  if (/^[\x20-\x7e]+$/.test(token)) return token
  throw new UpstreamUnavailable('token_malformed')
}

// A token that the upstream does not know any more is ended; one that it did not let us end is not.
function refuseUnheard({ status }: Response): void {
  if (status === 401 || status === 403) throw new UpstreamUnavailable(`status_${status}`)
}

/** An upstream that says "a million years" means "never"; a century keeps every sum finite (REL-R8). */
const longest = 100 * 365 * 86_400

// A no is final and ends the grant, so only what RFC 6749 §5.2 calls invalid_grant is one. Our own expired secret is an
// alarm for the operator, and never a reason to log people out.
//
// oauth4webapi's errors carry the upstream's whole answer. Ours are thrown into tools, which log what they catch, so of the
// answer they keep the name of the error and nothing that could be a token.
function judge({ errorNames = {} }: Upstream, cause: unknown): Error {
  if (cause instanceof UpstreamUnavailable) return cause
  if (!(cause instanceof oauth.ResponseBodyError)) {
    return new UpstreamUnavailable('answer_not_usable', { cause: new Error(cause instanceof Error ? cause.message : 'unknown') })
  }
  const error = errorNames[cause.error] ?? (/^[a-z_-]{1,64}$/.test(cause.error) ? cause.error : 'error_without_name')
  return error === 'invalid_grant' ? new UpstreamRefused(error) : new UpstreamUnavailable(error)
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
