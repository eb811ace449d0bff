import { type Environment, type OAuthProxyOptions, type OAuthUpstream, UpstreamRefused } from '@drawbridge/core'
import { membersOf } from './internal/members-of.ts'
import { describeUpstream, OAuthProvider, pickClaims, requireObject, requireSubject } from './oauth.ts'

/**
 * Linear: tokens live a day and are refreshed, with a refresh token that changes each time. The subject is the person's id in the workspace. Throws
 * `ConfigurationError` with every problem of the options.
 */
export class LinearProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, linear(), environment)
  }
}

/**
 * Linear as data.
 * @see https://linear.app/developers/oauth-2-0-authentication
 */
export function linear(): OAuthUpstream {
  return describeUpstream({
    name: 'Linear',
    authorizationEndpoint: 'https://linear.app/oauth/authorize',
    tokenEndpoint: 'https://api.linear.app/oauth/token',
    clientAuthentication: 'client_secret_post',
    defaultScopes: ['read'],
    // `read` is there whether it is asked for or not.
    scopes: { separator: ',', always: ['read'] },
    // Of apps from before December 2023.
    quirks: { scopesInList: true },
    revocation: { endpoint: 'https://api.linear.app/oauth/revoke' },
    async identify(call) {
      const answer = requireObject(await call.postJson('https://api.linear.app/graphql', { query }))
      if (refusesToken(answer.errors)) throw new UpstreamRefused('token_not_accepted')
      const said = membersOf(answer.data)
      const viewer = membersOf(said.viewer)
      const { id: organization_id, name: organization, urlKey: organization_url_key } = membersOf(said.organization)
      const claims = pickClaims({ ...viewer, organization_id, organization, organization_url_key }, claimNames)
      return { subject: requireSubject(viewer.id), claims, said }
    },
  })
}

// @see https://linear.app/developers/graphql
const query = '{ viewer { id name displayName email } organization { id name urlKey } }'

const claimNames: readonly string[] = ['name', 'displayName', 'email', 'organization_id', 'organization', 'organization_url_key']

// GraphQL may answer 200 to a token that is not known. @see https://github.com/linear/linear/blob/master/packages/sdk/src/error.ts
function refusesToken(errors: unknown): boolean {
  if (!Array.isArray(errors)) return false
  return errors.some((error) => membersOf(membersOf(error).extensions).type === 'authentication error')
}
