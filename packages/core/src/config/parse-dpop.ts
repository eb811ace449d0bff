import type { DpopPolicy } from '../tokens/dpop-proofs.ts'
import type { ExtensionOptions } from './options.ts'

/** Parses the option `extensions.dpop`. */
export function parseDpop(dpop: NonNullable<ExtensionOptions['dpop']>, problems: string[]): DpopPolicy {
  const { use = 'allowed', nonce = false } = typeof dpop === 'object' ? dpop : { use: dpop }
  refuseUse(typeof dpop === 'object' ? 'extensions.dpop.use' : 'extensions.dpop', use, problems)
  if (typeof nonce !== 'boolean') problems.push('extensions.dpop.nonce is neither true nor false')
  return { required: use === 'required', nonce }
}

/** Adds a problem for a use that is none. */
export function refuseUse(name: string, use: unknown, problems: string[]): void {
  if (use !== 'allowed' && use !== 'required') problems.push(`${name} is neither 'allowed' nor 'required'`)
}
