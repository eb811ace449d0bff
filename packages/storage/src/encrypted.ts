import { type Entry, type Store, StoreUnreadable, systemEnvironment, type UnixSeconds } from '@drawbridge/core'
import type { Cipher } from './cipher.ts'
import type { StoreOptions } from './store-options.ts'

/** What is sealed: the value with the name and the end of its entry, so that neither can be given to another one. */
interface Sealed {
  readonly key: string
  readonly expiresAt: UnixSeconds
  readonly value: string
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
  async function sealAgain(key: string, seen: Entry, { expiresAt, value }: Sealed): Promise<void> {
    const ttl = expiresAt - environment.now()
    // A lost race is fine: whoever won has sealed it with the key of now. So is a failure: the next reader tries again.
    if (ttl > 0) await store.set(key, seal(cipher, { key, expiresAt, value }), ttl, seen).catch(() => {})
  }

  function lazily(key: string, entry: Entry): Entry {
    let opened: string | undefined
    return {
      version: entry.version,
      get value() {
        if (opened !== undefined) return opened
        const { sealed, current } = open(cipher, entry.value)
        if (sealed.key !== key) throw new StoreUnreadable('a sealed value is under another name than the one it was sealed for')
        if (sealed.expiresAt + leeway <= environment.now()) throw new StoreUnreadable('a sealed value has outlived its end')
        if (!current) environment.defer(sealAgain(key, entry, sealed))
        opened = sealed.value
        return opened
      },
    }
  }

  return {
    ...whatSealingLeaves(store),
    sealed: true,
    async get(key) {
      const entry = await store.get(key)
      return entry && lazily(key, entry)
    },
    async set(key, value, ttl, seen) {
      const entry = await store.set(key, seal(cipher, { key, expiresAt: environment.now() + ttl, value }), ttl, seen)
      return entry && { version: entry.version, value }
    },
    delete: (key, seen) => store.delete(key, seen),
  }
}

// What is sealed can still be deleted, and put back as it was: the backend is as exposed as before.
function whatSealingLeaves({ reach, exposed, directory, examine }: Store): Omit<Store, 'sealed' | 'get' | 'set' | 'delete'> {
  return { reach, ...(exposed !== undefined && { exposed }), ...(directory && { directory }), ...(examine && { examine }) }
}

function seal(cipher: Cipher, sealed: Sealed): string {
  return cipher.seal(JSON.stringify(sealed))
}

function open(cipher: Cipher, text: string): { sealed: Sealed; current: boolean } {
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
