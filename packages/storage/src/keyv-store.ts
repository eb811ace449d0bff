import {
  type Entry,
  type Environment,
  type Seconds,
  type Store,
  StoreUnavailable,
  systemEnvironment,
  type UnixSeconds,
} from '@drawbridge/core'
import type { Keyv } from 'keyv'
import { keyvDirectory } from './keyv-directory.ts'
import { guardedKeyv } from './keyv-guard.ts'
import { settleWrite } from './read-back.ts'
import { takingTurns } from './turns.ts'
import { newVersion } from './version.ts'

/** What Keyv holds under a key. */
interface Held extends Entry {
  readonly endsAt: UnixSeconds
}

/**
 * A store over any Keyv. Keyv has no conditional write, so writers of a key take turns in this process, and that is how far
 * "never both" reaches. A dead backend, which Keyv reports as a missing value, rejects with `StoreUnavailable`.
 */
export function keyvStore(keyv: Keyv, environment: Environment = systemEnvironment()): Store {
  const guarded = guardedKeyv(keyv, environment)
  const inTurn = takingTurns()

  async function find(key: string): Promise<Held | undefined> {
    const held = parseHeld(await guarded.get(key))
    return held && held.endsAt > environment.now() ? held : undefined
  }

  return {
    reach: 'process',
    sealed: false,
    directory: keyvDirectory(guarded, environment),
    get: find,
    set(key, value, ttl: Seconds, seen) {
      if (!(ttl > 0)) return Promise.reject(new RangeError('a ttl is positive'))
      return inTurn(key, async () => {
        if ((await find(key))?.version !== seen?.version) return undefined
        const entry: Held = { value, version: newVersion(environment), endsAt: environment.now() + ttl }
        const write = async (): Promise<boolean> => {
          await guarded.set(key, JSON.stringify(entry), ttl)
          return true
        }
        return (await settleWrite({ write, read: () => find(key), version: entry.version, seen })) ? entry : undefined
      })
    },
    delete(key, seen) {
      return inTurn(key, async () => {
        if ((await find(key))?.version !== seen.version) return false
        return settleWrite({ write: () => guarded.delete(key), read: () => find(key), version: undefined, seen })
      })
    },
  }
}

function parseHeld(text: unknown): Held | undefined {
  if (text === undefined || text === null) return undefined
  try {
    const json: unknown = JSON.parse(String(text))
    if (typeof json === 'object' && json !== null && 'value' in json && 'version' in json && 'endsAt' in json) {
      const { value, version, endsAt } = json
      if (typeof value === 'string' && typeof version === 'string' && typeof endsAt === 'number') return { value, version, endsAt }
    }
  } catch (cause) {
    throw new StoreUnavailable('the value under this key is not one of this store', { cause })
  }
  throw new StoreUnavailable('the value under this key is not one of this store')
}
