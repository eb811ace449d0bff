import type { ExtensionOptions } from './options.ts'
import { type IdentityAssertions, parseIdentityAssertions } from './parse-identity-assertions.ts'

/** The extensions that are on. */
export interface Extensions {
  readonly pushedRequests: 'allowed' | 'required' | undefined
  readonly identityAssertions: IdentityAssertions | undefined
}

/** Parses the extensions; what is left out is off. */
export function parseExtensions({ pushedRequests, identityAssertions }: ExtensionOptions = {}, problems: string[]): Extensions {
  if (pushedRequests !== undefined && pushedRequests !== 'allowed' && pushedRequests !== 'required') {
    problems.push("extensions.pushedRequests is neither 'allowed' nor 'required'")
  }
  return { pushedRequests, identityAssertions: identityAssertions && parseIdentityAssertions(identityAssertions, problems) }
}
