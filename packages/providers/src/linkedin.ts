import {
  type Environment,
  type OAuthProxyOptions,
  type OAuthUpstream,
  type UpstreamCall,
  UpstreamRefused,
  UpstreamUnavailable,
} from '@drawbridge/core'
import { membersOf } from './internal/members-of.ts'
import { describeUpstream, OAuthProvider, pickClaims, requireObject, requireSubject, usualClaims } from './oauth.ts'

/**
 * LinkedIn ("Sign In with LinkedIn using OpenID Connect"): tokens live 60 days, and are refreshed for approved partners alone. The subject is the member's id,
 * another one for each app. Throws `ConfigurationError` with every problem of the options.
 */
export class LinkedInProvider extends OAuthProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, linkedin(), environment)
  }
}

/**
 * LinkedIn as data. Its ID tokens repeat no nonce, so it is userinfo that says who signed in, and introspection for whom the token is.
 * @see https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow
 * @see https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
 */
export function linkedin(): OAuthUpstream {
  return describeUpstream({
    name: 'LinkedIn',
    authorizationEndpoint: `${oauth}/authorization`,
    tokenEndpoint: `${oauth}/accessToken`,
    clientAuthentication: 'client_secret_post',
    defaultScopes: ['openid', 'profile', 'email'],
    // Whatever a client asks for, we have to ask who the person is.
    scopes: { always: ['openid', 'profile'] },
    // A verifier is for native apps, and refused from others. @see https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow-native
    pkce: false,
    quirks: { missingTokenType: true, commaSeparatedScopes: true, readError },
    async identify(call) {
      await requireOurs(call)
      const said = requireObject(await call.getJson('https://api.linkedin.com/v2/userinfo'))
      return { subject: requireSubject(said.sub), claims: pickClaims(said, usualClaims), said }
    },
  })
}

const oauth = 'https://www.linkedin.com/oauth/v2'

// @see https://learn.microsoft.com/linkedin/shared/authentication/token-introspection
async function requireOurs({ ask, accessToken, client: { clientId, clientSecret = '' } }: UpstreamCall): Promise<void> {
  const body = new URLSearchParams({ client_id: clientId, client_secret: clientSecret, token: accessToken })
  const { status, json } = await ask(`${oauth}/introspectToken`, { method: 'POST', headers: { accept: 'application/json' }, body })
  if (status >= 300) throw new UpstreamUnavailable(`status_${status}`)
  const { active, client_id } = membersOf(json)
  if (active !== true) throw new UpstreamRefused('token_not_accepted')
  if (client_id !== clientId) throw new UpstreamRefused('token_of_another_app')
}

// A code that is no good comes with status 401 and the name of a request that is no good.
// @see https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow#api-error-details
function readError({ error_description: text }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof text === 'string' && text.includes('authorization code not found') ? 'invalid_grant' : undefined
}
