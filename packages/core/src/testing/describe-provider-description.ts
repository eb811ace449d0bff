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
  /** Where the browser is sent, in full, with `{state}`, `{challenge}` and `{nonce}` where those go. */
  readonly authorizationUrl: string
  /** What a client is granted that asks for no scope. */
  readonly defaultScopes: readonly string[]
  /** The `iss` that the upstream adds to its answers (RFC 9207), where it does. */
  readonly issuer?: string
  /** An OpenID provider's document and its ID tokens. */
  readonly openId?: OpenIdExample
  /** The upstream code for tokens. The verifier is `{verifier}`. An ID token is added to the answer. */
  readonly exchange: TokenExample
  /** A refresh token for tokens; absent where tokens do not expire. */
  readonly refresh?: TokenExample
  readonly identity: IdentityExample
  /** What it is asked beside: whether the token was given to us, mostly. */
  readonly asks?: readonly AskExample[]
  /** The claim in which a tool, and `authorizeUser`, find the person's groups, teams or roles. */
  readonly groups?: string
  /** How its tokens are ended: those of {@link ProviderDescription.exchange}; absent where they cannot be. */
  readonly revocation?: RequestExample
  /** The errors of its token endpoint, by its own names. */
  readonly errors: readonly ErrorExample[]
  /** How it answers when other scopes are asked for. */
  readonly scopes?: readonly ScopeExample[]
  /** The authorization parameter they are in. Default: `scope`. */
  readonly scopeParameter?: string
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
  /** Absent where the ID token alone says it; `answer` is its claims then. */
  readonly request?: RequestExample
  readonly answer: Readonly<Record<string, unknown>>
  readonly identity: Identity
  /** The members of the answer that the subject is made of, by their paths: `id`, `user.id`, `data.0.id`. */
  readonly idMember: string | readonly string[]
  /** How it answers about a token that it gave to another app, where it says so here. */
  readonly foreign?: Readonly<Record<string, unknown>>
}

/** Another question that is asked at the login, and a real answer to it. */
export interface AskExample {
  readonly request: RequestExample
  readonly answer: Readonly<Record<string, unknown>>
  /** How it answers about a token that it gave to another app, where it says so here. */
  readonly foreign?: { readonly status: number; readonly answer: Readonly<Record<string, unknown>> }
}

/** An OpenID provider as it describes itself, and what its ID tokens say. */
export interface OpenIdExample {
  readonly discoveryUrl: string
  /** Its document, with the issuer, the endpoints and `jwks_uri`. */
  readonly document: Readonly<Record<string, unknown>> & { readonly issuer: string; readonly jwks_uri: string }
  /** The claims of an ID token about the person; those of the protocol are added. */
  readonly idToken: Readonly<Record<string, unknown>>
  /** Its `iss`, where that is not the issuer of the document. */
  readonly issuerOf?: (claims: Readonly<Record<string, unknown>>) => string
}

/** An error of the token endpoint. */
export interface ErrorExample {
  readonly status: number
  readonly answer: Readonly<Record<string, unknown>>
  /** `refused`: the code or refresh token is no good, which is final. `unavailable`: anything else, which ends nothing. */
  readonly means: 'refused' | 'unavailable'
}

/** Scopes asked for, the `scope` of the token answer (absent: it has none), and what is granted. */
export interface ScopeExample {
  readonly requested: readonly string[]
  /** What the upstream is asked for, where it has other words, or more. */
  readonly sent?: string
  readonly answered?: unknown
  readonly granted: readonly string[]
}
