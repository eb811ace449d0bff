import type { AuthorizeUser } from '../callback/open-grant.ts'
import type { StaticClient } from '../clients/static-client.ts'
import type { ConsentMode } from '../consent/ask-consent.ts'
import type { RateLimit } from '../http/rate-limit.ts'
import type { RecordedEvent } from '../ports/events.ts'
import type { Store } from '../ports/store.ts'
import type { TelemetryOf } from '../ports/telemetry.ts'
import type { Upstream } from '../ports/upstream.ts'
import type { Lifetimes } from '../protocol/lifetimes.ts'
import type { IncludedScopes } from '../protocol/scope-hierarchy.ts'
import type { Seconds } from '../protocol/time.ts'
import type { SigningKeyInput } from '../tokens/keys.ts'
import type { IdentityAssertionOptions } from './parse-identity-assertions.ts'

/** The options of every provider. Documented here and nowhere else. */
export interface OAuthProxyOptions {
  /** Where the operational endpoints are, as browsers see it, mount prefix included: `https://mcp.example.com/api`. https, or http on loopback. */
  readonly baseUrl: string
  /** Our identity: the `issuer` of the metadata, `iss` of tokens and redirects. Default: `baseUrl`. */
  readonly issuerUrl?: string
  /** Where the MCP endpoints are, below `baseUrl` and without its path. Each is a resource of its own. Default: `/mcp`. */
  readonly mcpPath?: string | readonly string[]
  /** Our registration with the upstream. */
  readonly clientId: string
  /** Its secret. Only an upstream that wants none goes without. */
  readonly clientSecret?: string
  /** Signs access tokens and nothing else. A list rotates: the first signs, all verify. No default: a key made at random logs everybody out on restart. */
  readonly jwtSigningKey: SigningKeyInput | readonly SigningKeyInput[]
  /** Where all state is. No default: it decides what survives a restart. */
  readonly clientStorage: Store
  /** `many` requires a store that every host shares. Default: `one`, which any store can do. */
  readonly hosts?: 'one' | 'many'
  /** Begins the names of all records, so that deployments can share a store. Default: `drawbridge-` and 10 digits of the issuer's hash. */
  readonly namespace?: string
  /** Allows a store that others can read and that is not sealed: whoever reads it has every grant in it, with the upstream's tokens. Default: false. */
  readonly dangerouslyStorePlain?: boolean
  /** The scopes a token needs on the MCP endpoint, and what a client gets that asks for none. Default: the provider's; of several, none. */
  readonly requiredScopes?: readonly string[]
  /** Is told what happens, without secrets. Never awaited; what it throws is dropped. Default: nobody is told. */
  readonly onEvent?: (event: RecordedEvent) => void
  /** How long things live; each default has its reason beside it. */
  readonly lifetimes?: Partial<Lifetimes>
  readonly clients?: ClientOptions
  readonly scopes?: ScopeOptions
  readonly consent?: ConsentOptions
  readonly upstream?: UpstreamOptions
  readonly verification?: VerificationOptions
  readonly limits?: LimitOptions
  readonly observability?: ObservabilityOptions
  readonly extensions?: ExtensionOptions
}

/** The options that are our registration with one upstream. */
export type UpstreamClientOption = 'clientId' | 'clientSecret'

/** The options that are not. */
export type SharedOptions = Omit<OAuthProxyOptions, UpstreamClientOption>

/** The options of a server with several providers: those of every provider, but for what is of one alone. */
export interface SeveralProvidersOptions extends SharedOptions {
  /** With whom people can sign in, by a key that stays: it is in the provider's callback, `/auth/callback/{key}`, and in the subjects of its people. In the order of the page where people choose. The first is the one that was there alone before, if there was one. */
  readonly providers: Readonly<Record<string, ProviderOptions>>
}

/** Several upstreams, as `OAuthProxy` takes them. */
export type SeveralUpstreams = Pick<SeveralProvidersOptions, 'providers'>

/** One of several providers. */
export interface ProviderOptions extends Pick<OAuthProxyOptions, UpstreamClientOption>, UpstreamDealingOptions {
  /** The upstream as data, as each provider exports it: `github()`. */
  readonly upstream: Upstream
  /** What this upstream is asked for: in its own words, whatever the client asks us for. Default: the provider's. */
  readonly scopes?: readonly string[]
  /** Allows a person of this provider, denies, or narrows the client's scopes. `upstream.authorizeUser` has to agree. Default: everyone whom this upstream signs in. */
  readonly authorizeUser?: AuthorizeUser
}

