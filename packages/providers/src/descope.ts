import { ConfigurationError, type Environment, JwtVerifier, RemoteAuthProvider, type RemoteServerOptions } from '@drawbridge/core'
import { type RemoteIssuer, serverOf } from './internal/issuer-of.ts'

/** The options of {@link DescopeProvider}. */
export interface DescopeProviderOptions extends RemoteServerOptions {
  /** The discovery URL or the issuer of the MCP server, as the console shows it: `https://api.descope.com/v1/apps/agentic/P.../M...`. */
  readonly discoveryUrl: string
  /** The id of the project. Default: what the URL has. */
  readonly projectId?: string
  /** More issuers of the project whose tokens pass: that of the whole project, `https://api.descope.com/v1/apps/P...`, or one of a tenant. Default: none. */
  readonly otherIssuers?: readonly string[]
}

/**
 * Descope, which registers MCP clients itself. The subject is the id of the user. Throws `ConfigurationError` with every problem of the options.
 */
export class DescopeProvider extends RemoteAuthProvider {
  constructor({ discoveryUrl, projectId, otherIssuers, ...options }: DescopeProviderOptions, environment?: Environment) {
    const own = { discoveryUrl, ...(projectId !== undefined && { projectId }), ...(otherIssuers && { otherIssuers }) }
    super({ ...descope(own), ...options }, environment)
  }
}

/**
 * An MCP server at Descope as data. All of a project have the same keys and audience, the project; the issuer is what tells them apart. What names the client is not documented, so that the subject
 * stands in for it where neither `client_id` nor `azp` is there.
 * @see https://docs.descope.com/agentic-identity-hub/mcp-servers/discovery-url
 */
export function descope({
  discoveryUrl,
  projectId,
  otherIssuers = [],
}: Pick<DescopeProviderOptions, 'discoveryUrl' | 'projectId' | 'otherIssuers'>): RemoteIssuer {
  const form = 'https://api.descope.com/v1/apps/agentic/P.../M...'
  const issuer = serverOf('discoveryUrl', discoveryUrl?.replace(/\/\.well-known\/openid-configuration\/?$/, ''), form)
  const [, found] = /\/v1\/apps\/(?:agentic\/)?([A-Za-z0-9]+)(?:\/|$)/.exec(new URL(issuer).pathname) ?? []
  const audience = projectId ?? (found === 'agentic' ? undefined : found)
  if (!audience || !/^[A-Za-z0-9]+$/.test(audience))
    throw new ConfigurationError([`projectId is missing: ${issuer} has none, as ${form} does`])
  const verifier = new JwtVerifier({
    issuer: [issuer, ...otherIssuers],
    jwksUri: `${new URL(issuer).origin}/${audience}/.well-known/jwks.json`,
    audience,
    clientIdClaims: ['client_id', 'azp', 'sub'],
  })
  return { authorizationServers: issuer, verifier }
}
