import { z } from 'zod'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'

/** An authorization request that a client pushed: what it sent, to be judged again when the browser comes with its reference (RFC 9126 §4). */
export interface PushedRequest {
  readonly clientId: string
  /** The parameters of the authorization endpoint, each at most once; nothing that proves the client. */
  readonly values: Readonly<Record<string, string>>
  readonly endsAt: UnixSeconds
}

/** The stored shape of a {@link PushedRequest}. */
export const pushedRequestShape: z.ZodType<PushedRequest> = z.looseObject({
  clientId: z.string(),
  values: z.record(z.string(), z.string()),
  endsAt: z.number(),
})

/** A request that has just been pushed. Nothing changes it: it is good until it ends. */
export function newPushedRequest(clientId: string, values: Readonly<Record<string, string>>, now: UnixSeconds): PushedRequest {
  return { clientId, values, endsAt: now + fixedLifetimes.pushedRequest }
}
