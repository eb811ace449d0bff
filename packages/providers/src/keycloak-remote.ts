import { type Environment, JwtVerifier, RemoteAuthProvider, type RemoteServerOptions } from '@drawbridge/core'
import { type RemoteIssuer, serverOf } from './internal/issuer-of.ts'

/** The options of {@link KeycloakRemoteProvider}. */
export interface KeycloakRemoteProviderOptions extends RemoteServerOptions {
  /** The realm: `https://keycloak.example.com/realms/my-realm`. */
  readonly realmUrl: string
  /** What the audience mapper writes into tokens, where it is not the URL of the MCP endpoint. Default: that URL. */
  readonly audience?: string
}

/**
 * A realm of Keycloak that registers MCP clients itself. The subject is the id of the user. Throws `ConfigurationError` with every problem of the options. For a realm with one client that
 * you register there is `KeycloakProvider`.
 */
export class KeycloakRemoteProvider extends RemoteAuthProvider {
  constructor({ realmUrl, audience, ...options }: KeycloakRemoteProviderOptions, environment?: Environment) {
    super({ ...keycloakRemote({ realmUrl, ...(audience !== undefined && { audience }) }), ...options }, environment)
  }
}

/**
 * A realm as data. Keycloak signs ID tokens, refresh tokens and tokens of its own pages too; `typ` among the claims tells them apart.
 * @see https://www.keycloak.org/securing-apps/mcp-authz-server
 * @see https://www.keycloak.org/securing-apps/oidc-layers
 */
export function keycloakRemote({ realmUrl, audience }: Pick<KeycloakRemoteProviderOptions, 'realmUrl' | 'audience'>): RemoteIssuer {
  const issuer = serverOf('realmUrl', realmUrl, 'https://keycloak.example.com/realms/my-realm')
  const verifier = new JwtVerifier({
    issuer,
    jwksUri: `${issuer}/protocol/openid-connect/certs`,
    requiredClaims: { typ: 'Bearer' },
    ...(audience !== undefined && { audience }),
  })
  return { authorizationServers: issuer, verifier }
}
