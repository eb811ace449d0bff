import type { Environment, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { claimsOfAccessToken } from './internal/claims-of-access-token.ts'
import { readServer } from './internal/read-server.ts'
import { pickClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is WorkOS' own among the options of {@link WorkOSProvider}. */
export interface WorkOSOptions {
  /** The AuthKit domain of the environment, or one of your own: `https://your-app.authkit.app`. */
  readonly domain: string
}

/** The options of {@link WorkOSProvider}. */
export interface WorkOSProviderOptions extends OAuthProxyOptions, WorkOSOptions {}

/**
 * WorkOS, with an OAuth application of Connect that you register: people sign in by AuthKit. Tokens live minutes and are refreshed. The subject is the id of the
 * user. Throws `ConfigurationError` with every problem of the options. Where AuthKit registers MCP clients itself there is `AuthKitProvider`.
 */
export class WorkOSProvider extends OidcProvider {
  constructor({ domain, ...options }: WorkOSProviderOptions, environment?: Environment) {
    super(options, workos({ domain }), environment)
  }
}

/**
 * WorkOS as data.
 * @see https://workos.com/docs/authkit/connect/oauth
 * @see https://workos.com/docs/reference/workos-connect/metadata/openid-configuration
 */
export function workos({ domain }: WorkOSOptions): OpenIdUpstream {
  const { value: issuer, problems } = readServer('domain', domain, 'https://your-app.authkit.app')
  const upstream = describeOidc({
    name: 'WorkOS',
    issuer,
    clientAuthentication: 'client_secret_post',
    // @see https://workos.com/docs/reference/workos-connect/authorize
    scopes: { always: ['offline_access'] },
    // It takes refresh tokens, and its document does not name it. @see https://workos.com/docs/reference/workos-connect/revocation
    revocation: { endpoint: `${issuer}/oauth2/revoke` },
    problems,
  })
  return {
    ...upstream,
    async identify(call) {
      const { claims, ...person } = await upstream.identify(call)
      return {
        ...person,
        claims: { ...claims, ...organisationOf(call.accessToken) },
        said: { ...person.said, ...organisationOf(call.accessToken) },
      }
    },
  }
}

/**
 * Only the access token says for which organisation a person signed in.
 * @see https://workos.com/docs/reference/workos-connect/token
 */
function organisationOf(accessToken: string): Record<string, unknown> {
  return pickClaims(claimsOfAccessToken(accessToken), ['org_id'])
}
