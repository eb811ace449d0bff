import type { House } from './house.ts'

/** A client, and a code of a person who said yes to it. */
export interface TakenCode {
  readonly clientId: string
  readonly code: string
}

/** Registers a client and signs somebody in for it; the code is not redeemed. */
export async function takeCode(
  house: House,
  parameters?: Record<string, string | undefined>,
  metadata?: Record<string, unknown>,
): Promise<TakenCode> {
  const clientId = await house.register(metadata)
  const end = await house.signIn(clientId, parameters)
  return { clientId, code: end.searchParams.get('code') ?? '' }
}
