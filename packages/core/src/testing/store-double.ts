import type { Directory, DirectoryPage } from '../ports/directory.ts'
import type { Environment } from '../ports/environment.ts'
import { type Entry, type Store, StoreUnavailable } from '../ports/store.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'

/** What was asked of a {@link StoreDouble}: the method, and the key or the list. */
export interface StoreCall {
  readonly method: 'get' | 'set' | 'delete' | 'add' | 'list' | 'remove'
  readonly key: string
}

/** A store with production's rules, whose inside can be seen, and which can be made to fail. */
export interface StoreDouble extends Store {
  readonly directory: Directory
  /** What it holds, and since when it no longer does. */
  readonly entries: Map<string, Entry & { readonly endsAt: UnixSeconds }>
  /** Every call, in order. */
  readonly calls: StoreCall[]
  /** Runs before a call is carried out: it may throw, wait, or do what another host does in between. */
  before: (call: StoreCall) => void | Promise<void>
}

/** Makes a {@link StoreDouble}: a version of its own for each write, nothing without what was seen, ends by the environment's clock. */
export function storeDouble(environment: Environment): StoreDouble {
  const entries: StoreDouble['entries'] = new Map()
  const lists = new Map<string, Map<string, UnixSeconds>>()
  const calls: StoreCall[] = []
  const find = (key: string): Entry | undefined => {
    const held = entries.get(key)
    return held && held.endsAt > environment.now() ? { value: held.value, version: held.version } : undefined
  }
  // The event loop turns before each call, so that hosts in one process come in between each other as real ones do.
  const arrive = async (method: StoreCall['method'], key: string): Promise<void> => {
    calls.push({ method, key })
    await environment.sleep(0)
    await double.before({ method, key })
  }
  const double: StoreDouble = {
    reach: 'process',
    sealed: false,
    entries,
    calls,
    before: () => {},
    directory: directoryOf(lists, environment, arrive),
    async get(key) {
      await arrive('get', key)
      return find(key)
    },
    async set(key, value, ttl, seen) {
      await arrive('set', key)
      refuseTtl(ttl)
      if (find(key)?.version !== seen?.version) return undefined
      const entry = { value, version: Buffer.from(environment.randomBytes(12)).toString('base64url') }
      entries.set(key, { ...entry, endsAt: environment.now() + ttl })
      return entry
    },
    async delete(key, seen) {
      await arrive('delete', key)
      return find(key)?.version === seen.version && entries.delete(key)
    },
  }
  return double
}

function directoryOf(
  lists: Map<string, Map<string, UnixSeconds>>,
  environment: Environment,
  arrive: (method: StoreCall['method'], key: string) => Promise<void>,
): Directory {
  return {
    async add(list, member, ttl) {
      await arrive('add', list)
      refuseTtl(ttl)
      const members = lists.get(list) ?? new Map<string, UnixSeconds>()
      members.set(member, Math.max(members.get(member) ?? 0, environment.now() + ttl))
      lists.set(list, members)
    },
    async list(list, cursor, limit): Promise<DirectoryPage> {
      await arrive('list', list)
      const living = [...(lists.get(list) ?? [])].filter(([, end]) => end > environment.now()).map(([member]) => member)
      const left = living.sort().filter((member) => cursor === undefined || member > cursor)
      const [members, next] = [left.slice(0, limit), left[limit - 1]]
      return { members, ...(left.length > limit && next !== undefined && { next }) }
    },
    async remove(list, member) {
      await arrive('remove', list)
      lists.get(list)?.delete(member)
    },
  }
}

function refuseTtl(ttl: Seconds): void {
  if (!Number.isFinite(ttl) || ttl <= 0) throw new StoreUnavailable(`a ttl of ${ttl} is not positive`)
}
