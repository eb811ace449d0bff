import type { Environment, Identity, OAuthProxy, OAuthProxyOptions, Seconds } from '../index.ts'

/**
 * A provider and its upstream, as literals: what is asked there, and what it answers. Our registration with it is the same in
 * every description: client `upstream-client` with the secret `s3cret /+&%`, callback `https://mcp.example.com/auth/callback`;
 * its code is `upstream-code`. The secret shows whether it is encoded as this upstream expects.
 */
export interface ProviderDescription {
  /** What its tests are listed under. */
  readonly name: string
  /** Makes the provider from `options`, in which everything is set that is not the upstream's. */
  create(options: OAuthProxyOptions, environment: Environment): OAuthProxy
  /** Where the browser is sent, in full, with `{state}` and `{challenge}` where those go. */
  readonly authorizationUrl: string
  /** What a client is granted that asks for no scope. */
  readonly defaultScopes: readonly string[]
  /** The `iss` that the upstream adds to its answers (RFC 9207), where it does. */
  readonly issuer?: string
  /** The upstream code for tokens. The verifier is `{verifier}`. */
  readonly exchange: TokenExample
  /** A refresh token for tokens; absent where tokens do not expire. */
  readonly refresh?: TokenExample
  readonly identity: IdentityExample
  /** How its tokens are ended: those of {@link ProviderDescription.exchange}; absent where they cannot be. */
  readonly revocation?: RequestExample
  /** The errors of its token endpoint, by its own names. */
  readonly errors: readonly ErrorExample[]
  /** How it answers when other scopes are asked for. */
  readonly scopes?: readonly ScopeExample[]
}

/** A request as the upstream wants it: no query, no header named `accept`, `authorization` or `content-type` beside these, no parameter beside these. */
export interface RequestExample {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Its body, when that is a form. */
  readonly form?: Readonly<Record<string, string>>
  /** Its body, when that is JSON. */
  readonly json?: unknown
}

/** A token request, a real answer to it, and what that comes to. */
export interface TokenExample {
  readonly request: RequestExample
  readonly answer: Readonly<Record<string, unknown>>
  readonly tokens: {
    readonly accessToken: string
    /** All that the token is good for; as requested, where the answer does not say. */
    readonly scopes: readonly string[]
    /** Absent when the access token does not expire. */
    readonly expiresIn?: Seconds
  }
}

/** The question who the person is, a real answer to it, and what that comes to. */
export interface IdentityExample {
  readonly request: RequestExample
  readonly answer: Readonly<Record<string, unknown>>
  readonly identity: Identity
  /** The member of the answer that the subject is made of. */
  readonly idMember: string
}

/** An error of the token endpoint. */
export interface ErrorExample {
  readonly status: number
  readonly answer: { readonly error: string; readonly [member: string]: unknown }
  /** `refused`: the code or refresh token is no good, which is final. `unavailable`: anything else, which ends nothing. */
  readonly means: 'refused' | 'unavailable'
}

/** Scopes asked for, the `scope` of the token answer (absent: it has none), and what is granted. */
export interface ScopeExample {
  readonly requested: readonly string[]
  readonly answered?: string
  readonly granted: readonly string[]
}
