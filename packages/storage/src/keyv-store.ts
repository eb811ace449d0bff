import { type Entry, type Environment, type Store, StoreUnreadable, systemEnvironment, type UnixSeconds } from '@drawbridge/core'
import type { Keyv } from 'keyv'
import { keyvDirectory } from './keyv-directory.ts'
import { guardedKeyv } from './keyv-guard.ts'
import { settleWrite } from './read-back.ts'
import { isRedisAdapter } from './redis-adapter.ts'
import { type RedisStoreOptions, redisStore } from './redis-store.ts'
import { takingTurns } from './turns.ts'
import { newVersion } from './version.ts'

/** What Keyv holds under a key. */
interface Held extends Entry {
  readonly endsAt: UnixSeconds
}

/**
 * A store over any Keyv. Over Keyv's adapter for Redis it is what `redisStore` is, for any number of hosts. Over any other, Keyv has no conditional write, so all that happens to a key takes turns in this process, and that is
 * how far "never both" reaches. Reads take turns too: Keyv deletes what it finds expired without looking again, and would take
 * what was written in the meantime. A dead backend, which Keyv reports as a missing value, rejects with `StoreUnavailable`.
 */
export function keyvStore(keyv: Keyv, { environment = systemEnvironment(), ...options }: RedisStoreOptions = {}): Store {
  const adapter: unknown = keyv.store
  return isRedisAdapter(adapter) ? redisStore(adapter, { environment, ...options }) : turnTakingStore(keyv, environment)
}

function turnTakingStore(keyv: Keyv, environment: Environment): Store {
  const guarded = guardedKeyv(keyv)
  const inTurn = takingTurns(environment)

  async function find(key: string): Promise<Held | undefined> {
    const held = parseHeld(await guarded.get(key))
    return held && held.endsAt > environment.now() ? held : undefined
  }

  return {
    reach: 'process',
    sealed: false,
    directory: keyvDirectory(guarded, environment),
    get: (key) => inTurn(key, () => find(key)),
    async set(key, value, ttl, seen) {
      if (!(ttl > 0)) throw new RangeError('a ttl is positive')
      return inTurn(key, async (signal) => {
        if ((await find(key))?.version !== seen?.version) return undefined
        const held: Held = { value, version: newVersion(environment), endsAt: environment.now() + ttl }
        const write = async (): Promise<boolean> => {
          signal.throwIfAborted()
          await guarded.set(key, JSON.stringify(held), ttl)
          return true
        }
        return (await settleWrite({ write, read: () => find(key), version: held.version, seen })) ? held : undefined
      })
    },
    delete: (key, seen) =>
      inTurn(key, async (signal) => {
        if ((await find(key))?.version !== seen.version) return false
        const write = async (): Promise<boolean> => {
          signal.throwIfAborted()
          await guarded.delete(key)
          return true
        }
        return settleWrite({ write, read: () => find(key), version: undefined, seen })
      }),
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
    throw new StoreUnreadable('the value under this key is not one of this store', { cause })
  }
  throw new StoreUnreadable('the value under this key is not one of this store')
}
