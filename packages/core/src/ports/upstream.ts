import type { IncludedScopes } from '../protocol/scope-hierarchy.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'

/** Who the upstream says the person is. */
export interface Identity {
  /** The upstream's stable id of the person; never an e-mail address and never a login name. Of several providers, with the key of that provider and `|` before it. */
  readonly subject: string
  /** The key of the provider with which the person signed in, where there are several. No provider says this itself. */
  readonly provider?: string
  /** What else the upstream said, trimmed by the provider; a tool sees it, nothing of it overrides our claims. */
  readonly claims: Readonly<Record<string, unknown>>
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

/** How an upstream wants our client credentials (RFC 6749 §2.3.1). */
export type UpstreamClientAuthentication = 'client_secret_basic' | 'client_secret_post' | 'none'

/** What `identify` is given: the upstream access token's own fetch, with the token, a deadline and a size limit. */
export interface UpstreamCall {
  /** GETs `url` as the person; rejects with {@link UpstreamRefused} on 401 and {@link UpstreamUnavailable} on anything but 2xx JSON. */
  getJson(url: string, headers?: Readonly<Record<string, string>>): Promise<unknown>
}

/** An upstream authorization server, as data and one function. A provider is one of these. */
export interface Upstream {
  /** For people: `GitHub`. Shown on the consent page. */
  readonly name: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  readonly revocation?: UpstreamRevocation
  /** The `iss` that the upstream adds to its answers, where it does (RFC 9207); checked when it is sent. */
  readonly issuer?: string
  readonly clientAuthentication: UpstreamClientAuthentication
  /** Asked for when the operator names no scopes. */
  readonly defaultScopes: readonly string[]
  /** Whether the upstream takes a PKCE challenge (RFC 7636); most ignore what they do not know. */
  readonly pkce: boolean
  /** Added to the authorization request, over what we send ourselves. */
  readonly authorizeParameters?: Readonly<Record<string, string>>
  /** Added to every token request. */
  readonly tokenParameters?: Readonly<Record<string, string>>
  readonly quirks?: UpstreamQuirks
  /** Scopes that a scope of this upstream includes, by that one. Answers of upstreams leave them out; a token with the one passes where the other is needed. */
  readonly includedScopes?: IncludedScopes
  /** The upstream's own names for errors, and the ones of RFC 6749 §5.2 that they mean. */
  readonly errorNames?: Readonly<Record<string, 'invalid_grant' | 'invalid_client'>>
  /** What is wrong with the provider's own options; the `ConfigurationError` lists it with everything else. */
  readonly problems?: readonly string[]
  /** Asks the upstream who the person is. */
  identify(call: UpstreamCall): Promise<Identity>
}

/** Where and how the upstream's tokens are ended: RFC 7009, or a call of the provider's own. */
export type UpstreamRevocation =
  | { readonly endpoint: string }
  | { request(accessToken: string, upstreamClient: UpstreamClientCredentials): { url: string; init: RequestInit } }

/** Our registration with the upstream. */
export interface UpstreamClientCredentials {
  readonly clientId: string
  readonly clientSecret?: string
}

/** Departures from RFC 6749 that more than one upstream shows. */
export interface UpstreamQuirks {
  /** Errors arrive with status 200. */
  readonly errorsWithStatus200?: boolean
  /** Scopes are separated by commas. */
  readonly commaSeparatedScopes?: boolean
  /** The answer names no `token_type`. */
  readonly missingTokenType?: boolean
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
