import type { Environment, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { pickClaims, requireSubject } from './oauth.ts'
import { claimsOf, describeOidc, OidcProvider } from './oidc.ts'

/** The identity domain. */
export interface OciOptions {
  /** Its URL, as the console shows it: `https://idcs-0123456789abcdef0123456789abcdef.identity.oraclecloud.com`. */
  readonly domainUrl: string
  /** How it names itself, where an administrator has set that. Default: `https://identity.oraclecloud.com/`, as every domain does. */
  readonly issuer?: string
}

/** The options of {@link OciProvider}. */
export interface OciProviderOptions extends OAuthProxyOptions, OciOptions {}

/** An identity domain of Oracle Cloud Infrastructure. Throws `ConfigurationError` with every problem of the options. */
export class OciProvider extends OidcProvider {
  constructor({ domainUrl, issuer, ...options }: OciProviderOptions, environment?: Environment) {
    super(options, oci({ domainUrl, ...(issuer !== undefined && { issuer }) }), environment)
  }
}

const claimNames: readonly string[] = ['name', 'preferred_username', 'email', 'email_verified', 'user_displayname', 'user_tenantname']

/**
 * An identity domain as an upstream. All domains share the issuer; whose keys are at the domain's own URL decides.
 * @see https://docs.oracle.com/en-us/iaas/Content/Identity/api-getstarted/usingopenidconnect.htm
 */
export function oci({ domainUrl, issuer = 'https://identity.oraclecloud.com/' }: OciOptions): OpenIdUpstream {
  const isUrl = /^https:\/\/[^/?#]+\/?$/.test(domainUrl) && URL.canParse(domainUrl)
  const domain = isUrl ? new URL(domainUrl).origin : domainUrl
  return describeOidc({
    issuer,
    discoveryUrl: `${domain}/.well-known/openid-configuration`,
    name: 'Oracle Cloud',
    scopes: { always: ['offline_access'] },
    problems: isUrl ? [] : [`domainUrl "${domainUrl}" is not the https URL of an identity domain`],
    async identify(call) {
      const said = await claimsOf(call, true)
      // `sub` is the name to sign in with, which an administrator can change and give to somebody else; the GUID, which only the ID token has, stays.
      return {
        subject: call.known?.subject ?? requireSubject(said.user_id),
        claims: { ...call.known?.claims, ...pickClaims(said, claimNames) },
        said,
      }
    },
  })
}