/** Which clients may register, and for what. */
export interface ClientOptions {
  /** Who may register at `/register`. `closed`: nobody; listed clients, those that are URLs, and those that registered before, stay. Default: `open`, anybody: MCP clients appear by themselves, and what one may do is decided by the person. */
  readonly registration?: 'open' | 'closed' | RegistrationOptions
  /** Scopes that a client may ask for beside `requiredScopes` and `offline_access`. Default: none. */
  readonly validScopes?: readonly string[]
  /** Clients that the operator registers by hand. Default: none. */
  readonly static?: readonly StaticClient[]
  /** Private-use schemes without a dot that redirect URIs may have. Default: those of known MCP clients. */
  readonly redirectSchemes?: readonly string[]
  /**
   * Where answers may be sent at all, as patterns: the whole URI, and `*` for one or more of letters, digits, `-`, `.`, `_` and `~`, never for a slash. On loopback any port fits.
   * A redirect URI has to be the client's own and on this list, when it registers and in each request. Default: no list, every redirect URI that can be registered.
   */
  readonly redirectUris?: readonly string[]
  /** Clients whose id is the URL of a document about them, which we read (client ID metadata documents). `false` for none. Default: those of every public host, as of clients that register. */
  readonly metadataDocuments?: false | MetadataDocumentOptions
}

/** Whose documents are read, for clients whose id is a URL. */
export interface MetadataDocumentOptions {
  /** The hosts whose documents are taken, each as in a URL: `claude.ai`, `localhost:8001`. Default: all. */
  readonly trustedHosts?: readonly string[]
  /** For development: reads documents and keys from this machine too, and over http there. Strangers could make this server call whatever listens on it. Default: false. */
  readonly dangerouslyAllowLoopback?: boolean
}

/** How clients register, where it is neither `open` to anybody nor `closed`. */
export interface RegistrationOptions {
  /** Whether each registration needs an initial access token (RFC 7591 §3), which `auth.createInitialAccessToken` makes. Default: false, since few MCP clients can be told one. */
  readonly initialAccessToken?: boolean
  /**
   * Lets a client read, replace and remove what it registered, at an address and with a token of its own that it is told when it registers (RFC 7592). It needs a store that keeps lists. Default: false, which is a secret less to keep.
   */
  readonly managed?: boolean
  /**
   * Keeps clients in their own ids, sealed by this secret of 32 bytes or more, and nothing of them in the store: no flood fills it, and no loss of it forgets them. A list rotates: the first seals, all open. Such a
   * client never ends by itself and cannot be taken back; `auth.revoke({ clientId })` ends what it was granted. Default: clients are in the store.
   */
  readonly sealedWith?: string | Uint8Array | readonly (string | Uint8Array)[]
}

/** How scopes relate, and what a client may have of them. */
export interface ScopeOptions {
  /** Scopes that a scope includes, at any depth: `{ admin: ['read', 'write'] }` lets a token with `admin` pass where `read` is needed. Added to the provider's own. */
  readonly includes?: IncludedScopes
  /** Whether a client may ask for no more than it registered, or for `requiredScopes` where it registered none. Default: false, so that a client can step up without registering again. */
  readonly registeredIsLimit?: boolean
  /** Who gets a refresh token: clients with the grant type and whoever was granted `offline_access`, or only those that have both. Default: `grant-type`, because few clients ask for that scope. */
  readonly refreshTokens?: RefreshTokenPolicy
}

/** Which grants get a refresh token. */
export type RefreshTokenPolicy = 'grant-type' | 'offline-access'

/** How often one address may call. */
export interface LimitOptions {
  /** Counts requests where you like, and has a second for it; `false` counts nothing, and then nothing stops a flood or a guesser. Default: a window of a minute in each process, wide enough for hosted clients. */
  readonly rateLimit?: RateLimit | false
  /** Proxies of yours in front, each of which adds to `X-Forwarded-For`; with more than there are, callers choose their address. Default: 0, the header is not looked at. */
  readonly trustedProxies?: number
}

/** How what happens is seen from outside, beside `onEvent`. */
export interface ObservabilityOptions {
  /**
   * The header in which your proxy gives each request an id: it is ours then too. Only for a proxy that replaces what callers send there, since they would choose their ids otherwise. Default: none, and each
   * request gets an id of ours.
   */
  readonly requestIdHeader?: string
  /** Watches requests, the store and the upstream: `openTelemetry()` of `@drawbridge/core/opentelemetry`. Default: nothing does, and nothing is measured. */
  readonly telemetry?: TelemetryOf
}

/** The consent page. */
export interface ConsentOptions {
  /** What people know this MCP server as. Default: the host of `baseUrl`. */
  readonly serverName?: string
  /**
   * When people are asked. Default: `always`, at every login.
   *
   * `remembered`: not again for 90 days, while the grant of the last login lives, by the same person in the same browser, for the same client, redirect URI and resource and
   * no more scopes; and only for a login that no other site sent the browser to, of a client that names the resource.
   *
   * `external`: never by us. **Dangerous unless the upstream itself shows people which MCP client asks, every time.** Any client that
   * registers gets, through whoever follows its link with a living login at the upstream, all that this person may do here.
   */
  readonly mode?: ConsentMode
  /** With `remembered`, also for clients that receive on loopback or by a scheme of their own, where another program can pose as them: for computers on which you decide what runs. Default: false. */
  readonly rememberNative?: boolean
}

