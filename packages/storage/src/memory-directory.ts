import { type Directory, type Environment, StoreUnavailable, type UnixSeconds } from '@drawbridge/core'
import { inRounds } from './in-rounds.ts'
import { kindOf } from './kind-of.ts'

/** What a directory in memory needs: how many members all lists of a kind may have, and a clock. */
export interface MemoryDirectoryNeeds {
  capOf(kind: string): number
  readonly environment: Environment
}

type Lists = Map<string, Map<string, UnixSeconds>>

/** Members looked at for their end beside each addition, and before one is refused. */
const lookedAtPerAddition = 4
const lookedAtWhenFull = 256

/** A directory in this process's memory. Pages go by the order of the members, so a cursor survives additions and removals. */
export function memoryDirectory({ capOf, environment }: MemoryDirectoryNeeds): Directory {
  const lists: Lists = new Map()
  const sizes = new Map<string, number>()
  const some = inRounds(() => everyMember(lists))

  const isFull = (kind: string): boolean => (sizes.get(kind) ?? 0) >= capOf(kind)
  const count = (list: string, by: 1 | -1): void => void sizes.set(kindOf(list), (sizes.get(kindOf(list)) ?? 0) + by)

  function takeOut(list: string, member: string): void {
    const members = lists.get(list)
    if (!members?.delete(member)) return
    count(list, -1)
    if (members.size === 0) lists.delete(list)
  }

  function sweep(most: number): void {
    for (const { list, member, endsAt } of some(most)) if (endsAt <= environment.now()) takeOut(list, member)
  }

  return {
    async add(list, member, ttl) {
      sweep(lookedAtPerAddition)
      const known = lists.get(list)?.get(member)
      if (known === undefined) {
        if (isFull(kindOf(list))) sweep(lookedAtWhenFull)
        if (isFull(kindOf(list))) throw new StoreUnavailable('the memory store is full of lists of this kind')
        count(list, 1)
      }
      const members = lists.get(list) ?? new Map<string, UnixSeconds>()
      lists.set(list, members.set(member, Math.max(known ?? 0, environment.now() + ttl)))
    },
    async list(name, cursor, limit) {
      const alive = [...(lists.get(name) ?? [])].filter(([, endsAt]) => endsAt > environment.now()).map(([member]) => member)
      const rest = alive.sort().filter((member) => cursor === undefined || member > cursor)
      const members = rest.slice(0, limit)
      const last = members.at(-1)
      return rest.length > members.length && last !== undefined ? { members, next: last } : { members }
    },
    async remove(list, member) {
      takeOut(list, member)
    },
  }
}

function* everyMember(lists: Lists): Iterable<{ list: string; member: string; endsAt: UnixSeconds }> {
  for (const [list, members] of lists) for (const [member, endsAt] of members) yield { list, member, endsAt }
}
