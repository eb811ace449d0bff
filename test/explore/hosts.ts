import type { Model, Move } from './explore.ts'
import { type Answer, comeAgain, type Effect, type HostClock, type Rec, type Request, Unavailable } from './programs.ts'

// Hosts that share a store, as a world to explore. The store is a model of what is promised of one. Wherever a host waits it may
// crash; an answer may be lost; a call to the store may fail, and of a write then nobody knows whether it was executed, or will be.

/** How the store and its client behave; a planted bug replaces a part of it. */
export interface StoreRules {
  /** Whether a write compares what its writer has seen. */
  readonly writesSaySeen: boolean
  /** `once`: what was written is looked for before it is sent again, and not after that. */
  readonly unknownOutcome: 'is read back' | 'is read back once' | 'is taken for a win' | 'is taken for a loss'
  /** Swallowed, a read that failed has found nothing, and a write that failed has won. */
  readonly failures: 'are told' | 'are swallowed'
}

/** What production's stores promise. */
export const promised: StoreRules = { writesSaySeen: true, unknownOutcome: 'is read back', failures: 'are told' }

/** A moment of a world's time. */
export interface Moment {
  /** In Unix seconds, by the store's clock. */
  readonly at: number
  /** Whether nothing that was under way is any more: requests and writes have deadlines. */
  readonly endsWork?: boolean
}

/** What comes back of a question, and what it leaves behind outside. */
export interface Reply<Past> {
  readonly name: string
  readonly value: { readonly is: string; readonly [more: string]: unknown }
  readonly past: Past
  readonly isFault?: boolean
}

/** What is written, by whom, and over what. */
export interface Landing {
  readonly by: number
  readonly record: string
  readonly before: Rec | undefined
  readonly after: Rec | undefined
}

/** Who takes part, what they ask for, and what is remembered of it that nobody in the system knows as a whole. */
export interface Setting<Past> {
  readonly records: readonly string[]
  readonly actors: readonly string[]
  readonly moments: readonly Moment[]
  readonly faults: number
  /** How far the clock of each host is ahead; default: none is. */
  readonly ahead?: readonly number[]
  readonly rules: StoreRules
  readonly stored: Readonly<Record<string, Rec>>
  readonly past: Past
  begins(state: State<Past>, by: number): readonly Request[]
  asks(state: State<Past>, by: number, question: string): readonly Reply<Past>[]
  /** `arrives` is false when the answer is lost on its way. */
  answers(state: State<Past>, by: number, answer: Answer, arrives: boolean): Past
  lands?(state: State<Past>, landing: Landing): Past
  crashes?(state: State<Past>, by: number): Past
  passes?(state: State<Past>): Past
  keyOf(past: Past): string
  brokenIn(state: State<Past>): string | undefined
  /** Whether everybody has an answer; default: nobody is at anything, or wants to begin. */
  isSettled?(state: State<Past>): boolean
}

/** What the store holds under a name. */
interface Held {
  readonly record: Rec
  readonly id: number
  readonly until: number
}

/** A host at work, and how fresh what it has seen of each record is. */
interface Working {
  readonly point: Point
  /** One bit for each record: what it has seen of it is what the store holds. */
  readonly fresh: number
  /** It has written, and does not know what became of it; `isMine`: the store holds what it wrote. `isSentAgain`: it has looked, and writes once more. */
  readonly doubt?: { readonly isMine: boolean; readonly isSentAgain: boolean }
}

/** A write that was sent, and of which nobody knows what became: it may land as long as what it has seen is there. */
interface Late {
  readonly by: number
  readonly point: number
  readonly record: number
  readonly next: Held | undefined
  readonly creates: boolean
  readonly isFresh: boolean
}

/** The hosts, the store, and the past. */
export interface State<Past> {
  readonly moment: number
  readonly now: number
  readonly stored: readonly (Held | undefined)[]
  readonly work: readonly (Working | undefined)[]
  readonly onTheWay: readonly Late[]
  readonly faultsLeft: number
  readonly past: Past
}

/** Where a host is in its work: the same request, having got the same so far, is at the same point. */
interface Point {
  readonly id: number
  readonly request: Request
  readonly began: number
  readonly got: readonly Got[]
  readonly waits: Effect | { readonly does: 'ends'; readonly answer: Answer | undefined }
  readonly next: Map<string, Point>
}

interface Got {
  readonly now: number
  readonly value: unknown
}

const failed = Symbol('the store failed')

/** The record that a state holds under a name, if it has not ended. */
export function storedIn<Past>(setting: Pick<Setting<Past>, 'records'>, state: State<Past>, record: string): Rec | undefined {
  const held = state.stored[setting.records.indexOf(record)]
  return held && held.record.endsAt > state.now ? held.record : undefined
}

