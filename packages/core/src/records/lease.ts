import { z } from 'zod'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Outcome } from './collection.ts'

/** Whoever holds it refreshes a grant's upstream tokens; the others wait. It ends by itself, by the store's clock. */
export interface Lease {
  /** Tells one holding from the next. */
  readonly holder: string
  readonly endsAt: UnixSeconds
}

/** The stored shape of a {@link Lease}. */
export const leaseShape: z.ZodType<Lease> = z.looseObject({ holder: z.string(), endsAt: z.number() })

/** Gives a lease back, unless it has ended and another one holds it now. */
export function releaseLease(lease: Lease | undefined, holder: string): Outcome<Lease, void> {
  return lease?.holder === holder ? { next: 'gone', answer: undefined } : { answer: undefined }
}
