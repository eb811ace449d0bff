export type { Directory, DirectoryPage } from './ports/directory.ts'
export { type Environment, systemEnvironment } from './ports/environment.ts'
export type { Emit, Event, RecordedEvent } from './ports/events.ts'
export { type Entry, type Reach, type Store, StoreUnavailable, StoreUnreadable } from './ports/store.ts'
export {
  type Identity,
  type Upstream,
  type UpstreamCall,
  type UpstreamClientAuthentication,
  type UpstreamClientCredentials,
  type UpstreamQuirks,
  UpstreamRefused,
  type UpstreamRevocation,
  type UpstreamTokens,
  UpstreamUnavailable,
} from './ports/upstream.ts'
export { ConfigurationError, type ErrorCode, OAuthError } from './protocol/errors.ts'
export type { Seconds, UnixSeconds } from './protocol/time.ts'
