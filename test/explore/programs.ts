import type { Outcome } from '../../packages/core/src/records/collection.ts'

// What a host does with a request, as a generator that waits where production waits: for the store, for the upstream. Between two
// waits it runs in one piece, as JavaScript does.

/** A record, of whatever kind. */
export interface Rec {
  readonly endsAt: number
}

/** What a host waits for. */
export type Effect =
  | { readonly does: 'reads'; readonly record: string }
  /** Writes over what it has seen of the record last; `creates` says that it has seen nothing. */
  | { readonly does: 'writes'; readonly record: string; readonly next: Rec | 'gone'; readonly creates: boolean }
  /** Asks the world outside, which may answer in several ways. */
  | { readonly does: 'asks'; readonly question: string }
  /** Answers, and goes on beside the request. */
  | { readonly does: 'answers'; readonly answer: Answer }
  /** Waits, and goes on as this, with nothing else remembered; but, where it says so, what it has seen of the records. */
  | { readonly does: 'becomes'; readonly request: Request; readonly keepsSeen?: boolean }

/** An answer, or 503: come again. `text` tells it from others. */
export interface Answer {
  readonly is: string
  readonly text: string
  readonly generation?: number
}

/** What a host is asked to do. Two with the same name are the same. */
export interface Request {
  readonly name: string
  run(host: HostClock): Work
}

/** A host at work: it waits for something, gets what came of it, and answers in the end, or has nothing to say. */
export type Work = Generator<Effect, Answer | undefined, unknown>

/** The clock of the host. */
export interface HostClock {
  readonly now: number
}

/** The store does not answer, or took too long: what came of the call is not known. */
export class Unavailable extends Error {}

/** 503, with when to come back. */
export const comeAgain: Answer = { is: 'unavailable', text: '503' }

/** What a lost race comes to, where a bug is planted. */
export type LostRace = 'runs the step again' | 'is answered all the same'

/** Reads a record. */
export function* read<Kind extends Rec>(record: string): Generator<Effect, Kind | undefined, unknown> {
  return (yield { does: 'reads', record }) as Kind | undefined
}

/** Writes a record that is new; false when there is one. */
export function* create(record: string, next: Rec): Generator<Effect, boolean, unknown> {
  return (yield { does: 'writes', record, next, creates: true }) as boolean
}

/** Asks the world outside. */
export function* ask<Reply>(question: string): Generator<Effect, Reply, unknown> {
  return (yield { does: 'asks', question }) as Reply
}

/** What is changed: the record, the step, and what was read of it before, as `seen`. */
export interface Change<Kind extends Rec, Result> {
  readonly record: string
  step(record: Kind | undefined, now: number): Outcome<Kind, Result>
  readonly seen?: { readonly record: Kind | undefined }
  readonly lostRace?: LostRace
}

/** `Collection.change`, wait for wait. */
export function* change<Kind extends Rec, Result>(
  host: HostClock,
  { record, step, seen, lostRace = 'runs the step again' }: Change<Kind, Result>,
): Generator<Effect, Result, unknown> {
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const found: Kind | undefined = attempt === 0 && seen ? seen.record : yield* read<Kind>(record)
    const { next, answer } = step(found, host.now)
    if (next === undefined) return answer
    // Nothing is there, so there is nothing to remove.
    if (next === 'gone' && found === undefined) return answer
    const won = (yield { does: 'writes', record, next, creates: found === undefined }) as boolean
    if (won || lostRace === 'is answered all the same') return answer
  }
  throw new Unavailable()
}
