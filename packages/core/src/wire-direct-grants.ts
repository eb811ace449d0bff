import { verifyAssertion } from './assertions/verify-assertion.ts'
import type { Config } from './config/config.ts'
import { openIssuers } from './config/parse-identity-assertions.ts'
import type { Records } from './records/records.ts'
import { clientCredentialsHandler } from './token/client-credentials.ts'
import type { GiveGrantNeeds } from './token/give-grant.ts'
import type { GrantHandler } from './token/grant-handler.ts'
import { redeemAssertionHandler } from './token/redeem-assertion.ts'

/** The grant types that need no login, of those that are on (RFC 6749 §4.4, RFC 7523 §2.1). */
export function directGrantTypes({ staticClients, identityAssertions }: Config): string[] {
  const clients = [...staticClients.values()].some(({ grantTypes }) => grantTypes.includes('client_credentials'))
  return [...(clients ? ['client_credentials'] : []), ...(identityAssertions ? ['urn:ietf:params:oauth:grant-type:jwt-bearer'] : [])]
}

/** Their handlers, by their names. */
export function wireDirectGrants(
  config: Config,
  needs: GiveGrantNeeds & { readonly issuer: string; readonly records: Records },
): Record<string, GrantHandler> {
  const { identityAssertions } = config
  const all: Record<string, GrantHandler> = {
    client_credentials: clientCredentialsHandler({ ...config, ...needs }),
    ...(identityAssertions && {
      'urn:ietf:params:oauth:grant-type:jwt-bearer': redeemAssertionHandler({
        ...config,
        ...identityAssertions,
        ...needs,
        verifyAssertion: verifyAssertion(needs),
        trustedIssuers: openIssuers(identityAssertions, needs),
      }),
    }),
  }
  const on = directGrantTypes(config)
  return Object.fromEntries(Object.entries(all).filter(([name]) => on.includes(name)))
}
