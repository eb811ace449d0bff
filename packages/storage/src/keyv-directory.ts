import { type Directory, type Environment, StoreUnreadable, type UnixSeconds } from '@drawbridge/core'
import type { GuardedKeyv } from './keyv-guard.ts'
import { pageOf } from './page-of.ts'
import { takingTurns } from './turns.ts'

type Members = Map<string, UnixSeconds>

/** A directory over Keyv: one value a list, and whoever reads or writes it takes turns in this process. */
export function keyvDirectory(keyv: GuardedKeyv, environment: Environment): Directory {
  const inTurn = takingTurns(environment)

  async function alive(list: string): Promise<Members> {
    const members = parseMembers(await keyv.get(list))
    return new Map([...members].filter(([, endsAt]) => endsAt > environment.now()))
  }

  async function write(list: string, members: Members, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (members.size === 0) await keyv.delete(list)
    else await keyv.set(list, JSON.stringify(Object.fromEntries(members)), Math.max(...members.values()) - environment.now())
  }

  return {
    add: (list, member, ttl) =>
      inTurn(list, async (signal) => {
        const members = await alive(list)
        await write(list, members.set(member, Math.max(members.get(member) ?? 0, environment.now() + ttl)), signal)
      }),
    remove: (list, member) =>
      inTurn(list, async (signal) => {
        const members = await alive(list)
        if (members.delete(member)) await write(list, members, signal)
      }),
    list: async (list, cursor, limit) => pageOf((await inTurn(list, () => alive(list))).keys(), cursor, limit),
  }
}

// A member that cannot be read is not passed over: a list must not miss the living.
function parseMembers(text: unknown): Members {
  if (text === undefined || text === null) return new Map()
  const pairs = Object.entries(parseObject(text))
  if (pairs.every((pair): pair is [string, number] => typeof pair[1] === 'number')) return new Map(pairs)
  throw new StoreUnreadable('the value under this name is not a list of this store')
}

function parseObject(text: unknown): object {
  try {
    const json: unknown = JSON.parse(String(text))
    if (typeof json === 'object' && json !== null) return json
  } catch (cause) {
    throw new StoreUnreadable('the value under this name is not JSON', { cause })
  }
  throw new StoreUnreadable('the value under this name is not a list of this store')
}
