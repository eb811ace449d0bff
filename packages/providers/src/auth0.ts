import type { Environment, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { readServer } from './internal/read-server.ts'
import { usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is Auth0's own among the options of {@link Auth0Provider}. */
export interface Auth0Options {
  /** The domain of the tenant, or one of your own: `https://my-domain.eu.auth0.com`. */
  readonly domain: string
  /** The identifier of the API that tools call with the upstream's token. Default: none; the token is opaque then, and good for userinfo only. */
  readonly audience?: string
}

/** The options of {@link Auth0Provider}. */
export interface Auth0ProviderOptions extends OAuthProxyOptions, Auth0Options {}

/**
 * Auth0, with one application that you register. Tokens are refreshed; refresh tokens rotate where the application is set up so. The subject is the `user_id`.
 * Throws `ConfigurationError` with every problem of the options. Where Auth0 registers MCP clients itself there is `Auth0RemoteProvider`.
 */
export class Auth0Provider extends OidcProvider {
  constructor({ domain, audience, ...options }: Auth0ProviderOptions, environment?: Environment) {
    super(options, auth0({ domain, ...(audience !== undefined && { audience }) }), environment)
  }
}

/**
 * Auth0 as data. Its issuer ends with a slash.
 * @see https://auth0.com/docs/get-started/applications/configure-applications-with-oidc-discovery
 */
export function auth0({ domain, audience }: Auth0Options): OpenIdUpstream {
  const { value: server, problems } = readServer('domain', domain, 'https://my-domain.eu.auth0.com')
  return describeOidc({
    name: 'Auth0',
    issuer: `${server}/`,
    clientAuthentication: 'client_secret_post',
    // Somebody who signs in to an organisation has its id. @see https://auth0.com/docs/manage-users/organizations/using-tokens
    claimNames: [...usualClaims, 'nickname', 'org_id', 'org_name'],
    // @see https://auth0.com/docs/secure/tokens/refresh-tokens/get-refresh-tokens
    scopes: { always: ['offline_access'] },
    // @see https://auth0.com/docs/secure/tokens/access-tokens/get-access-tokens
    ...(audience !== undefined && { authorizeParameters: { audience } }),
    // A refresh that wants a second factor wants the person. @see https://auth0.com/docs/secure/tokens/refresh-tokens/use-refresh-tokens
    errorNames: { mfa_required: 'invalid_grant' },
    problems: [...problems, ...(audience === '' ? ['audience is empty: leave it out, or name an API'] : [])],
  })
}
