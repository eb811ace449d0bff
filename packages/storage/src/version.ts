import type { Environment } from '@drawbridge/core'

/** A version for one write: 96 random bits, so that it is never used again for a key. */
export function newVersion(environment: Environment): string {
  return Buffer.from(environment.randomBytes(12)).toString('base64url')
}
