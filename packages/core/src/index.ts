export type { AuthorizedUpstream, AuthorizeUser } from './callback/open-grant.ts'
export type { CreatedInitialAccessToken, InitialAccessTokenOptions } from './clients/initial-access-tokens.ts'
export type { StaticClient } from './clients/static-client.ts'
export type {
  ClientAssertionKey,
  ClientAssertionOptions,
  ClientOptions,
  ConsentOptions,
  DpopOptions,
  ExtensionOptions,
  LimitOptions,
  MetadataDocumentOptions,
  OAuthProxyOptions,
  ObservabilityOptions,
  ProviderOptions,
  RefreshTokenPolicy,
  RegistrationOptions,
  ResourceServer,
  ScopeOptions,
  SeveralProvidersOptions,
  SeveralUpstreams,
  UpstreamOptions,
  VerificationOptions,
} from './config/options.ts'
export type { IdentityAssertionOptions, TrustedIssuerOptions } from './config/parse-identity-assertions.ts'
export type { RemoteAuthOptions, RemoteServerOptions } from './config/remote-options.ts'
export type { ConsentMode } from './consent/ask-consent.ts'
export type { AuthorizationServerMetadata } from './discovery/authorization-server.ts'
export type { ScopeChallenge, ScopeChallengeHandler } from './gate/require-scopes.ts'
export type { ToolScopes } from './gate/scopes-of-calls.ts'
export type { Handler } from './http/endpoint.ts'
export type { Peer } from './http/peer.ts'
export type { RateLimit, RateLimitKind } from './http/rate-limit.ts'
export type { AuthenticateOptions, McpAuth, VerifyOptions } from './mcp-auth.ts'
export { MultiAuth, type MultiAuthOptions } from './multi-auth.ts'
export { OAuthProxy } from './oauth-proxy.ts'
export type { RevokeTarget } from './operator.ts'
export type { Directory, DirectoryPage } from './ports/directory.ts'
export { type Environment, systemEnvironment } from './ports/environment.ts'
export type { Emit, Event, RecordedEvent } from './ports/events.ts'
export { AddressRefused, type FetchPinned, type PinnedRequest } from './ports/pinned-fetch.ts'
export { type Entry, type Examination, type Finding, type Reach, type Store, StoreUnavailable, StoreUnreadable } from './ports/store.ts'
export type { Operation, Telemetry, TelemetryOf } from './ports/telemetry.ts'
export type { TokenVerifier, VerifiedToken, VerifierCall } from './ports/token-verifier.ts'
export {
  type DiscoveredEndpoints,
  type Identified,
  type Identity,
  type KnownEndpoints,
  type LoginFacts,
  NoUpstream,
  type OAuthUpstream,
  type OpenId,
  type OpenIdUpstream,
  type Upstream,
  type UpstreamAccess,
  type UpstreamCall,
  type UpstreamClientAuthentication,
  type UpstreamClientCredentials,
  type UpstreamEndpoints,
  UpstreamRefused,
  type UpstreamRevocation,
  type UpstreamTokens,
  type UpstreamTraits,
  UpstreamUnavailable,
} from './ports/upstream.ts'
export type { UpstreamQuirks, UpstreamScopes } from './ports/upstream-dialect.ts'
export { ConfigurationError, type ErrorCode, OAuthError } from './protocol/errors.ts'
export type { Lifetimes } from './protocol/lifetimes.ts'
export type { Resource } from './protocol/public-url.ts'
export type { IncludedScopes } from './protocol/scope-hierarchy.ts'
export type { Seconds, UnixSeconds } from './protocol/time.ts'
export type { Resealed } from './records/reseal.ts'
export { RemoteAuthProvider } from './remote-auth-provider.ts'
export type { Route } from './routes.ts'
export type { IdentityClaims, IdentityOfAssertion } from './token/redeem-assertion.ts'
export type { SigningKeyInput } from './tokens/keys.ts'
export type { UpstreamHandle } from './tokens/upstream-handle.ts'
export type { AuthInfo, AuthInfoExtra } from './tokens/verify-access-token.ts'
export type { GivenKeys } from './verifiers/given-keys.ts'
export { IntrospectionVerifier, type IntrospectionVerifierOptions } from './verifiers/introspection-verifier.ts'
export type { JwtAlgorithm } from './verifiers/jwt-header.ts'
export { JwtVerifier, type JwtVerifierOptions } from './verifiers/jwt-verifier.ts'
export type { AudiencePolicy, ClaimNames } from './verifiers/read-claims.ts'
export { type StaticToken, StaticTokenVerifier } from './verifiers/static-token-verifier.ts'
