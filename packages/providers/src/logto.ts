import type { Environment, OAuthProxyOptions, OpenIdUpstream, UpstreamTraits } from '@drawbridge/core'
import { readServer } from './internal/read-server.ts'
import { usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is Logto's own among the options of {@link LogtoProvider}. */
export interface LogtoOptions {
  /** The endpoint, in the cloud or of your own: `https://my-tenant.logto.app`. */
  readonly serverUrl: string
  /** The API that tools call with the upstream's token, by its resource indicator: `https://api.example.com`. Default: none; the token is good for userinfo only. */
  readonly resource?: string
  /** Whether a person's roles are asked for. Default: false. */
  readonly roles?: boolean
  /** Whether a person's organizations, and the roles in them, are asked for. Default: false. */
  readonly organizations?: boolean
}

/** The options of {@link LogtoProvider}. */
export interface LogtoProviderOptions extends OAuthProxyOptions, LogtoOptions {}

/** Logto. Tokens live an hour and are refreshed. The subject is the id of the user. Throws `ConfigurationError` with every problem of the options. */
export class LogtoProvider extends OidcProvider {
  constructor({ serverUrl, resource, roles = false, organizations = false, ...options }: LogtoProviderOptions, environment?: Environment) {
    super(options, logto({ serverUrl, ...(resource !== undefined && { resource }), roles, organizations }), environment)
  }
}

/**
 * Logto as data. It is built on `oidc-provider`, and names itself in its answers (RFC 9207).
 * @see https://docs.logto.io/integrate-logto/application-data-structure
 * @see https://github.com/logto-io/logto/blob/master/packages/core/src/oidc/init.ts
 */
export function logto({ serverUrl, resource, roles = false, organizations = false }: LogtoOptions): OpenIdUpstream {
  const server = readServer('serverUrl', serverUrl, 'https://my-tenant.logto.app')
  const isUri = resource === undefined || (URL.canParse(resource) && !resource.includes('#'))
  const always = ['offline_access', ...(roles ? ['roles'] : []), ...(organizations ? organizationScopes : [])]
  const traits = { scopes: { always }, authorizeParameters: askingForRefreshTokens }
  return describeOidc({
    name: 'Logto',
    issuer: `${server.value}/oidc`,
    claimNames: [...usualClaims, 'username', 'roles', 'organizations', 'organization_roles'],
    ...(resource === undefined ? traits : { ...ofAnApi(resource, always), userinfo: false }),
    problems: [...server.problems, ...(isUri ? [] : [`resource ${JSON.stringify(resource)} is not like https://api.example.com`])],
  })
}

// `offline_access` is dropped from a request that does not ask for consent; the app of an operator's own shows no page for it.
// @see https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess
const askingForRefreshTokens = { prompt: 'consent' }

// @see https://github.com/logto-io/logto/blob/master/packages/toolkit/core-kit/src/openid.ts
const organizationScopes = ['urn:logto:scope:organizations', 'urn:logto:scope:organization_roles']

// A token for an API is not for userinfo, so the ID token alone says who the person is. Its answer names the scopes of that API and no others; where a person may do
// nothing there it names none, which must not be taken for all that was asked for.
// @see https://docs.logto.io/authorization/global-api-resources
function ofAnApi(
  resource: string,
  always: readonly string[],
): Pick<UpstreamTraits, 'scopes' | 'authorizeParameters' | 'tokenParameters' | 'quirks'> {
  return {
    scopes: { always, unnamed: ['profile', 'email'] },
    authorizeParameters: { ...askingForRefreshTokens, resource },
    tokenParameters: { resource },
    quirks: { readAnswer: (answer) => ({ ...answer, scope: answer.scope || 'openid' }) },
  }
}
