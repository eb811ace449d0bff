import { type Environment, JwtVerifier, RemoteAuthProvider, type RemoteServerOptions } from '@drawbridge/core'
import { idOf, type RemoteIssuer, serverOf } from './internal/issuer-of.ts'

/** The options of {@link ScalekitProvider}. */
export interface ScalekitProviderOptions extends RemoteServerOptions {
  /** The environment, as the dashboard shows it: `https://your-env.scalekit.com`. */
  readonly environmentUrl: string
  /** The id of the MCP server there: `res_926`. */
  readonly resourceId: string
}

/**
 * Scalekit, which registers MCP clients itself. The subject is the `sub` of its tokens. Throws `ConfigurationError` with every problem of the options.
 */
export class ScalekitProvider extends RemoteAuthProvider {
  constructor({ environmentUrl, resourceId, ...options }: ScalekitProviderOptions, environment?: Environment) {
    super({ ...scalekit({ environmentUrl, resourceId }), ...options }, environment)
  }
}

/**
 * An MCP server at Scalekit as data: its audience is the id that it has there. Tokens name the environment or the MCP server as their issuer. What names the client is not documented, so that the
 * subject stands in for it where neither `client_id` nor `azp` is there.
 * @see https://docs.scalekit.com/authenticate/mcp/quickstart/
 */
export function scalekit({ environmentUrl, resourceId }: Pick<ScalekitProviderOptions, 'environmentUrl' | 'resourceId'>): RemoteIssuer {
  const environment = serverOf('environmentUrl', environmentUrl, 'https://your-env.scalekit.com')
  const audience = idOf('resourceId', resourceId, 'res_926')
  const issuer = `${environment}/resources/${audience}`
  const verifier = new JwtVerifier({
    issuer: [environment, issuer],
    jwksUri: `${environment}/keys`,
    audience,
    clientIdClaims: ['client_id', 'azp', 'sub'],
  })
  return { authorizationServers: issuer, verifier }
}
