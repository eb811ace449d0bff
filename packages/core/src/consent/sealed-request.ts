import { CompactEncrypt, compactDecrypt } from 'jose'
import { z } from 'zod'
import { hashSecret } from '../protocol/compare.ts'
import { invalidRequest, type OAuthError } from '../protocol/errors.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import { type AuthorizationRequest, requestShape } from '../records/transaction.ts'

/** What a consent form carries through the browser: the request, bound to that browser's form cookie and to a moment. */
export interface SealedRequest {
  /** Of this form alone: what is made from it can be made once. */
  readonly id: string
  readonly request: AuthorizationRequest
  /** Whether the page asked nothing but with whom to sign in. */
  readonly unasked?: true
  /** The hash of the form cookie. */
  readonly browser: string
  readonly expiresAt: UnixSeconds
}

// A page that the release before this one made has no id.
const sealedShape = z.object({
  id: z.string().exactOptional(),
  request: requestShape,
  unasked: z.literal(true).exactOptional(),
  browser: z.string(),
  expiresAt: z.number(),
})

/** Seals it, by a key of 32 bytes (RFC 7516, `dir` with `A256GCM`). */
export function sealRequest(sealed: SealedRequest, key: Uint8Array): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify(sealed))).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(key)
}

/** Opens it. Throws `invalid_request`, with one text, for anything that we did not seal or that has expired. */
export async function openRequest(text: string, key: Uint8Array, now: UnixSeconds): Promise<SealedRequest> {
  const opened = await compactDecrypt(text, key, { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] }).catch(
    (cause: unknown) => {
      throw refuse('form_not_ours', cause)
    },
  )
  const sealed = sealedShape.parse(JSON.parse(Buffer.from(opened.plaintext).toString('utf8')))
  if (sealed.expiresAt <= now) throw refuse('form_expired')
  return { ...sealed, id: sealed.id ?? hashSecret(text) }
}

function refuse(reason: string, cause?: unknown): OAuthError {
  return invalidRequest('The page was open for too long, or it does not come from here.', reason, cause)
}
