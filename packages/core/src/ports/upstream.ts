import type { IncludedScopes } from '../protocol/scope-hierarchy.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import type { UpstreamQuirks, UpstreamScopes } from './upstream-dialect.ts'

/** Who the upstream says the person is. */
export interface Identity {
  /** The upstream's stable id of the person; never an e-mail address and never a login name. Of several providers, with the key of that provider and `|` before it. */
  readonly subject: string
  /** The key of the provider with which the person signed in, where there are several. No provider says this itself. */
  readonly provider?: string
  /** What else the upstream said, trimmed by the provider; a tool sees it, nothing of it overrides our claims. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** What `identify` answers: who the person is, and all that the upstream said of them, for the operator's hooks. Of that nothing is kept but what they pick. */
export interface Identified extends Identity {
  readonly said?: Readonly<Record<string, unknown>>
}

/** The upstream in the name of a person. Our own token never goes there. */
export interface UpstreamAccess {
  readonly accessToken: string
  /** What the upstream granted. */
  readonly scopes: readonly string[]
  /** Calls the upstream with that token. */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>
}

/** The upstream's tokens, as its token endpoint answered, in our words. */
export interface UpstreamTokens {
  readonly accessToken: string
  readonly refreshToken?: string
  /** The moment the access token ends; absent when it never does. */
  readonly expiresAt?: UnixSeconds
  /** What the upstream granted; absent when it did not say, which means: as requested (RFC 6749 §5.1). */
  readonly scopes?: readonly string[]
}

/** How an upstream wants our client credentials (RFC 6749 §2.3.1, RFC 7523 §2.2). With a `clientAssertion` among the options it is `private_key_jwt`, whatever the provider says. */
export type UpstreamClientAuthentication = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none'

/** What the exchange of the code told beside the tokens. It is there once, at the login. */
export interface LoginFacts {
  /** The claims of the ID token, which was verified; absent where the upstream is no OpenID provider. */
  readonly idToken?: Readonly<Record<string, unknown>>
  /** The answer of the token endpoint, without its tokens. */
  readonly answer: Readonly<Record<string, unknown>>
}

/**
 * What `identify` is given: the upstream access token, and calls with a deadline and a size limit. Those as the person reject with {@link UpstreamRefused} on
 * 401 and {@link UpstreamUnavailable} on anything but 2xx JSON.
 */
export interface UpstreamCall {
  readonly accessToken: string
  /** Our registration, for upstreams that say whom a token is for. */
  readonly client: UpstreamClientCredentials
  readonly endpoints: UpstreamEndpoints
  /** Absent when the upstream is asked again later. */
  readonly login?: LoginFacts
  /** What is known of the person from the login; absent at the login itself. A provider takes from it what it was told then and cannot be told again. */
  readonly known?: Identity
  /** GETs `url` as the person. */
  getJson(url: string, headers?: Readonly<Record<string, string>>): Promise<unknown>
  /** POSTs JSON to `url` as the person; nothing where `body` is undefined. */
  postJson(url: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<unknown>
  /** Makes a request as it is, without the access token, as ourselves or as nobody; what a status below 500 means is for the caller to say. */
  ask(url: string, init: RequestInit): Promise<{ readonly status: number; readonly json: unknown }>
}

/** Where an upstream is. */
export interface UpstreamEndpoints {
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** Where tokens are refreshed. Default: the token endpoint, as RFC 6749 §6 has it. */
  readonly refreshEndpoint?: string
  readonly revocation?: UpstreamRevocation
  /** The `iss` that the upstream adds to its answers, where it does (RFC 9207); checked when it is sent. */
  readonly issuer?: string
  /** Where an OpenID provider says who the person is (OpenID Connect Core §5.3). */
  readonly userinfoEndpoint?: string
}

/** An OpenID provider: its document says where it is, and its ID token who signed in (OpenID Connect Discovery §4, Core §3.1.3.7). */
export interface OpenId {
  /** As it names itself, to the letter: `iss` of its document, its ID tokens and its answers. */
  readonly issuer: string
  /** Where its document is. Default: the issuer and `/.well-known/openid-configuration`. */
  readonly discoveryUrl?: string
  /** How the document names the issuer, where that is not the issuer itself: `https://login.microsoftonline.com/{tenantid}/v2.0`. */
  readonly documentIssuer?: string
  /** The issuer that an ID token has to name, by its claims, which nobody has verified yet; undefined when there is none to accept. Default: `issuer`. */
  readonly issuerOf?: (claims: Readonly<Record<string, unknown>>) => string | undefined
}

/** Endpoints that are known beforehand. */
export interface KnownEndpoints extends UpstreamEndpoints {
  readonly openId?: never
}

/** Endpoints that are read from the document of an OpenID provider when they are first needed. */
export interface DiscoveredEndpoints {
  readonly openId: OpenId
  /** Where the document does not say how tokens are ended; `never` where what it says ends more than the tokens of one login. */
  readonly revocation?: UpstreamRevocation | 'never'
}

/** An upstream authorization server, as data and one function. A provider is one of these. */
export type Upstream = OAuthUpstream | OpenIdUpstream

/** An upstream by its endpoints. */
export interface OAuthUpstream extends UpstreamTraits, KnownEndpoints {}

/** An upstream by its issuer. */
export interface OpenIdUpstream extends UpstreamTraits, DiscoveredEndpoints {}

/** What an upstream is like, wherever it is. */
export interface UpstreamTraits {
  /** For people: `GitHub`. Shown on the consent page. */
  readonly name: string
  readonly clientAuthentication: UpstreamClientAuthentication
  /** Asked for when the operator names no scopes. */
  readonly defaultScopes: readonly string[]
  /** Whether the upstream takes a PKCE challenge (RFC 7636); most ignore what they do not know. */
  readonly pkce: boolean
  /** Added to the authorization request, over what we send ourselves. */
  readonly authorizeParameters?: Readonly<Record<string, string>>
  /** Added to every token request. */
  readonly tokenParameters?: Readonly<Record<string, string>>
  /** How scopes are written there, and what goes beside those of our clients. */
  readonly scopes?: UpstreamScopes
  /** Whether the upstream is told which MCP endpoint its token is for (RFC 8707), in each request to it. Default: false; many refuse what they do not know. */
  readonly forwardsResource?: boolean
  /** How long an access token lives that can be refreshed and does not say. Default: it never ends. */
  readonly assumedLifetime?: Seconds
  readonly quirks?: UpstreamQuirks
  /** Scopes that a scope of this upstream includes, by that one. Answers of upstreams leave them out; a token with the one passes where the other is needed. */
  readonly includedScopes?: IncludedScopes
  /** The upstream's own names for errors, and the ones of RFC 6749 §5.2 that they mean. */
  readonly errorNames?: Readonly<Record<string, 'invalid_grant' | 'invalid_client'>>
  /** What is wrong with the provider's own options; the `ConfigurationError` lists it with everything else. */
  readonly problems?: readonly string[]
  /** Asks the upstream who the person is, and, where it can say, whether the token was given to us. Throws {@link UpstreamRefused} when it was not. */
  identify(call: UpstreamCall): Promise<Identified>
}

/** Where and how the upstream's tokens are ended: RFC 7009, or a call of the provider's own. */
export type UpstreamRevocation =
  | { readonly endpoint: string }
  | { request(accessToken: string, upstreamClient: UpstreamClientCredentials): { url: string; init: RequestInit } }

/** Our registration with the upstream. */
export interface UpstreamClientCredentials {
  readonly clientId: string
  readonly clientSecret?: string
  /** Makes what proves us in place of a secret, for that audience (RFC 7523 §2.2). */
  readonly clientAssertion?: (audience: string) => Promise<string>
}

/** The upstream did not answer, or not in a way that can be used. Passes; becomes 503. */
export class UpstreamUnavailable extends Error {
  override readonly name = 'UpstreamUnavailable'
  /** A fact for the operator: `deadline`, `unreachable`, `status_500`, `not_json`, `invalid_client`... */
  readonly reason: string
  /** False when the request was certainly not carried out, so that it can be made again: it never reached the upstream, or came too often, or the upstream did not take us for its client. */
  readonly sent: boolean
  /** Seconds to wait, where the upstream said. */
  readonly retryAfter?: Seconds

  constructor(reason: string, { sent = true, retryAfter, cause }: { sent?: boolean; retryAfter?: Seconds; cause?: unknown } = {}) {
    super(`the upstream is unavailable: ${reason}`, { cause })
    this.reason = reason
    this.sent = sent
    if (retryAfter !== undefined) this.retryAfter = retryAfter
  }
}

/** The upstream said no to this token, code or refresh token. Final; the grant ends. */
export class UpstreamRefused extends Error {
  override readonly name = 'UpstreamRefused'
  /** The upstream's error code, for the operator. */
  readonly reason: string

  constructor(reason: string, cause?: unknown) {
    super(`the upstream refused: ${reason}`, { cause })
    this.reason = reason
  }
}

/** Nobody logged in at the upstream for this grant: a client has it for itself, or for an assertion. A tool has nothing to call the upstream with. */
export class NoUpstream extends Error {
  override readonly name = 'NoUpstream'

  constructor() {
    super('Nobody logged in at the upstream for this access token: a client has it for itself, or for an assertion of an identity.')
  }
}
