import type { Environment, OAuthProxyOptions, OAuthUpstream } from '@drawbridge/core'
import { describeUpstream, OAuthProvider } from './oauth.ts'

/**
 * Figma: tokens live ninety days and are refreshed, with a refresh token that stays the same. The subject is the id of the user. Throws `ConfigurationError` with every
 * problem of the options.
 */
export class FigmaProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, figma(), environment)
  }
}

/**
 * Figma as data. Its codes live 30 seconds.
 * @see https://developers.figma.com/docs/rest-api/oauth-apps/
 */
export function figma(): OAuthUpstream {
  return describeUpstream({
    name: 'Figma',
    authorizationEndpoint: 'https://www.figma.com/oauth',
    tokenEndpoint: 'https://api.figma.com/v1/oauth/token',
    refreshEndpoint: 'https://api.figma.com/v1/oauth/refresh',
    defaultScopes: ['current_user:read'],
    // Who the person is, is told to nobody without it.
    scopes: { always: ['current_user:read'] },
    userEndpoint: 'https://api.figma.com/v1/me',
    subjectMember: 'id',
    claimNames: ['handle', 'email', 'img_url'],
  })
}
