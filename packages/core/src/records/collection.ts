import type { z } from 'zod'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { type Entry, type Store, StoreUnavailable } from '../ports/store.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { entryReader, frozen, type ParsedRecords } from './entry-reader.ts'

/** What every record has: the moment it ends, checked on reading whatever the backend does about it (threat T94). */
export interface Ending {
  readonly endsAt: UnixSeconds
}

/** What a step makes of a record. Without `next` nothing is written; `gone` deletes. */
export interface Outcome<Rec, Answer> {
  readonly next?: Rec | 'gone'
  readonly answer: Answer
}

/** A pure step: everything it needs to know is in its arguments, so a lost race can run it again. */
export type Step<Rec, Answer> = (record: Rec | undefined, now: UnixSeconds) => Outcome<Rec, Answer>

/** A record as it was read, and what was seen in the store. */
export interface Seen<Rec> {
  readonly record: Rec | undefined
  readonly entry: Entry | undefined
}

/** The records of one kind. Every method rejects with `StoreUnavailable` when the store fails, and with its `StoreUnreadable` when a record cannot be read. */
export interface Collection<Rec> {
  /** The record, or undefined when there is none. */
  find(id: string): Promise<Rec | undefined>
  /** The record with what was seen, to start a change from. */
  read(id: string): Promise<Seen<Rec>>
  /** Writes a record whose id is new; undefined when the id is taken. */
  create(id: string, record: Rec): Promise<Seen<Rec> | undefined>
  /**
   * The only way to change a record: reads (or starts `from` what was read), runs the step, writes, and on a lost race
   * reads and runs the step again. Only the step refuses; a lost race is never an answer.
   */
  change<Answer>(id: string, step: Step<Rec, Answer>, from?: Seen<Rec>): Promise<Answer>
  /** As `change`, and what the store holds now, to start the next change from. */
  changeSeen<Answer>(id: string, step: Step<Rec, Answer>, from?: Seen<Rec>): Promise<Changed<Rec, Answer>>
  /** Seals the record again if an older storage key sealed it; whether it did. */
  reseal(id: string): Promise<boolean>
}

/** What came of a change. */
export interface Changed<Rec, Answer> {
  readonly answer: Answer
  readonly seen: Seen<Rec>
}

/** What a collection is made of. `name` gives the store's key; `missed` rejects when the record was lost, not absent. */
export interface CollectionParts<Rec> {
  readonly kind: string
  readonly store: Store
  readonly environment: Environment
  readonly emit: Emit
  readonly shape: z.ZodType<Rec>
  readonly name: (id: string) => Promise<string>
  readonly missed: (id: string) => Promise<void>
}

/** Lost races in a row before the answer is 503; more than eight means that something is wrong, not busy. */
const attempts = 8

/** After this long no other attempt begins, by a clock of whole seconds: whoever waits is better off with a 503 (invariant I9). */
const patience: Seconds = 2

/** Parsed records kept by version, so that an unchanged record is neither opened nor parsed again. */
const cached = 10_000

/** Opens the collection of one kind of record. */
export function openCollection<Rec extends Ending>(parts: CollectionParts<Rec>): Collection<Rec> {
  const { read, write, remove } = openEntries(parts)

  async function changeSeen<Answer>(id: string, step: Step<Rec, Answer>, from?: Seen<Rec>): Promise<Changed<Rec, Answer>> {
    const begun = parts.environment.now()
    for (let attempt = 0; attempt < attempts && parts.environment.now() - begun < patience; attempt += 1) {
      const seen = attempt === 0 && from ? from : await read(id)
      const { next, answer } = step(seen.record, parts.environment.now())
      if (next === undefined) return { answer, seen }
      const won = next === 'gone' ? await remove(id, seen.entry) : await write(id, next, seen.entry)
      if (won) return { answer, seen: won }
    }
    throw new StoreUnavailable('a record changed under every attempt to change it')
  }

  return {
    read,
    find: async (id) => (await read(id)).record,
    create: (id, record) => write(id, record, undefined),
    changeSeen,
    change: async (id, step, from) => (await changeSeen(id, step, from)).answer,
    reseal: async (id) => (await parts.store.reseal?.(await parts.name(id))) ?? false,
  }
}

/** Records as entries of the store; a write or a removal that lost its race answers undefined. */
interface Entries<Rec> {
  read(id: string): Promise<Seen<Rec>>
  write(id: string, record: Rec, seen: Entry | undefined): Promise<Seen<Rec> | undefined>
  remove(id: string, seen: Entry | undefined): Promise<Seen<Rec> | undefined>
}

function openEntries<Rec extends Ending>(parts: CollectionParts<Rec>): Entries<Rec> {
  const { store, environment, name, missed } = parts
  const parsed: ParsedRecords<Rec> = new BoundedCache(cached)
  const look = entryReader(parts, parsed)

  return {
    async read(id) {
      const key = await name(id)
      const { entry, record } = await look(key)
      if (record && record.endsAt > environment.now()) return { record, entry }
      if (!entry) await missed(id)
      return { record: undefined, entry }
    },
    async write(id, record, seen) {
      const key = await name(id)
      const ttl = Math.max(1, record.endsAt - environment.now())
      const entry = await store.set(key, JSON.stringify(record), ttl, seen)
      if (!entry) return undefined
      parsed.keep(key, { version: entry.version, record: frozen(record) })
      return { record, entry }
    },
    async remove(id, seen) {
      const key = await name(id)
      parsed.forget(key)
      const gone = seen === undefined || (await store.delete(key, seen))
      return gone ? { record: undefined, entry: undefined } : undefined
    },
  }
}
