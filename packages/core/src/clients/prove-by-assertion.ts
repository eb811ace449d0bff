import { AssertionRefused, assertionAlgorithms, type VerifyAssertion } from '../assertions/verify-assertion.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { Client } from '../records/client.ts'
import { useOnce } from '../records/once.ts'
import type { Records } from '../records/records.ts'
import type { FindClientKeys } from './client-keys.ts'

/** Proves that a client signed an assertion for us, and uses it up. Throws `AssertionRefused`. */
export type ProveByAssertion = (client: Client, assertion: string, request?: Request) => Promise<void>

/** What proving needs. */
export interface ProveByAssertionNeeds {
  /** Whom assertions are for: us, by this name and no other. */
  readonly issuer: string
  readonly verifyAssertion: VerifyAssertion
  readonly findClientKeys: FindClientKeys
  readonly records: Pick<Records, 'onces'>
}

/**
 * Makes the proof by `private_key_jwt` (RFC 7523 §2.2 and §3, OpenID Connect Core §9): issuer and subject are the client, the
 * audience is our issuer as a text and nothing else, not even the token endpoint (threat T74). It is used up last, so that
 * nothing but the good one can be; of two hosts that are shown it at once, one takes it (threat T75).
 */
export function proveByAssertion({ issuer, verifyAssertion, findClientKeys, records }: ProveByAssertionNeeds): ProveByAssertion {
  return async (client, assertion, request) => {
    const { id, endsAt } = await verifyAssertion(assertion, {
      issuer: client.id,
      subject: client.id,
      audience: issuer,
      audienceInList: false,
      algorithms: assertionAlgorithms,
      longest: fixedLifetimes.clientAssertion,
      findKeys: (kid) => findClientKeys(client, kid, request),
    })
    if (!(await useOnce(records.onces, 'client-assertion', { owner: client.id, id, endsAt })))
      throw new AssertionRefused('assertion_replayed')
  }
}
