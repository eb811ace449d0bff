import type { DpopPolicy } from '../tokens/dpop-proofs.ts'
import type { ExtensionOptions } from './options.ts'

/** Parses the option `extensions.dpop`. */
export function parseDpop(dpop: NonNullable<ExtensionOptions['dpop']>, problems: string[]): DpopPolicy {
  const isGroup = typeof dpop === 'object' && dpop !== null
  const { use = 'allowed', nonce = false, ...others } = isGroup ? dpop : { use: dpop }
  refuseUse(isGroup ? 'extensions.dpop.use' : 'extensions.dpop', use, problems)
  // `required: true` would be off in silence (threat T101).
  for (const name of Object.keys(others)) problems.push(`extensions.dpop.${name} is no option: there are use and nonce`)
  if (typeof nonce !== 'boolean') problems.push('extensions.dpop.nonce is neither true nor false')
  return { required: use === 'required', nonce }
}

/** Adds a problem for a use that is none. */
export function refuseUse(name: string, use: unknown, problems: string[]): void {
  if (use !== 'allowed' && use !== 'required') problems.push(`${name} is neither 'allowed' nor 'required'`)
}
