import type { Directory, Environment, UnixSeconds } from '@drawbridge/core'

interface List {
  readonly members: Map<string, UnixSeconds>
  /** The size at which those that have ended are taken out next. */
  sweepAt: number
}

/** A directory in this process's memory. Pages go by the order of the members, so a cursor survives additions and removals. */
export function memoryDirectory(environment: Environment): Directory {
  const lists = new Map<string, List>()

  const sweep = (list: List): void => {
    for (const [member, endsAt] of list.members) if (endsAt <= environment.now()) list.members.delete(member)
    list.sweepAt = Math.max(64, list.members.size * 2)
  }

  return {
    async add(name, member, ttl) {
      const list = lists.get(name) ?? { members: new Map(), sweepAt: 64 }
      lists.set(name, list)
      list.members.set(member, Math.max(list.members.get(member) ?? 0, environment.now() + ttl))
      if (list.members.size >= list.sweepAt) sweep(list)
    },
    async list(name, cursor, limit) {
      const alive = [...(lists.get(name)?.members ?? [])].filter(([, endsAt]) => endsAt > environment.now()).map(([member]) => member)
      const rest = alive.sort().filter((member) => cursor === undefined || member > cursor)
      const members = rest.slice(0, limit)
      const last = members.at(-1)
      return rest.length > members.length && last !== undefined ? { members, next: last } : { members }
    },
    async remove(name, member) {
      const list = lists.get(name)
      list?.members.delete(member)
      if (list?.members.size === 0) lists.delete(name)
    },
  }
}
