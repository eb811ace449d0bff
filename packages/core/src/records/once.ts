import { z } from 'zod'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Collection } from './collection.ts'

/** That something was used, for as long as it could be used again: whoever creates it is the first, on any host (invariant I2). */
export interface Once {
  readonly endsAt: UnixSeconds
}

/** The stored shape of a {@link Once}. */
export const onceShape: z.ZodType<Once> = z.looseObject({ endsAt: z.number() })

/** What is used once: the `jti` of a client's assertion, of an assertion that is a grant, or of a DPoP proof. */
export type OnceKind = 'client-assertion' | 'grant-assertion' | 'dpop-proof'

/**
 * Uses something up; false when it was used before. `owner` is who could choose the `id`: one cannot use up what is another's.
 * `endsAt` is when it is refused for its age in any case, leeway included.
 */
export async function useOnce(
  onces: Collection<Once>,
  kind: OnceKind,
  { owner, id, endsAt }: { owner: string; id: string; endsAt: UnixSeconds },
): Promise<boolean> {
  return (await onces.create(JSON.stringify([kind, owner, id]), { endsAt })) !== undefined
}
