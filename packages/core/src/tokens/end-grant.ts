import type { Environment } from '../ports/environment.ts'
import { byProvider, type Emit } from '../ports/events.ts'
import { StoreUnreadable } from '../ports/store.ts'
import type { Seen } from '../records/collection.ts'
import type { Grant } from '../records/grant.ts'
import type { ListOf } from '../records/lists.ts'
import type { Records } from '../records/records.ts'
import { endGrant } from '../records/upstream-steps.ts'
import type { UpstreamClientOf } from '../upstream/upstreams.ts'

/** What ending a grant needs. */
export interface EndNeeds {
  readonly records: Pick<Records, 'grants' | 'lists'>
  readonly clientOf: UpstreamClientOf<'revoke'>
  readonly environment: Environment
  readonly emit: Emit
}

/** Ends grants. */
export interface GrantEnding {
  /** Ends the grant in whatever state it is, until that holds; answers whether there was one. */
  end(grantId: string, reason: string, from?: Seen<Grant>): Promise<boolean>
  /** Ends every grant of a list; answers how many there were. Rejects with `StoreUnreadable`, when it has ended all others, where one cannot be read. */
  endListed(list: ListOf, reason: string): Promise<number>
  /** What follows when a step has ended a grant: the lists forget it and the upstream is told, with *its* token (RFC 7009 §2.1). */
  ended(grant: Grant, reason: string): void
}

/** Opens the way out. */
export function grantEnding({ records, clientOf, environment, emit }: EndNeeds): GrantEnding {
  // The grant is gone already, which is what counts; what fails here is told to the operator and not to the client.
  async function follow(grant: Grant): Promise<void> {
    await Promise.allSettled([
      records.lists.remove({ kind: 'subject-grants', id: grant.identity.subject }, grant.id),
      records.lists.remove({ kind: 'client-grants', id: grant.clientId }, grant.id),
      tellUpstream(grant),
    ])
  }

  async function tellUpstream({ upstream, identity: { provider } }: Grant): Promise<void> {
    if (!upstream) return
    const client = clientOf(provider)
    const failed = (reason: string): void => emit({ type: 'upstream.failed', operation: 'revoke', reason, ...byProvider(provider) })
    await (client ? client.revoke(upstream).catch(() => failed('not_revoked')) : failed('provider_unknown'))
  }

  const ended = (grant: Grant, reason: string): void => {
    emit({ type: 'grant.ended', clientId: grant.clientId, grantId: grant.id, reason })
    environment.defer(follow(grant))
  }

  const end: GrantEnding['end'] = async (grantId, reason, from) => {
    const grant = await records.grants.change(grantId, endGrant, from)
    if (grant) ended(grant, reason)
    return grant !== undefined
  }

  return {
    ended,
    end,
    endListed: (list, reason) => endEach(records.lists.members(list), (grantId) => end(grantId, reason)),
  }
}

async function endEach(grantIds: AsyncIterable<string>, end: (grantId: string) => Promise<boolean>): Promise<number> {
  let count = 0
  let unreadable: StoreUnreadable | undefined
  for await (const grantId of grantIds) {
    try {
      if (await end(grantId)) count += 1
    } catch (cause) {
      // One that nobody can read keeps none of the others.
      if (!(cause instanceof StoreUnreadable)) throw cause
      unreadable = cause
    }
  }
  if (unreadable) throw unreadable
  return count
}
