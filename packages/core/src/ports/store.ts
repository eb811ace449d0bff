import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import type { Directory } from './directory.ts'

/** What a store holds under a key: the text, and the version that this very write was given. */
export interface Entry {
  readonly value: string
  /** 96 random bits, made by the adapter for each write and never used again for a key. */
  readonly version: string
  /** Whether an older key sealed it; known once `value` was read. Absent: the key of now, or none. */
  readonly outdated?: boolean
}

/** How far a store's "never both" reaches: one process, the processes of one machine, or every host. */
export type Reach = 'process' | 'machine' | 'shared'

/**
 * Where Drawbridge keeps its state. Every write says what it has seen, so two hosts can never both win.
 *
 * Every method rejects with {@link StoreUnavailable} when the backend fails or passes its deadline of 500 ms. Trouble is
 * never reported as absent or as lost. Reads go to the primary.
 */
export interface Store {
  readonly reach: Reach
  /** Whether values are unreadable to whoever reads the backend: true only behind `encrypted(...)`. */
  readonly sealed: boolean
  /** How others on its network can get at the backend, where it knows: a public server refuses to start on it (threat T96). */
  readonly exposed?: string
  /** The entry under `key`, or undefined when there is none or it has expired. */
  get(key: string): Promise<Entry | undefined>
  /**
   * Writes `value` if the key still holds what was `seen`; `undefined` means "nothing, or something expired".
   * Answers the entry written, or undefined when the race was lost. `ttl` is positive.
   */
  set(key: string, value: string, ttl: Seconds, seen: Entry | undefined): Promise<Entry | undefined>
  /** Deletes the key if it still holds what was `seen`; false when it no longer does. */
  delete(key: string, seen: Entry): Promise<boolean>
  readonly directory?: Directory
  /**
   * Seals the entry under `key` again if an older key sealed it; whether it did. Only where values are sealed. Rejects with
   * {@link StoreUnavailable}, and with {@link StoreUnreadable} for what no key opens.
   */
  reseal?(key: string): Promise<boolean>
  /** What the backend says of itself, where it can be asked. Rejects with {@link StoreUnavailable}. */
  examine?(): Promise<Examination>
}

/** What a backend says of itself. */
export interface Examination {
  /** The moment by its clock, where it has one of its own. */
  readonly now?: UnixSeconds
  readonly findings: readonly Finding[]
}

/** A setting of a backend with which it can lose what was stored. */
export interface Finding {
  /** As the backend names it. */
  readonly setting: string
  /** What is wrong with it, and what mends it. */
  readonly problem: string
  /** `refused`: records are lost while everything works; we do not start on it. `warned`: an accident costs more than it would have to. */
  readonly verdict: 'refused' | 'warned'
}

/** The backend failed or did not answer in time; nothing is known about the key. Becomes 503, never 401. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable'
}

/** A value is there and cannot be read: another key sealed it, or it was damaged. The record is kept, and the answer is 503. */
export class StoreUnreadable extends StoreUnavailable {
  override readonly name: string = 'StoreUnreadable'
}
