import type { Environment, OAuthProxyOptions, OAuthUpstream } from '@drawbridge/core'
import { describeUpstream, OAuthProvider } from './oauth.ts'

/**
 * Bitbucket Cloud: tokens live two hours and are refreshed, with a refresh token that rotates. The subject is the account's UUID. Throws `ConfigurationError` with every
 * problem of the options.
 */
export class BitbucketProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, bitbucket(), environment)
  }
}

/**
 * Bitbucket Cloud as data.
 * @see https://developer.atlassian.com/cloud/bitbucket/oauth-2/
 * @see https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/
 */
export function bitbucket(): OAuthUpstream {
  return describeUpstream({
    name: 'Bitbucket',
    authorizationEndpoint: 'https://bitbucket.org/site/oauth2/authorize',
    tokenEndpoint: 'https://bitbucket.org/site/oauth2/access_token',
    defaultScopes: ['account'],
    // Its pages do not know it.
    pkce: false,
    // Until May 2026 it named them so. @see https://community.developer.atlassian.com/t/oauth-2-0-and-api-authentication-changes-for-bitbucket-cloud/99003
    quirks: { readAnswer: ({ scopes, ...answer }) => ({ ...(typeof scopes === 'string' && { scope: scopes }), ...answer }) },
    userEndpoint: 'https://api.bitbucket.org/2.0/user',
    subjectMember: 'uuid',
    claimNames: ['display_name', 'nickname', 'account_id'],
  })
}
