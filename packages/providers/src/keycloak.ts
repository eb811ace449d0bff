import type { Environment, Identified, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { claimsOfAccessToken } from './internal/claims-of-access-token.ts'
import { readServer } from './internal/read-server.ts'
import { pickClaims, usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is Keycloak's own among the options of {@link KeycloakProvider}. */
export interface KeycloakOptions {
  /** The realm: `https://keycloak.example.com/realms/my-realm`. Before Keycloak 17, and where it was set up so, with `/auth` before `/realms`. */
  readonly realmUrl: string
  /** Whether a person's login outlives their session at the realm (an offline session, scope `offline_access`). Default: true; without it people sign in again after half an hour without a refresh. */
  readonly offlineAccess?: boolean
}

/** The options of {@link KeycloakProvider}. */
export interface KeycloakProviderOptions extends OAuthProxyOptions, KeycloakOptions {}

/**
 * A realm of Keycloak, with one client that you register. Tokens live five minutes and are refreshed; refresh tokens rotate where the realm is set up so. The
 * subject is the id of the user. Throws `ConfigurationError` with every problem of the options. Where the realm registers MCP clients itself there is
 * `KeycloakRemoteProvider`.
 */
export class KeycloakProvider extends OidcProvider {
  constructor({ realmUrl, offlineAccess, ...options }: KeycloakProviderOptions, environment?: Environment) {
    super(options, keycloak({ realmUrl, ...(offlineAccess !== undefined && { offlineAccess }) }), environment)
  }
}

/**
 * A realm as data. It names itself in its answers (RFC 9207).
 * @see https://www.keycloak.org/securing-apps/oidc-layers
 */
export function keycloak({ realmUrl, offlineAccess = true }: KeycloakOptions): OpenIdUpstream {
  const { value: issuer, problems } = readServer('realmUrl', realmUrl, realmForm)
  const upstream = describeOidc({
    name: 'Keycloak',
    issuer,
    clientAuthentication: 'client_secret_post',
    // With the token it takes back the person's consent to the client, which is that of all their logins.
    // @see https://www.keycloak.org/securing-apps/oidc-layers#_token_revocation_endpoint
    revocation: 'never',
    claimNames: [...usualClaims, 'groups', 'roles'],
    // @see https://www.keycloak.org/docs/latest/server_admin/#_offline-access
    ...(offlineAccess && { scopes: { always: ['offline_access'] } }),
    problems: [...problems, ...(/\/realms\/[^/]+$/.test(issuer) ? [] : [`realmUrl ${JSON.stringify(realmUrl)} is not like ${realmForm}`])],
  })
  return { ...upstream, identify: async (call) => withRoles(await upstream.identify(call), call.accessToken) }
}

const realmForm = 'https://keycloak.example.com/realms/my-realm'

// A realm puts roles into the access token alone, unless a mapper says otherwise. The realm itself gave us that token, so its signature has nothing to add.
// @see https://www.keycloak.org/docs/latest/server_admin/#_client_scopes_protocol
function withRoles({ subject, claims, said }: Identified, accessToken: string): Identified {
  const { realm_access, resource_access } = claimsOfAccessToken(accessToken)
  const all: Record<string, unknown> = { realm_access, resource_access, ...said }
  const roles = all.roles ?? Object.entries(all.realm_access ?? {}).find(([name]) => name === 'roles')?.[1]
  return { subject, claims: { ...claims, ...pickClaims({ roles }, ['roles']) }, said: all }
}
