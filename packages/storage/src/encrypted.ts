import { type Entry, type Environment, type Store, StoreUnreadable, systemEnvironment, type UnixSeconds } from '@drawbridge/core'
import type { Cipher } from './cipher.ts'
import type { StoreOptions } from './store-options.ts'

/** What is sealed: the value with the name and the end of its entry, so that neither can be given to another one. */
interface Sealed {
  readonly key: string
  readonly expiresAt: UnixSeconds
  readonly value: string
}

/** What was opened, and whether the key of now had sealed it. */
interface Opened {
  readonly sealed: Sealed
  readonly current: boolean
}

/** Clocks of hosts differ a little; an entry that its store still gives out is not refused for that. */
const leeway = 60

/**
 * Seals every value of `store`. Versions pass through, so a caller that knows a version need not open it again: `value` is
 * opened on first use, and throws `StoreUnreadable` when another key sealed it, when it was moved from another name (threat
 * T91), or when it outlived its end (threat T94). An entry that has ended is absent by the word of `store`; one that is there
 * all the same was tampered with or restored, so it is refused and not taken for absent. What an older key has sealed is
 * sealed again beside the request. Names, and the directory, are in clear.
 */
export function encrypted(store: Store, cipher: Cipher, { environment = systemEnvironment() }: StoreOptions = {}): Store {
  const sealing: Sealing = { store, cipher, environment }
  return {
    ...whatSealingLeaves(store),
    sealed: true,
    async get(key) {
      const entry = await store.get(key)
      return entry && lazily(sealing, key, entry)
    },
    async set(key, value, ttl, seen) {
      const entry = await store.set(key, seal(cipher, { key, expiresAt: environment.now() + ttl, value }), ttl, seen)
      return entry && { version: entry.version, value }
    },
    delete: (key, seen) => store.delete(key, seen),
    async reseal(key) {
      const entry = await store.get(key)
      const opened = entry && openEntry(sealing, key, entry)
      return entry !== undefined && opened?.current === false && sealAgain(sealing, key, entry, opened.sealed)
    },
  }
}

/** What seals and opens the entries of a store. */
interface Sealing {
  readonly store: Store
  readonly cipher: Cipher
  readonly environment: Environment
}

function lazily(sealing: Sealing, key: string, entry: Entry): Entry {
  let opened: Opened | undefined
  return {
    version: entry.version,
    get value() {
      if (opened) return opened.sealed.value
      opened = openEntry(sealing, key, entry)
      // Should it fail, the next reader tries again.
      if (!opened.current) sealing.environment.defer(sealAgain(sealing, key, entry, opened.sealed).then(done, done))
      return opened.sealed.value
    },
    get outdated() {
      return opened?.current === false
    },
  }
}

function openEntry({ cipher, environment }: Sealing, key: string, entry: Entry): Opened {
  const opened = open(cipher, entry.value)
  if (opened.sealed.key !== key) throw new StoreUnreadable('a sealed value is under another name than the one it was sealed for')
  if (opened.sealed.expiresAt + leeway <= environment.now()) throw new StoreUnreadable('a sealed value has outlived its end')
  return opened
}

async function sealAgain({ store, cipher, environment }: Sealing, key: string, seen: Entry, sealed: Sealed): Promise<boolean> {
  const ttl = sealed.expiresAt - environment.now()
  // A lost race is fine: whoever won has sealed it with the key of now.
  return ttl > 0 && (await store.set(key, seal(cipher, sealed), ttl, seen)) !== undefined
}

function done(): void {}

// What is sealed can still be deleted, and put back as it was: the backend is as exposed as before.
function whatSealingLeaves(store: Store): Omit<Store, 'sealed' | 'get' | 'set' | 'delete'> {
  const { reach, exposed, directory } = store
  // A store that is a class finds its own members by `this`.
  const examine = store.examine?.bind(store)
  return { reach, ...(exposed !== undefined && { exposed }), ...(directory && { directory }), ...(examine && { examine }) }
}

function seal(cipher: Cipher, sealed: Sealed): string {
  return cipher.seal(JSON.stringify(sealed))
}

function open(cipher: Cipher, text: string): Opened {
  try {
    const opened = cipher.open(text)
    return { sealed: parseSealed(JSON.parse(opened.text)), current: opened.current }
  } catch (cause) {
    throw new StoreUnreadable('a sealed value cannot be opened: another key sealed it, or it was damaged', { cause })
  }
}

function parseSealed(json: unknown): Sealed {
  if (typeof json !== 'object' || json === null || !('key' in json) || !('expiresAt' in json) || !('value' in json))
    throw new TypeError('not sealed by us')
  const { key, expiresAt, value } = json
  if (typeof key !== 'string' || typeof expiresAt !== 'number' || typeof value !== 'string') throw new TypeError('not sealed by us')
  return { key, expiresAt, value }
}
