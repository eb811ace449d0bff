import type { Environment, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { describeOidc, OidcProvider } from './oidc.ts'

/** The user pool. */
export interface CognitoOptions {
  /** Its id, which begins with its region: `eu-central-1_Abc123xyz`. */
  readonly userPoolId: string
}

/** The options of {@link CognitoProvider}. */
export interface CognitoProviderOptions extends OAuthProxyOptions, CognitoOptions {}

/** A user pool of Amazon Cognito. Throws `ConfigurationError` with every problem of the options. */
export class CognitoProvider extends OidcProvider {
  constructor({ userPoolId, ...options }: CognitoProviderOptions, environment?: Environment) {
    super(options, cognito({ userPoolId }), environment)
  }
}

/**
 * A user pool as an upstream. Its ID token says everything: userinfo knows no groups, and has the `email_verified` as a text.
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
 */
export function cognito({ userPoolId }: CognitoOptions): OpenIdUpstream {
  const [, region] = /^([a-z]{2,}(?:-[a-z]+)+-\d+)_[A-Za-z0-9]+$/.exec(userPoolId) ?? []
  const domain = region?.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return describeOidc({
    issuer: `https://cognito-idp.${region}.${domain}/${userPoolId}`,
    name: 'Amazon Cognito',
    userinfo: false,
    claimNames: ['name', 'preferred_username', 'email', 'email_verified', 'cognito:username', 'cognito:groups'],
    problems: region === undefined ? [`userPoolId "${userPoolId}" is not the id of a user pool, such as eu-central-1_Abc123xyz`] : [],
  })
}
