import type { Config } from './config/config.ts'
import { type Resealed, resealAll } from './records/reseal.ts'
import type { Wired } from './wiring.ts'

/** Which grants to end: those of a person, of a client, or one; or which initial access token. */
export type RevokeTarget =
  | { readonly subject: string }
  | { readonly clientId: string }
  | { readonly grantId: string }
  | { readonly initialAccessTokenId: string }

/** Ends what `target` names; answers how many there were. Rejects with `StoreUnavailable` when not all could be ended. */
export async function revoke({ ending, initialAccessTokens }: Wired, target: RevokeTarget): Promise<number> {
  if ('initialAccessTokenId' in target) return (await initialAccessTokens.revoke(target.initialAccessTokenId)) ? 1 : 0
  if ('grantId' in target) return (await ending.end(target.grantId, 'revoked_by_operator')) ? 1 : 0
  const list =
    'subject' in target
      ? ({ kind: 'subject-grants', id: target.subject } as const)
      : ({ kind: 'client-grants', id: target.clientId } as const)
  return ending.endListed(list, 'revoked_by_operator')
}

/** Seals again what an older storage key sealed. Rejects with `StoreUnavailable`, and with a `TypeError` where nothing is sealed. */
export async function rotateStorageKey({ records }: Wired, { store, staticClients }: Config): Promise<Resealed> {
  if (!store.reseal) throw new TypeError('This store seals nothing: encrypted(store, fernet([new, old])).')
  return resealAll(records, [...staticClients.keys()])
}