/** Makes the world of a setting. */
export function openWorld<Past>(setting: Setting<Past>): Model<State<Past>> {
  const { records, actors, moments, rules, ahead = [] } = setting
  const held = new Map<string, Held>()
  const ids = new Map<Rec, number>()
  const names = new Map<string, number>()
  const roots = new Map<string, Point>()
  let points = 0

  // --- Values, each kept once ---

  function idOf(record: Rec): number {
    const known = ids.get(record)
    if (known !== undefined) return known
    const text = JSON.stringify(record)
    const id = names.get(text) ?? names.size + 1
    names.set(text, id)
    ids.set(record, id)
    return id
  }

  function hold(record: Rec, storeNow: number, hostNow: number): Held {
    const until = storeNow + Math.max(1, record.endsAt - hostNow)
    const id = idOf(record)
    const key = `${id} ${until}`
    const known = held.get(key)
    if (known) return known
    const made = { record, id, until }
    held.set(key, made)
    return made
  }

  // --- Points ---

  function rootOf(request: Request, now: number): Point {
    const key = `${now} ${request.name}`
    const known = roots.get(key)
    if (known) return known
    const made = pointOf(request, now, [])
    roots.set(key, made)
    return made
  }

  function pointOf(request: Request, began: number, got: readonly Got[]): Point {
    points += 1
    return { id: points, request, began, got, waits: replay(request, began, got), next: new Map() }
  }

  function advance(point: Point, now: number, value: unknown, valueKey: string): Point {
    const key = `${now} ${valueKey}`
    const known = point.next.get(key)
    if (known) return known
    const made = pointOf(point.request, point.began, [...point.got, { now, value }])
    point.next.set(key, made)
    return made
  }

  // --- What can happen ---

  const clockOf = (state: State<Past>, by: number): number => state.now + (ahead[by] ?? 0)
  const setWork = (state: State<Past>, by: number, work: Working | undefined): State<Past> => ({
    ...state,
    work: state.work.map((other, index) => (index === by ? work : other)),
  })
  const withFault = (state: State<Past>): State<Past> => ({ ...state, faultsLeft: state.faultsLeft - 1 })

  /** The host gets what it waited for, and goes on until it waits again. */
  function goOn(state: State<Past>, by: number, name: string, value: unknown, valueKey: string, isFault = false): Move<State<Past>>[] {
    const work = state.work[by]
    if (!work) return []
    const point = advance(work.point, clockOf(state, by), value, valueKey)
    return arrive(state, by, { point, fresh: work.fresh }, name, isFault)
  }

  function arrive(state: State<Past>, by: number, work: Working, name: string, isFault: boolean): Move<State<Past>>[] {
    const { waits } = work.point
    switch (waits.does) {
      case 'becomes':
        return arrive(
          state,
          by,
          { point: rootOf(waits.request, clockOf(state, by)), fresh: waits.keepsSeen ? work.fresh : 0 },
          name,
          isFault,
        )
      case 'answers': {
        const on = advance(work.point, clockOf(state, by), undefined, '')
        return told(state, by, waits.answer, name, isFault).flatMap((move) =>
          arrive(move.state, by, { ...work, point: on }, move.name, move.isFault ?? false),
        )
      }
      case 'ends': {
        const over = setWork(state, by, undefined)
        return waits.answer ? told(over, by, waits.answer, name, isFault) : [{ name, state: over, isFault }]
      }
      default:
        return [{ name, state: setWork(state, by, work), isFault }]
    }
  }

  /** The answer goes out: it arrives, or is lost on the way. */
  function told(state: State<Past>, by: number, answer: Answer, name: string, isFault: boolean): Move<State<Past>>[] {
    const heard = { ...state, past: setting.answers(state, by, answer, true) }
    const moves: Move<State<Past>>[] = [{ name: `${name}; ${answer.text}`, state: heard, isFault }]
    if (state.faultsLeft > 0 && answer !== comeAgain) {
      const lost = withFault({ ...state, past: setting.answers(state, by, answer, false) })
      moves.push({ name: `${name}; ${answer.text}, which nobody hears`, state: lost, isFault: true })
    }
    return moves
  }

  /** The store holds something else: whatever others have seen of it is not fresh any more. */
  function land(state: State<Past>, late: Omit<Late, 'isFresh' | 'creates'>): State<Past> {
    const { by, point, record, next } = late
    const bit = 1 << record
    const before = state.stored[record]?.record
    const work = state.work.map((other, index) => {
      if (!other) return other
      const { doubt, ...rest } = other
      const writes = other.point.waits.does === 'writes' && records.indexOf(other.point.waits.record) === record
      // A removal leaves nothing by which it could be known for one's own.
      const isMine = index === by && other.point.id === point && next !== undefined
      return { ...rest, fresh: rest.fresh & ~bit, ...(doubt && { doubt: writes ? { ...doubt, isMine } : doubt }) }
    })
    const onTheWay = state.onTheWay
      .map((other) => (other.record === record ? { ...other, isFresh: false } : other))
      .filter(({ isFresh, creates }) => isFresh || creates || !rules.writesSaySeen)
    const stored = state.stored.map((other, index) => (index === record ? next : other))
    const landed = { ...state, stored, work, onTheWay }
    const past = setting.lands?.(landed, { by, record: records[record] ?? '', before, after: next?.record })
    return past === undefined ? landed : { ...landed, past }
  }

  function wins(state: State<Past>, record: number, creates: boolean, isFresh: boolean): boolean {
    return !rules.writesSaySeen || (creates ? state.stored[record] === undefined : isFresh)
  }

  function reads(state: State<Past>, by: number, work: Working, name: string): Move<State<Past>>[] {
    const record = records.indexOf(name)
    const found = state.stored[record]
    const good = found && found.record.endsAt > clockOf(state, by) ? found : undefined
    const seen = setWork(state, by, { ...work, fresh: work.fresh | (1 << record) })
    const moves = goOn(seen, by, `${actors[by]} reads the ${name}`, good?.record, String(good?.id ?? '-'))
    if (state.faultsLeft === 0) return moves
    const swallowed = rules.failures === 'are swallowed'
    const [value, key] = swallowed ? [undefined, '-'] : [failed, 'failed']
    return [...moves, ...goOn(withFault(state), by, `${actors[by]} cannot read the ${name}`, value, key, true)]
  }

  function writes(state: State<Past>, by: number, work: Working, effect: Effect & { does: 'writes' }): Move<State<Past>>[] {
    const record = records.indexOf(effect.record)
    const next = effect.next === 'gone' ? undefined : hold(effect.next, state.now, clockOf(state, by))
    const who = `${actors[by]} ${next ? 'writes' : 'removes'} the ${effect.record}`
    const bit = 1 << record
    const isFresh = (work.fresh & bit) !== 0
    const won = wins(state, record, effect.creates, isFresh)
    const landed = (from: State<Past>): State<Past> => {
      const after = land(from, { by, point: work.point.id, record, next })
      const mine = after.work[by]
      return mine ? setWork(after, by, { ...mine, fresh: mine.fresh | bit }) : after
    }
    const isMine = work.doubt?.isMine === true && rules.unknownOutcome === 'is read back'
    const moves = won
      ? goOn(landed(state), by, who, true, 'won')
      : isMine
        ? goOn(setWork(state, by, { ...work, fresh: work.fresh | bit }), by, `${who}: it is there`, true, 'won')
        : goOn(state, by, `${who}, too late`, false, 'lost')
    if (state.faultsLeft === 0) return moves
    const fails = (from: State<Past>, how: string): void => {
      const faulty = withFault(from)
      const [value, key] = rules.failures === 'are swallowed' ? [true, 'won'] : [failed, 'failed']
      moves.push(...goOn(faulty, by, `${who}, ${how}, and the store fails`, value, key, true))
      if (rules.unknownOutcome.startsWith('is read back')) {
        if (work.doubt) return
        const doubt = { isMine: how === 'unheard' && next !== undefined, isSentAgain: false }
        moves.push({ name: `${who}, ${how}`, state: setWork(faulty, by, { ...work, fresh: freshOf(faulty, by), doubt }), isFault: true })
      } else {
        const isTaken = rules.unknownOutcome === 'is taken for a win'
        moves.push(...goOn(faulty, by, `${who}, ${how}`, isTaken, isTaken ? 'won' : 'lost', true))
      }
    }
    if (won) fails(land(state, { by, point: work.point.id, record, next }), 'unheard')
    const late: Late = { by, point: work.point.id, record, next, creates: effect.creates, isFresh }
    const canLand = isFresh || effect.creates || !rules.writesSaySeen
    fails(canLand ? { ...state, onTheWay: [...state.onTheWay, late] } : state, 'into the void')
    return moves
  }

  const freshOf = (state: State<Past>, by: number): number => state.work[by]?.fresh ?? 0

  /** What the store's client does about a write of unknown outcome: it looks what is there. */
  function settles(state: State<Past>, by: number, work: Working, effect: Effect & { does: 'writes' }): Move<State<Past>>[] {
    const record = records.indexOf(effect.record)
    const bit = 1 << record
    const who = `${actors[by]} looks what became of the ${effect.record}`
    if (work.doubt?.isMine) return goOn(setWork(state, by, { ...work, fresh: work.fresh | bit }), by, `${who}: written`, true, 'won')
    const isAsSeen = effect.creates ? state.stored[record] === undefined : (work.fresh & bit) !== 0
    if (!isAsSeen) return goOn(state, by, `${who}: lost`, false, 'lost')
    return [
      {
        name: `${who}: not written, and writes it again`,
        state: setWork(state, by, { ...work, doubt: { isMine: false, isSentAgain: true } }),
      },
    ]
  }

  function progress(state: State<Past>, by: number, work: Working): Move<State<Past>>[] {
    const { waits } = work.point
    const moves: Move<State<Past>>[] = []
    if (waits.does === 'writes') moves.push(...(work.doubt?.isSentAgain === false ? settles : writes)(state, by, work, waits))
    if (waits.does === 'reads') moves.push(...reads(state, by, work, waits.record))
    if (waits.does === 'asks')
      for (const { name, value, past, isFault = false } of setting.asks(state, by, waits.question)) {
        if (isFault && state.faultsLeft === 0) continue
        const after = { ...(isFault ? withFault(state) : state), past }
        moves.push(...goOn(after, by, `${actors[by]} asks: ${name}`, value, JSON.stringify(value), isFault))
      }
    if (state.faultsLeft > 0) {
      const past = setting.crashes?.(state, by) ?? state.past
      moves.push({ name: `${actors[by]}: the host crashes`, state: withFault({ ...setWork(state, by, undefined), past }), isFault: true })
    }
    return moves
  }

  function pass(state: State<Past>): Move<State<Past>>[] {
    const next = moments[state.moment + 1]
    if (!next) return []
    const stored = state.stored.map((one) => (one && one.until > next.at ? one : undefined))
    const ended = stored.reduce((bits, one, index) => (one !== state.stored[index] ? bits | (1 << index) : bits), 0)
    const work = next.endsWork ? state.work.map(() => undefined) : state.work.map((one) => one && { ...one, fresh: one.fresh & ~ended })
    const isLast = state.moment + 2 === moments.length
    const onTheWay = next.endsWork || isLast ? [] : state.onTheWay.filter(({ record, creates }) => creates || (ended & (1 << record)) === 0)
    const passed = { moment: state.moment + 1, now: next.at, stored, work, onTheWay, past: setting.passes?.(state) ?? state.past }
    // In the end nothing fails any more: whoever has no answer by then has to get one.
    const faultsLeft = isLast ? 0 : state.faultsLeft
    return [{ name: `${next.at - state.now} s pass`, state: { ...state, ...passed, faultsLeft } }]
  }

  return {
    first: {
      moment: 0,
      now: moments[0]?.at ?? 0,
      stored: records.map((record) => {
        const first = setting.stored[record]
        return first && hold(first, moments[0]?.at ?? 0, moments[0]?.at ?? 0)
      }),
      work: actors.map(() => undefined),
      onTheWay: [],
      faultsLeft: setting.faults,
      past: setting.past,
    },
    moves(state) {
      const moves = state.work.flatMap((work, by) =>
        work
          ? progress(state, by, work)
          : setting
              .begins(state, by)
              .flatMap((request) =>
                arrive(state, by, { point: rootOf(request, clockOf(state, by)), fresh: 0 }, `${actors[by]}: ${request.name}`, false),
              ),
      )
      for (const late of state.onTheWay) {
        const others = { ...state, onTheWay: state.onTheWay.filter((other) => other !== late) }
        if (wins(state, late.record, late.creates, late.isFresh))
          moves.push({ name: `what ${actors[late.by]} wrote of the ${records[late.record]} lands late`, state: land(others, late) })
      }
      return [...moves, ...pass(state)]
    },
    keyOf: (state) => keyOf(state, setting.keyOf(state.past)),
    brokenIn: (state) => setting.brokenIn(state),
    isSettled: (state) => setting.isSettled?.(state) ?? state.work.every((work, by) => !work && setting.begins(state, by).length === 0),
  }
}

function replay(request: Request, began: number, got: readonly Got[]): Point['waits'] {
  const clock: { now: number } & HostClock = { now: began }
  const work = request.run(clock)
  try {
    let step = work.next()
    for (const { now, value } of got) {
      clock.now = now
      step = value === failed ? work.throw(new Unavailable()) : work.next(value)
    }
    return step.done ? { does: 'ends', answer: step.value } : step.value
  } catch (cause) {
    if (!(cause instanceof Unavailable)) throw cause
    return { does: 'ends', answer: comeAgain }
  }
}

function keyOf<Past>({ moment, stored, work, onTheWay, faultsLeft }: State<Past>, past: string): string {
  let key = `${moment} ${faultsLeft} ${past}`
  for (const one of stored) key += one ? `|${one.id} ${one.until}` : '|'
  for (const one of work)
    key += one ? `:${one.point.id} ${one.fresh}${one.doubt ? ` ${one.doubt.isMine} ${one.doubt.isSentAgain}` : ''}` : ':'
  for (const { by, record, next, isFresh } of onTheWay) key += `>${by} ${record} ${next?.id} ${isFresh}`
  return key
}
