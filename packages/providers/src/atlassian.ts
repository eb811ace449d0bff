import type { Environment, OAuthProxyOptions, OAuthUpstream } from '@drawbridge/core'
import { describeUpstream, OAuthProvider } from './oauth.ts'

/**
 * Atlassian (OAuth 2.0, 3LO): tokens live an hour and are refreshed, with a refresh token that changes each time. The subject is the Atlassian account's id.
 * Throws `ConfigurationError` with every problem of the options.
 */
export class AtlassianProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, atlassian(), environment)
  }
}

/**
 * Atlassian as data.
 * @see https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/
 * @see https://developer.atlassian.com/cloud/oauth/getting-started/refresh-tokens
 */
export function atlassian(): OAuthUpstream {
  return describeUpstream({
    name: 'Atlassian',
    authorizationEndpoint: 'https://auth.atlassian.com/authorize',
    tokenEndpoint: 'https://auth.atlassian.com/oauth/token',
    clientAuthentication: 'client_secret_post',
    defaultScopes: [readMe],
    // Whatever a client asks for, we have to ask who the person is, and to refresh.
    scopes: { always: [readMe, 'offline_access'] },
    authorizeParameters: { audience: 'api.atlassian.com', prompt: 'consent' },
    quirks: { missingTokenType: true },
    errorNames,
    userEndpoint: 'https://api.atlassian.com/me',
    subjectMember: 'account_id',
    claimNames: ['name', 'nickname', 'email', 'picture', 'account_type', 'account_status'],
  })
}

const readMe = 'read:me'

// A refresh token that is no good has two names, and our secret that is wrong has that of a person who says no.
// @see https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/#faq-rrt-config
const errorNames: NonNullable<OAuthUpstream['errorNames']> = {
  unauthorized_client: 'invalid_grant',
  access_denied: 'invalid_client',
}
