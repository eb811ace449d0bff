import type { Seconds } from '../protocol/time.ts'

/**
 * Lists that only grow and shrink. Adding and removing commute, so nothing needs to be seen.
 * A list may name the dead and never misses the living: a member goes no earlier than its `ttl`.
 * Every method rejects with `StoreUnavailable` when the backend fails.
 */
export interface Directory {
  /** Adds `member`, or extends its time: the later of the two moments holds. */
  add(list: string, member: string, ttl: Seconds): Promise<void>
  /** At most `limit` members that have not expired, and where to go on; a cursor survives additions and removals. */
  list(list: string, cursor: string | undefined, limit: number): Promise<DirectoryPage>
  /** Takes `member` out; nothing happens when it is not there. */
  remove(list: string, member: string): Promise<void>
}

/** One page of a list; no `next` on the last. */
export interface DirectoryPage {
  readonly members: string[]
  readonly next?: string
}
