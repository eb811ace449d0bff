import type { Environment, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { pickClaims, usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/**
 * Hugging Face: tokens live eight hours, or as long as the app says, and are refreshed, with a refresh token that rotates. The subject is the account's id, which stays
 * when the person renames it. Throws `ConfigurationError` with every problem of the options.
 */
export class HuggingFaceProvider extends OidcProvider {
  constructor(options: OAuthProxyOptions, environment?: Environment) {
    super(options, huggingFace(), environment)
  }
}

/**
 * Hugging Face as data. A public app, which has no secret: `{ ...huggingFace(), clientAuthentication: 'none' }`.
 * @see https://huggingface.co/docs/hub/oauth
 * @see https://huggingface.co/.well-known/openid-configuration
 */
export function huggingFace(): OpenIdUpstream {
  const upstream = describeOidc({ name: 'Hugging Face', issuer: 'https://huggingface.co', defaultScopes: ['openid', 'profile'] })
  return {
    ...upstream,
    async identify(call) {
      const { claims, said = {}, ...person } = await upstream.identify(call)
      return { ...person, claims: { ...claims, ...pickClaims({ ...said, orgs: orgsOf(said) }, [...usualClaims, 'orgs']) }, said }
    },
  }
}

/** The person's organisations, by what stays and what people read. Of each, userinfo says ten times as much. */
function orgsOf({ orgs }: Readonly<Record<string, unknown>>): unknown {
  if (!Array.isArray(orgs)) return null
  return orgs.map((org: unknown) => (org instanceof Object ? pickClaims({ ...org }, ['sub', 'preferred_username', 'roleInOrg']) : null))
}
