import { createHmac } from 'node:crypto'
import type { Environment } from '../ports/environment.ts'
import { isSameSecret } from '../protocol/compare.ts'
import type { Seconds } from '../protocol/time.ts'
import type { Records } from '../records/records.ts'

/** Nonces for proofs, the same on every host and kept nowhere: a keyed hash of the time (RFC 9449 §8). */
export interface DpopNonces {
  current(): Promise<string>
  /** `good`, `old` while it is still taken though there is a newer one, or `unknown`. */
  judge(nonce: string): Promise<'good' | 'old' | 'unknown'>
}

/** How long a nonce is the current one. It is taken for as long again, so that a client that calls now and then is not turned away each time. */
const turn: Seconds = 120

/** Makes nonces from the key of the deployment. */
export function dpopNonces({ records, environment }: { records: Pick<Records, 'deployment'>; environment: Environment }): DpopNonces {
  async function at(offset: number): Promise<string> {
    const key = (await records.deployment.open()).formKeyFor('dpop nonce')
    const number = Math.floor(environment.now() / turn) + offset
    return createHmac('sha256', key).update(String(number)).digest('base64url')
  }
  return {
    current: () => at(0),
    async judge(nonce) {
      // One of the turn to come is another host's, whose clock is ahead.
      if (isSameSecret(nonce, await at(0)) || isSameSecret(nonce, await at(1))) return 'good'
      return isSameSecret(nonce, await at(-1)) ? 'old' : 'unknown'
    },
  }
}
