import { type Environment, OAuthProxy, type OAuthProxyOptions, type Upstream } from '@drawbridge/core'
import { describeUpstream, type OAuthServer } from './oauth.ts'
import { describeOidc, type OidcServer } from './oidc.ts'

/** A provider as a class: `new AcmeProvider(options)`. */
export interface DefinedProvider {
  /** Throws `ConfigurationError` with every problem of the options and of the server. */
  new (options: OAuthProxyOptions, environment?: Environment): OAuthProxy
  /** The same as data, for several providers on one server. */
  readonly upstream: Upstream
}

/**
 * Makes a provider of any upstream: of an OAuth 2 server by its endpoints, or of an OpenID provider by its issuer alone.
 * `const AcmeProvider = defineProvider({ name: 'Acme', issuer: 'https://id.acme.example' })`.
 */
export function defineProvider(server: OAuthServer | OidcServer): DefinedProvider {
  const upstream = 'authorizationEndpoint' in server ? describeUpstream(server) : describeOidc(server)
  return class extends OAuthProxy {
    static readonly upstream: Upstream = upstream
    constructor(options: OAuthProxyOptions, environment?: Environment) {
      super(options, upstream, environment)
    }
  }
}
