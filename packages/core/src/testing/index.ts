export { pinnedFetch } from '../ports/pinned-fetch.ts'
export { describeProvider } from './describe-provider.ts'
export type {
  AskExample,
  ErrorExample,
  IdentityExample,
  OpenIdExample,
  ProviderDescription,
  RequestExample,
  ScopeExample,
  TokenExample,
} from './describe-provider-description.ts'
export type {
  DocumentExample,
  IntrospectionExample,
  IssuerKeysExample,
  RemoteProviderDescription,
  TokenOfIssuer,
} from './describe-remote-description.ts'
export { describeRemoteProvider } from './describe-remote-provider.ts'
export { type FixedEnvironment, fixedEnvironment } from './fixed-environment.ts'
export { upstreamCall } from './upstream-call.ts'
