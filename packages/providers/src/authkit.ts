import { type Environment, JwtVerifier, RemoteAuthProvider, type RemoteServerOptions } from '@drawbridge/core'
import { type RemoteIssuer, serverOf } from './internal/issuer-of.ts'

/** The options of {@link AuthKitProvider}. */
export interface AuthKitProviderOptions extends RemoteServerOptions {
  /** The AuthKit domain, as the dashboard of WorkOS shows it: `https://your-app.authkit.app`, or one of your own. */
  readonly authkitDomain: string
}

/**
 * WorkOS AuthKit, which registers MCP clients itself. The subject is the id of the WorkOS user. Throws `ConfigurationError` with every problem of the options.
 */
export class AuthKitProvider extends RemoteAuthProvider {
  constructor({ authkitDomain, ...options }: AuthKitProviderOptions, environment?: Environment) {
    super({ ...authKit({ authkitDomain }), ...options }, environment)
  }
}

/**
 * AuthKit as data. Its tokens name the MCP endpoint as their audience where the client sent it as `resource`, and the WorkOS environment otherwise; only the first kind passes.
 * @see https://workos.com/docs/authkit/mcp
 * @see https://workos.com/docs/authkit/connect/token-claims
 */
export function authKit({ authkitDomain }: Pick<AuthKitProviderOptions, 'authkitDomain'>): RemoteIssuer {
  const issuer = serverOf('authkitDomain', authkitDomain, 'https://your-app.authkit.app')
  return { authorizationServers: issuer, verifier: new JwtVerifier({ issuer, jwksUri: `${issuer}/oauth2/jwks` }) }
}
