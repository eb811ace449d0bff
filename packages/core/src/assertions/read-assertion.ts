import { decodeJwt, decodeProtectedHeader } from 'jose'
import { z } from 'zod'

/** What an assertion says of itself before anybody has verified it: enough to know whose keys to ask for. */
export interface UnverifiedAssertion {
  readonly issuer?: string
  readonly subject?: string
  readonly kid?: string
}

const payload = z.object({ iss: z.string().exactOptional(), sub: z.string().exactOptional() })
const header = z.object({ kid: z.string().exactOptional() })

/** Reads an assertion without verifying it (RFC 7515 §7.1, RFC 7519 §4.1); undefined when it is no JWT. */
export function readAssertion(assertion: string): UnverifiedAssertion | undefined {
  try {
    const { iss, sub } = payload.parse(decodeJwt(assertion))
    const { kid } = header.parse(decodeProtectedHeader(assertion))
    return { ...(iss !== undefined && { issuer: iss }), ...(sub !== undefined && { subject: sub }), ...(kid !== undefined && { kid }) }
  } catch {
    return undefined
  }
}
