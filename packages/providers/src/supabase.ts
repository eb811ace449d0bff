import { type Environment, JwtVerifier, RemoteAuthProvider, type RemoteServerOptions } from '@drawbridge/core'
import { type RemoteIssuer, serverOf } from './internal/issuer-of.ts'

/** The options of {@link SupabaseProvider}. */
export interface SupabaseProviderOptions extends RemoteServerOptions {
  /** The project: `https://your-ref.supabase.co`, or your own domain for it. */
  readonly projectUrl: string
  /** Where Supabase Auth is below it, for one that you host. Default: `/auth/v1`. */
  readonly authRoute?: string
}

/**
 * Supabase Auth as an OAuth 2.1 server, which registers MCP clients itself. The subject is the id of the user. **Its tokens do not name the MCP server:** one that any OAuth client of the project was
 * given passes here. Throws `ConfigurationError` with every problem of the options.
 */
export class SupabaseProvider extends RemoteAuthProvider {
  constructor({ projectUrl, authRoute, ...options }: SupabaseProviderOptions, environment?: Environment) {
    super({ ...supabase({ projectUrl, ...(authRoute !== undefined && { authRoute }) }), ...options }, environment)
  }
}

/**
 * A project as data. Only tokens of OAuth clients have a `client_id`, so that a session of the project's own pages does not pass; neither do API keys, whose role is another.
 * @see https://supabase.com/docs/guides/auth/oauth-server/mcp-authentication
 * @see https://supabase.com/docs/guides/auth/oauth-server/token-security
 */
export function supabase({ projectUrl, authRoute = '/auth/v1' }: Pick<SupabaseProviderOptions, 'projectUrl' | 'authRoute'>): RemoteIssuer {
  const project = serverOf('projectUrl', projectUrl, 'https://your-ref.supabase.co')
  const issuer = serverOf('authRoute', `${project}/${authRoute.replace(/^\/+/, '')}`, '/auth/v1')
  const verifier = new JwtVerifier({
    issuer,
    jwksUri: `${issuer}/.well-known/jwks.json`,
    // Resource indicators are not honoured. @see https://github.com/supabase/auth/issues/2610
    audience: 'authenticated',
    requiredClaims: { role: 'authenticated' },
    clientIdClaims: ['client_id'],
  })
  return { authorizationServers: issuer, verifier }
}
