import type { DirectoryPage } from '@drawbridge/core'

/** A page of `members` in their order; its cursor is its last member, which survives additions and removals. */
export function pageOf(members: Iterable<string>, cursor: string | undefined, limit: number): DirectoryPage {
  const rest = [...members].sort().filter((member) => cursor === undefined || member > cursor)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return rest.length > page.length && last !== undefined ? { members: page, next: last } : { members: page }
}
