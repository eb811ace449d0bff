import type { Environment, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { type ReadOption, readId, readServer } from './internal/read-server.ts'
import { usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is PingOne's own among the options of {@link PingOneProvider}. One of `environmentId` and `customDomain` is needed. */
export interface PingOneOptions {
  /** The environment, by its id: `9f1b3e82-7c45-4a1e-bd62-cc38f7a4e918`. */
  readonly environmentId?: string
  /** Where the environment is: North America, Europe, Canada, Australia, Singapore, or the former Asia-Pacific. Default: `NA`. */
  readonly region?: 'NA' | 'EU' | 'CA' | 'AU' | 'SG' | 'AP'
  /** A domain of yours that stands for one environment: `https://login.example.com`. Default: PingOne's own. */
  readonly customDomain?: string
}

/** The options of {@link PingOneProvider}. */
export interface PingOneProviderOptions extends OAuthProxyOptions, PingOneOptions {}

/** An environment of PingOne. The subject is the id of the user. Throws `ConfigurationError` with every problem of the options. */
export class PingOneProvider extends OidcProvider {
  constructor({ environmentId, region, customDomain, ...options }: PingOneProviderOptions, environment?: Environment) {
    const own = {
      ...(environmentId !== undefined && { environmentId }),
      ...(region !== undefined && { region }),
      ...(customDomain !== undefined && { customDomain }),
    }
    super(options, pingOne(own), environment)
  }
}

/**
 * An environment of PingOne as data. The ID token has the claims of the person, so userinfo is not asked.
 * @see https://developer.pingidentity.com/pingone-api/auth/openid-connect-oauth-2/discovery-openid-configuration.html
 * @see https://github.com/pingidentity/terraform-pingone-utils/blob/main/main.tf
 */
export function pingOne(options: PingOneOptions): OpenIdUpstream {
  const { value: place, problems } = placeOf(options)
  const issuer = `${place}/as`
  return describeOidc({
    name: 'PingOne',
    issuer,
    userinfo: false,
    claimNames: [...usualClaims, 'groups'],
    // @see https://developer.pingidentity.com/pingone-api/auth/openid-connect-oauth-2/token-revocation.html
    revocation: { endpoint: `${issuer}/revoke` },
    problems,
  })
}

// @see https://docs.pingidentity.com/pingone/developer_tools/p1_ip_address_domain_reference.html
const domains = { NA: 'com', EU: 'eu', CA: 'ca', AU: 'com.au', SG: 'sg', AP: 'asia' } as const

// @see https://developer.pingidentity.com/pingone-api/platform/custom-domains.html
function placeOf({ environmentId, region = 'NA', customDomain }: PingOneOptions): ReadOption {
  if (customDomain !== undefined) return readServer('customDomain', customDomain, 'https://login.example.com')
  const id = readId('environmentId', environmentId, '9f1b3e82-7c45-4a1e-bd62-cc38f7a4e918')
  const isKnown = Object.hasOwn(domains, region)
  return {
    value: `https://auth.pingone.${isKnown ? domains[region] : 'com'}/${id.value}`,
    problems: [...id.problems, ...(isKnown ? [] : [`region ${JSON.stringify(region)} is none of ${Object.keys(domains).join(', ')}`])],
  }
}
