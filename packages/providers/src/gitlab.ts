import type { Environment, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { readServer } from './internal/read-server.ts'
import { usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is GitLab's own among the options of {@link GitLabProvider}. */
export interface GitLabOptions {
  /** A GitLab of your own: `https://gitlab.example.com`, or `https://example.com/gitlab`. Default: gitlab.com. */
  readonly serverUrl?: string
}

/** The options of {@link GitLabProvider}. */
export interface GitLabProviderOptions extends OAuthProxyOptions, GitLabOptions {}

/**
 * GitLab, gitlab.com or self-managed: tokens live two hours and are refreshed, with a refresh token that rotates. The subject is the account's numeric id.
 * Throws `ConfigurationError` with every problem of the options.
 */
export class GitLabProvider extends OidcProvider {
  constructor({ serverUrl, ...options }: GitLabProviderOptions, environment?: Environment) {
    super(options, gitlab(serverUrl === undefined ? {} : { serverUrl }), environment)
  }
}

/**
 * GitLab as data.
 * @see https://docs.gitlab.com/integration/openid_connect_provider/
 * @see https://docs.gitlab.com/api/oauth2/
 */
export function gitlab({ serverUrl = 'https://gitlab.com' }: GitLabOptions = {}): OpenIdUpstream {
  const { value: issuer, problems } = readServer('serverUrl', serverUrl, 'https://gitlab.example.com')
  return describeOidc({
    name: 'GitLab',
    issuer,
    clientAuthentication: 'client_secret_post',
    claimNames: [...usualClaims, 'nickname', 'groups'],
    problems,
  })
}
