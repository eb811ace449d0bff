import type { ExtensionOptions } from './options.ts'

/** The extensions that are on. */
export interface Extensions {
  readonly pushedRequests: 'allowed' | 'required' | undefined
}

/** Parses the extensions; what is left out is off. */
export function parseExtensions({ pushedRequests }: ExtensionOptions = {}, problems: string[]): Extensions {
  if (pushedRequests !== undefined && pushedRequests !== 'allowed' && pushedRequests !== 'required') {
    problems.push("extensions.pushedRequests is neither 'allowed' nor 'required'")
  }
  return { pushedRequests }
}
