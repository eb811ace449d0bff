import type { Environment, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { readId, readServer } from './internal/read-server.ts'
import { usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is Okta's own among the options of {@link OktaProvider}. */
export interface OktaOptions {
  /** The domain of the org, or one of your own: `https://my-org.okta.com`. */
  readonly domain: string
  /** The custom authorization server: `default`, or an id like `aus9o8wzkhckw9TLa0h7z`. Default: the org authorization server, whose access tokens are for Okta alone. */
  readonly authorizationServer?: string
  /** Whether the groups of a person are asked for (scope `groups`), which an administrator has to set up first. Default: false. */
  readonly groups?: boolean
}

/** The options of {@link OktaProvider}. */
export interface OktaProviderOptions extends OAuthProxyOptions, OktaOptions {}

/**
 * Okta: the org authorization server, or a custom one. Tokens are refreshed; refresh tokens rotate where the app is set up so. The subject is the id of the user.
 * Throws `ConfigurationError` with every problem of the options.
 */
export class OktaProvider extends OidcProvider {
  constructor({ domain, authorizationServer, groups, ...options }: OktaProviderOptions, environment?: Environment) {
    const own = { domain, ...(authorizationServer !== undefined && { authorizationServer }), ...(groups !== undefined && { groups }) }
    super(options, okta(own), environment)
  }
}

/**
 * Okta as data. Its ID tokens leave out what userinfo says, so userinfo is asked.
 * @see https://developer.okta.com/docs/reference/api/oidc/
 * @see https://developer.okta.com/docs/concepts/auth-servers/
 */
export function okta({ domain, authorizationServer, groups = false }: OktaOptions): OpenIdUpstream {
  const org = readServer('domain', domain, 'https://my-org.okta.com')
  const custom = authorizationServer === undefined ? undefined : readId('authorizationServer', authorizationServer, 'default')
  return describeOidc({
    name: 'Okta',
    issuer: custom ? `${org.value}/oauth2/${custom.value}` : org.value,
    claimNames: [...usualClaims, 'groups'],
    // @see https://developer.okta.com/docs/guides/refresh-tokens/main/
    scopes: { always: ['offline_access', ...(groups ? ['groups'] : [])] },
    problems: [...org.problems, ...(custom?.problems ?? [])],
  })
}
