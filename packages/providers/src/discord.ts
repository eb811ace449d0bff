import { type Environment, type OAuthProxyOptions, type OAuthUpstream, type UpstreamCall, UpstreamRefused } from '@drawbridge/core'
import { describeUpstream, OAuthProvider, pickClaims, requireObject, requireSubject } from './oauth.ts'

/** Discord: tokens live a week and are refreshed. The subject is the account's id. Throws `ConfigurationError` with every problem of the options. */
export class DiscordProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, discord(), environment)
  }
}

/**
 * Discord as data. It is not told that a token is over: it would end every token of that person's authorization, those of their other logins too.
 * @see https://docs.discord.com/developers/topics/oauth2#authorization-code-grant-token-revocation-example
 * @see https://docs.discord.com/developers/topics/oauth2
 * @see https://discord.com/.well-known/oauth-authorization-server
 */
export function discord(): OAuthUpstream {
  return describeUpstream({
    name: 'Discord',
    authorizationEndpoint: 'https://discord.com/oauth2/authorize',
    tokenEndpoint: `${api}/oauth2/token`,
    issuer: 'https://discord.com',
    clientAuthentication: 'client_secret_post',
    defaultScopes: ['identify'],
    async identify(call) {
      const [answer] = await Promise.all([call.getJson(`${api}/users/@me`), call.login && requireOurs(call)])
      const user = requireObject(answer)
      return { subject: requireSubject(user.id), claims: pickClaims(user, claimNames), said: user }
    },
  })
}

const api = 'https://discord.com/api'

// With the scope `email` the last two. @see https://docs.discord.com/developers/resources/user#user-object
const claimNames = ['username', 'global_name', 'avatar', 'email', 'verified']

// Later there is nobody to ask about: tokens are refreshed with our credentials alone.
// @see https://docs.discord.com/developers/topics/oauth2#get-current-authorization-information
async function requireOurs({ getJson, client }: UpstreamCall): Promise<void> {
  const { application } = requireObject(await getJson(`${api}/oauth2/@me`))
  if (requireObject(application).id !== client.clientId) throw new UpstreamRefused('token_of_another_app')
}
