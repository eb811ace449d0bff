import { type Environment, JwtVerifier, RemoteAuthProvider, type RemoteServerOptions } from '@drawbridge/core'
import { type RemoteIssuer, serverOf } from './internal/issuer-of.ts'

/** The options of {@link Auth0RemoteProvider}. */
export interface Auth0RemoteProviderOptions extends RemoteServerOptions {
  /** The domain of the tenant, or one of your own: `https://my-domain.eu.auth0.com`. */
  readonly domain: string
  /** The identifier of the API that stands for this server at Auth0, where it is not the URL of the MCP endpoint. Default: that URL. */
  readonly audience?: string
  /**
   * Counts the `permissions` of a token as scopes. They are what the person may do, whatever the client asked for, so that each client may do all of it. Default: false, what the client was
   * granted counts.
   */
  readonly permissionsAreScopes?: boolean
}

/**
 * Auth0 where it registers MCP clients itself. The subject is the `user_id`. Throws `ConfigurationError` with every problem of the options. For an Auth0 with one app that you
 * register there is `Auth0Provider`.
 */
export class Auth0RemoteProvider extends RemoteAuthProvider {
  constructor({ domain, audience, permissionsAreScopes, ...options }: Auth0RemoteProviderOptions, environment?: Environment) {
    const own = { domain, ...(audience !== undefined && { audience }), ...(permissionsAreScopes !== undefined && { permissionsAreScopes }) }
    super({ ...auth0Remote(own), ...options }, environment)
  }
}

/**
 * Auth0 as data. Its issuer ends with a slash. Tokens of either access token profile pass: one names the client in `client_id`, the other in `azp`.
 * @see https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
 * @see https://auth0.com/ai/docs/mcp/guides/resource-param-compatibility-profile
 */
export function auth0Remote({
  domain,
  audience,
  permissionsAreScopes = false,
}: Pick<Auth0RemoteProviderOptions, 'domain' | 'audience' | 'permissionsAreScopes'>): RemoteIssuer {
  const server = serverOf('domain', domain, 'https://my-domain.eu.auth0.com')
  const verifier = new JwtVerifier({
    issuer: `${server}/`,
    jwksUri: `${server}/.well-known/jwks.json`,
    ...(audience !== undefined && { audience }),
    ...(permissionsAreScopes && { scopeClaims: ['scope', 'permissions'] }),
  })
  return { authorizationServers: `${server}/`, verifier }
}
