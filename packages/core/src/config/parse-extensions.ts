import type { DpopPolicy } from '../tokens/dpop-proofs.ts'
import type { ExtensionOptions } from './options.ts'
import { parseDpop, refuseUse } from './parse-dpop.ts'
import { type IdentityAssertions, parseIdentityAssertions } from './parse-identity-assertions.ts'

/** The extensions that are on. */
export interface Extensions {
  readonly pushedRequests: 'allowed' | 'required' | undefined
  readonly deviceGrant: boolean
  readonly identityAssertions: IdentityAssertions | undefined
  readonly dpop: DpopPolicy | undefined
}

/** Parses the extensions; what is left out is off. */
export function parseExtensions(
  { pushedRequests, deviceGrant = false, identityAssertions, dpop }: ExtensionOptions = {},
  problems: string[],
): Extensions {
  if (typeof deviceGrant !== 'boolean') problems.push('extensions.deviceGrant is neither true nor false')
  if (pushedRequests !== undefined) refuseUse('extensions.pushedRequests', pushedRequests, problems)
  return {
    pushedRequests,
    deviceGrant,
    identityAssertions: identityAssertions && parseIdentityAssertions(identityAssertions, problems),
    dpop: dpop === undefined ? undefined : parseDpop(dpop, problems),
  }
}
