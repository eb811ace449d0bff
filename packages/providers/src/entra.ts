import type { Environment, OAuthProxy, OAuthProxyOptions, OpenIdUpstream, UpstreamAccess } from '@drawbridge/core'
import { groupsOf } from './internal/entra-groups.ts'
import { entraScopes } from './internal/entra-scopes.ts'
import { type EntraTenant, placeOf, refuseIds, refuseTenant } from './internal/entra-tenant.ts'
import { type OnBehalfOf, onBehalfOf } from './internal/on-behalf-of.ts'
import { pickClaims, requireSubject } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** The tenant and the app registration. */
export interface EntraOptions extends EntraTenant {
  /**
   * The Application ID URI, where clients ask for scopes of an API of your own: `api://11111111-2222-3333-4444-555555555555`. A scope without a `/` is one of that API then:
   * clients see `read`, Entra `api://…/read`. Default: it is one of Microsoft Graph.
   */
  readonly identifierUri?: string
  /** What people agree to when they sign in beside that, for APIs that tools call on behalf of them: `https://graph.microsoft.com/Mail.Read`. Default: nothing. */
  readonly additionalAuthorizeScopes?: readonly string[]
  /**
   * The groups that matter, by their object ids: those of them that the person was in at the login are the claim `groups`. Default: all that the ID token
   * names, while they fit into 512 characters, which are 13.
   */
  readonly groups?: readonly string[]
}

/** The options of {@link EntraProvider}. */
export interface EntraProviderOptions extends OAuthProxyOptions, EntraOptions {}

export { onBehalfOf }

/** Microsoft Entra ID: one directory or many, and external tenants. Throws `ConfigurationError` with every problem. */
export class EntraProvider extends OidcProvider {
  readonly #onBehalfOf: OnBehalfOf

  constructor(options: EntraProviderOptions, environment?: Environment) {
    const { tenantId, allowedTenants, baseAuthority, identifierUri, additionalAuthorizeScopes, groups, ...others } = options
    super(others, entra(options), environment)
    this.#onBehalfOf = onBehalfOf(environment)
  }

  /** Another API in the name of the person, by {@link onBehalfOf}. Rejects as `upstream()` does, too. */
  async onBehalfOf(authInfo: Parameters<OAuthProxy['upstream']>[0], scopes: readonly string[]): Promise<UpstreamAccess> {
    return this.#onBehalfOf(await this.upstream(authInfo), scopes)
  }
}

/** `xms_edov` says whether the e-mail address was verified, where the registration asks for it; Entra has no `email_verified`. */
const claimNames: readonly string[] = ['name', 'preferred_username', 'email', 'xms_edov', 'tid', 'oid', 'roles', 'groups']

/**
 * Entra as an upstream. Its ID token says everything: its userinfo is a part of Microsoft Graph, and knows neither the `oid` nor the groups. It has no way to
 * end tokens, and refuses `resource` (AADSTS901002).
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference
 */
export function entra(server: EntraOptions): OpenIdUpstream {
  const { identifierUri, groups } = server
  const { openId, graph } = placeOf(server)
  return describeOidc({
    ...openId,
    name: 'Microsoft',
    clientAuthentication: 'client_secret_post',
    scopes: entraScopes(server, graph),
    // Whoever has to prove more, or to agree, signs in again.
    errorNames: { interaction_required: 'invalid_grant', consent_required: 'invalid_grant' },
    problems: [
      ...refuseTenant(server),
      ...refuseIds('groups', groups ?? []),
      ...(identifierUri === undefined || URL.canParse(identifierUri) ? [] : [`identifierUri "${identifierUri}" is not a URI`]),
    ],
    async identify(call) {
      // Later there is no ID token; what Entra has against the person is in its answer to the next refresh.
      if (call.known) return call.known
      const idToken = call.login?.idToken ?? {}
      const said = groups ? { ...idToken, groups: await groupsOf(idToken, groups, call, { graph, identifierUri }) } : idToken
      // An oid is one person's in one directory. An address or a name is whatever an administrator writes there.
      // @see https://learn.microsoft.com/en-us/entra/identity-platform/claims-validation
      return { subject: `${requireSubject(said.tid)}.${requireSubject(said.oid)}`, claims: pickClaims(said, claimNames), said }
    },
  })
}
