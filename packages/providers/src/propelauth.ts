import { type Environment, IntrospectionVerifier, RemoteAuthProvider, type RemoteServerOptions, type Seconds } from '@drawbridge/core'
import { type RemoteIssuer, serverOf } from './internal/issuer-of.ts'

/** The options of {@link PropelAuthProvider}. */
export interface PropelAuthProviderOptions extends RemoteServerOptions {
  /** The auth URL, as the dashboard shows it: `https://auth.example.com`. */
  readonly authUrl: string
  /** The credentials for introspection, from the section on request validation of the MCP page. */
  readonly introspectionClientId: string
  readonly introspectionClientSecret: string
  /** Seconds for which a good token is not asked about again; a revocation takes as long to be seen. Default: 0, each call asks. */
  readonly cacheFor?: Seconds
  /** Accepts tokens for any MCP server of the environment, for one that names none. **Each of those servers could use its callers' tokens here.** Default: false. */
  readonly dangerouslyAcceptAnyAudience?: boolean
}

type Own = Pick<
  PropelAuthProviderOptions,
  'authUrl' | 'introspectionClientId' | 'introspectionClientSecret' | 'cacheFor' | 'dangerouslyAcceptAnyAudience'
>

/**
 * PropelAuth, which registers MCP clients itself and is asked about each token. The subject is the id of the user. Throws `ConfigurationError` with every problem of the
 * options.
 */
export class PropelAuthProvider extends RemoteAuthProvider {
  constructor(options: PropelAuthProviderOptions, environment?: Environment) {
    super({ ...propelAuth(options), ...options }, environment)
  }
}

/**
 * PropelAuth as data. Its tokens are opaque; whether they are good is asked at its introspection endpoint.
 * @see https://docs.propelauth.com/mcp-authentication/overview
 * @see https://docs.propelauth.com/reference/api/mcp
 */
export function propelAuth({
  authUrl,
  introspectionClientId: clientId,
  introspectionClientSecret: clientSecret,
  cacheFor,
  dangerouslyAcceptAnyAudience,
}: Own): RemoteIssuer {
  const issuer = `${serverOf('authUrl', authUrl, 'https://auth.example.com')}/oauth/2.1`
  const verifier = new IntrospectionVerifier({
    endpoint: `${issuer}/introspect`,
    clientId,
    clientSecret,
    ...(cacheFor !== undefined && { cacheFor }),
    ...(dangerouslyAcceptAnyAudience !== undefined && { dangerouslyAcceptAnyAudience }),
  })
  return { authorizationServers: issuer, verifier }
}
