import { type Directory, type Environment, StoreUnavailable, type UnixSeconds } from '@drawbridge/core'
import type { GuardedKeyv } from './keyv-guard.ts'
import { takingTurns } from './turns.ts'

type Members = Record<string, UnixSeconds>

/** A directory over Keyv: one value a list, whose writers take turns in this process. */
export function keyvDirectory(keyv: GuardedKeyv, environment: Environment): Directory {
  const inTurn = takingTurns()

  async function alive(list: string): Promise<Members> {
    const members = parseMembers(await keyv.get(list))
    return Object.fromEntries(Object.entries(members).filter(([, endsAt]) => endsAt > environment.now()))
  }

  async function write(list: string, members: Members): Promise<void> {
    const ends = Object.values(members)
    if (ends.length === 0) await keyv.delete(list)
    else await keyv.set(list, JSON.stringify(members), Math.max(...ends) - environment.now())
  }

  return {
    add: (list, member, ttl) =>
      inTurn(list, async () => {
        const members = await alive(list)
        await write(list, { ...members, [member]: Math.max(members[member] ?? 0, environment.now() + ttl) })
      }),
    remove: (list, member) =>
      inTurn(list, async () => {
        const { [member]: removed, ...members } = await alive(list)
        if (removed !== undefined) await write(list, members)
      }),
    async list(list, cursor, limit) {
      const rest = Object.keys(await alive(list))
        .sort()
        .filter((member) => cursor === undefined || member > cursor)
      const members = rest.slice(0, limit)
      const last = members.at(-1)
      return rest.length > members.length && last !== undefined ? { members, next: last } : { members }
    },
  }
}

function parseMembers(text: unknown): Members {
  if (text === undefined || text === null) return {}
  const json: unknown = JSON.parse(String(text))
  if (typeof json !== 'object' || json === null) throw new StoreUnavailable('the value under this name is not a list of this store')
  return Object.fromEntries(Object.entries(json).filter((pair): pair is [string, number] => typeof pair[1] === 'number'))
}
