import { StoreUnreadable } from '../ports/store.ts'
import type { Collection } from './collection.ts'
import type { Records } from './records.ts'

/** What came of sealing again: the records that were looked at, those an older key had sealed, and those no key opens. */
export interface Resealed {
  readonly read: number
  readonly resealed: number
  /** They are kept: a key that was taken out of the list too early opens them again. */
  readonly unreadable: number
}

/**
 * Seals again what an older storage key sealed: the deployment, every client, and every grant of a client. `unlisted` are the
 * clients without a record. What else there is ends within the hour, or is asked for anew. Rejects with `StoreUnavailable`;
 * what was done by then is done.
 */
export async function resealAll(
  { deployment, clients, grants, lists }: Pick<Records, 'deployment' | 'clients' | 'grants' | 'lists'>,
  unlisted: readonly string[],
): Promise<Resealed> {
  const count = { read: 0, resealed: 0, unreadable: 0 }
  const reseal = async (records: Pick<Collection<unknown>, 'reseal'>, id: string): Promise<void> => {
    count.read += 1
    try {
      if (await records.reseal(id)) count.resealed += 1
    } catch (cause) {
      if (!(cause instanceof StoreUnreadable)) throw cause
      count.unreadable += 1
    }
  }
  // Reading it is enough: the store seals it again beside that.
  await deployment.check()
  for await (const clientId of everyOf(unlisted, lists.members({ kind: 'clients' }))) {
    await reseal(clients, clientId)
    await atOnce(lists.members({ kind: 'client-grants', id: clientId }), (grantId) => reseal(grants, grantId))
  }
  return count
}

async function* everyOf(first: readonly string[], then: AsyncIterable<string>): AsyncIterable<string> {
  yield* first
  for await (const member of then) if (!first.includes(member)) yield member
}

/** Grants that are looked at side by side: a store that serves requests meanwhile does not notice. */
const side = 16

async function atOnce(members: AsyncIterable<string>, work: (member: string) => Promise<void>): Promise<void> {
  const group: Promise<void>[] = []
  for await (const member of members) {
    const one = work(member)
    // It may fail while the next page is fetched: the group tells of it, and until then nobody would.
    one.catch(() => {})
    if (group.push(one) < side) continue
    await Promise.all(group.splice(0))
  }
  await Promise.all(group)
}
