import type { ExtensionOptions } from './options.ts'
import { parseDpop, refuseUse } from './parse-dpop.ts'
import { type IdentityAssertions, parseIdentityAssertions } from './parse-identity-assertions.ts'
import type { DpopPolicy } from './tokens/dpop-proofs.ts'

/** The extensions that are on. */
export interface Extensions {
  readonly pushedRequests: 'allowed' | 'required' | undefined
  readonly identityAssertions: IdentityAssertions | undefined
  readonly dpop: DpopPolicy | undefined
}

/** Parses the extensions; what is left out is off. */
export function parseExtensions({ pushedRequests, identityAssertions, dpop }: ExtensionOptions = {}, problems: string[]): Extensions {
  if (pushedRequests !== undefined) refuseUse('extensions.pushedRequests', pushedRequests, problems)
  return {
    pushedRequests,
    identityAssertions: identityAssertions && parseIdentityAssertions(identityAssertions, problems),
    dpop: dpop === undefined ? undefined : parseDpop(dpop, problems),
  }
}