/** How the upstream is dealt with. */
export interface UpstreamOptions extends UpstreamDealingOptions {
  /** How long the upstream's last answer stands while it cannot be reached. Default: a day, an outage that people remember. */
  readonly staleFor?: Seconds
  /** Allows a person (true), denies (false), or narrows the scopes to those returned; it has 10 seconds. Default: everyone whom the upstream signs in. */
  readonly authorizeUser?: AuthorizeUser
}

/** What an upstream is told beside what its provider says, and what is taken from it. */
export interface UpstreamDealingOptions {
  /**
   * Claims that tools see beside the provider's, by their names, each with its place in what the upstream says: `{ department: 'user.department' }`. They are kept with
   * every grant; one of more than 1024 characters is left out. Default: none.
   */
  readonly claims?: Readonly<Record<string, string>>
  /** Proves us to the upstream in place of `clientSecret` (`private_key_jwt`, RFC 7523 §2.2). Default: `clientSecret` does. */
  readonly clientAssertion?: ClientAssertionOptions
  /** Added to the authorization request, over the provider's own: `{ prompt: 'select_account' }`. Default: none. */
  readonly authorizeParameters?: Readonly<Record<string, string>>
  /** Added to every token request, over the provider's own. Default: none. */
  readonly tokenParameters?: Readonly<Record<string, string>>
}

/** What proves us without a secret: a private key, or a function that gets an assertion for that audience from elsewhere within 10 seconds, such as from the platform that we run on. */
export type ClientAssertionOptions = ClientAssertionKey | ((audience: string) => Promise<string>)

/** The private key whose public half the upstream has, as a JWK (its `kid` is sent, its `alg` may be `PS256`), PEM or object. */
export interface ClientAssertionKey {
  readonly key: SigningKeyInput
  /** The certificate of that key, as PEM, for upstreams that find it by its thumbprint (`x5t#S256`). Default: none. */
  readonly certificate?: string
}

/** How access tokens are verified. */
export interface VerificationOptions {
  /** Seconds for which a token that was verified is not looked up again; a revocation takes as long to be seen. Default: 0, each call looks. */
  readonly cacheFor?: Seconds
  /** MCP servers elsewhere whose tokens we issue, and who may ask about them at `/introspect` (RFC 7662). Default: none, and no such endpoint. */
  readonly resourceServers?: readonly ResourceServer[]
}

/** An MCP server elsewhere. Our own gate does not accept the tokens that are for it. */
export interface ResourceServer {
  /** Its URL, as its protected resource metadata has it: the `aud` of its tokens. */
  readonly resource: string
  /** What it authenticates with at `/introspect`, by `client_secret_basic` or `client_secret_post`. 32 characters of secret at least. */
  readonly clientId: string
  readonly clientSecret: string
}

/** What goes beyond MCP's authorization specification. Everything here is off by default. */
export interface ExtensionOptions {
  /**
   * Pushed authorization requests (RFC 9126): a client sends its request to `/par`, and only a reference goes through the browser. With `required`
   * no other request is taken, which few MCP clients can meet. Default: off.
   */
  readonly pushedRequests?: 'allowed' | 'required'
  /** Enterprise-managed authorization (SEP-990): takes an enterprise's word for who a person is and which client may act for them. Default: off. */
  readonly identityAssertions?: IdentityAssertionOptions
  /**
   * The device grant (RFC 8628): a client on a device without a browser shows a code, which a person types in at `/device`, on a phone for instance.
   * Whoever is sent a code by somebody else and types it in gives that somebody access, so turn it on only where a client needs it. It has no redirect URI,
   * so `clients.redirectUris` keeps no such client away. Default: false.
   */
  readonly deviceGrant?: boolean
  /**
   * Access tokens that are bound to a key of the client (DPoP, RFC 9449), so that a copy of one is worth nothing without that key. A client that brings a proof gets
   * them; with `required` there are no others. They are good only at our own gate, `authenticate`, and each call with one writes to the store, so that no proof is used
   * twice. Default: off.
   */
  readonly dpop?: 'allowed' | 'required' | DpopOptions
}

/** DPoP, more closely. */
export interface DpopOptions {
  /** Whether bearer tokens are issued and taken as well (`allowed`), or not (`required`). Default: `allowed`. */
  readonly use?: 'allowed' | 'required'
  /** Whether proofs need a nonce of ours, so that nobody can make them in advance; a client is told one, and asks twice. Default: false, since each proof is good once and for minutes anyway. */
  readonly nonce?: boolean
}
