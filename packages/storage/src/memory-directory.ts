import { type Directory, type Environment, StoreUnavailable, type UnixSeconds } from '@drawbridge/core'
import { inRounds } from './in-rounds.ts'
import { kindOf } from './kind-of.ts'
import { pageOf } from './page-of.ts'

/** What a directory in memory needs: how many members all lists of a kind may have, and a clock. */
export interface MemoryDirectoryNeeds {
  capOf(kind: string): number
  readonly environment: Environment
}

/** Members looked at for their end beside each addition, and before one is refused. */
const lookedAtPerAddition = 4
const lookedAtWhenFull = 256

/** A directory in this process's memory. A kind of list that is full rejects new members, and pushes nobody out. */
export function memoryDirectory({ capOf, environment }: MemoryDirectoryNeeds): Directory {
  const lists = countedLists()
  const some = inRounds(() => lists.everyMember())

  const isFull = (kind: string): boolean => lists.size(kind) >= capOf(kind)
  function sweep(most: number): void {
    for (const { list, member, endsAt } of some(most)) if (endsAt <= environment.now()) lists.takeOut(list, member)
  }

  return {
    async add(list, member, ttl) {
      sweep(lookedAtPerAddition)
      const known = lists.find(list).get(member)
      if (known === undefined && isFull(kindOf(list))) sweep(lookedAtWhenFull)
      if (known === undefined && isFull(kindOf(list))) throw new StoreUnavailable('the memory store is full of lists of this kind')
      lists.put(list, member, Math.max(known ?? 0, environment.now() + ttl))
    },
    async list(list, cursor, limit) {
      const alive = [...lists.find(list)].filter(([, endsAt]) => endsAt > environment.now())
      return pageOf(new Map(alive).keys(), cursor, limit)
    },
    async remove(list, member) {
      lists.takeOut(list, member)
    },
  }
}

interface CountedLists {
  find(list: string): ReadonlyMap<string, UnixSeconds>
  put(list: string, member: string, endsAt: UnixSeconds): void
  takeOut(list: string, member: string): void
  /** The members of all lists of a kind. */
  size(kind: string): number
  everyMember(): Iterable<{ list: string; member: string; endsAt: UnixSeconds }>
}

function countedLists(): CountedLists {
  const lists = new Map<string, Map<string, UnixSeconds>>()
  const sizes = new Map<string, number>()
  const size = (kind: string): number => sizes.get(kind) ?? 0
  return {
    size,
    find: (list) => lists.get(list) ?? new Map(),
    put(list, member, endsAt) {
      const members = lists.get(list) ?? new Map<string, UnixSeconds>()
      if (!members.has(member)) sizes.set(kindOf(list), size(kindOf(list)) + 1)
      lists.set(list, members.set(member, endsAt))
    },
    takeOut(list, member) {
      const members = lists.get(list)
      if (!members?.delete(member)) return
      sizes.set(kindOf(list), size(kindOf(list)) - 1)
      if (members.size === 0) lists.delete(list)
    },
    *everyMember() {
      for (const [list, members] of lists) for (const [member, endsAt] of members) yield { list, member, endsAt }
    },
  }
}
