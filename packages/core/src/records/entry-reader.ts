import type { z } from 'zod'
import { type Entry, StoreUnreadable } from '../ports/store.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import type { CollectionParts, Seen } from './collection.ts'

/** Records that were parsed, by the store's key. */
export type ParsedRecords<Rec> = BoundedCache<{ readonly version: string; readonly record: Rec }>

/** A record that cannot be read is told of this often: a busy client asks for it many times. */
const toldEvery: Seconds = 300

/**
 * Reads what the store has under a key. Rejects with `StoreUnreadable` for what cannot be opened or parsed, and tells the operator
 * which record it is.
 */
export function entryReader<Rec>(
  { kind, store, environment, emit, shape }: Omit<CollectionParts<Rec>, 'name' | 'missed'>,
  parsed: ParsedRecords<Rec>,
): (key: string) => Promise<Seen<Rec>> {
  const quietUntil = new BoundedCache<UnixSeconds>(1000)

  function parse(key: string, entry: Entry): Rec {
    const known = parsed.find(key)
    if (known?.version === entry.version) return known.record
    const record = frozen(parseRecord(shape, entry.value))
    if (entry.outdated) emit({ type: 'record.outdated', kind })
    parsed.keep(key, { version: entry.version, record })
    return record
  }

  function tell(key: string): void {
    const now = environment.now()
    if (now < (quietUntil.find(key) ?? 0)) return
    quietUntil.keep(key, now + toldEvery)
    emit({ type: 'record.unreadable', kind, name: key })
  }

  return async (key) => {
    try {
      const entry = await store.get(key)
      return { entry, record: entry && parse(key, entry) }
    } catch (cause) {
      if (cause instanceof StoreUnreadable) tell(key)
      throw cause
    }
  }
}

/** The same value, which nobody can change without saying so to the store: records are kept and handed out, to tools among others. */
export function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.values(value).forEach(frozen)
  return Object.freeze(value)
}

/** The record in a stored text. Throws `StoreUnreadable`: a release never writes what the previous one cannot read, so this is damage. */
export function parseRecord<Rec>(shape: z.ZodType<Rec>, text: string): Rec {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new StoreUnreadable('a record is not JSON', { cause })
  }
  const result = shape.safeParse(json)
  if (!result.success) throw new StoreUnreadable('a record does not have the shape of its kind', { cause: result.error })
  return result.data
}
