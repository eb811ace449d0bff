import { describe, expect, it } from 'vitest'
import { hashSecret } from '../protocol/compare.ts'
import { formatRefreshToken } from '../protocol/identifiers.ts'
import { defaultLifetimes } from '../protocol/lifetimes.ts'
import { type Grant, isOfLogin, type LoginGrant } from './grant.ts'
import { redeemCode } from './redeem-code.ts'
import { confirmGeneration, macOf, rotateRefreshToken } from './rotate-refresh-token.ts'

// Every interleaving of three requests over one grant. The steps are those of production; the store is a model of what
// the port promises. Between any two things that happen a host may crash, an answer may be lost, the outcome of a write may
// stay unknown (and the write land later, or never), and time may pass. Breadth first, each state once.

// --- How hosts work; a planted bug replaces a part of it ---

interface Steps {
  readonly redeem: typeof redeemCode
  readonly rotate: typeof rotateRefreshToken
  readonly confirm: (grant: Grant | undefined, generation: number, now: number) => ReturnType<typeof confirmGeneration>
  /** Whether the store compares what the writer has seen. */
  readonly writesSaySeen: boolean
  readonly unknownOutcome: 'is read back' | 'is taken for a win'
  readonly lostRace: 'runs the step again' | 'is answered all the same'
}

const production: Steps = {
  redeem: redeemCode,
  rotate: rotateRefreshToken,
  confirm: confirmGeneration,
  writesSaySeen: true,
  unknownOutcome: 'is read back',
  lostRace: 'runs the step again',
}

// --- What there is ---

const start = 1_767_268_800
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const opened: LoginGrant = {
  id: '019b796d-d600-7000-8000-000000000000',
  clientId: 'client',
  identity: { subject: '1', claims: {} },
  scopes: ['read'],
  resource: 'https://mcp.example.com/mcp',
  createdAt: start,
  endsAt: start + 600,
  code: {
    hash: hashSecret('the code'),
    challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    redirectUri: 'http://127.0.0.1/cb',
    expiresAt: start + 60,
    spent: false,
  },
  refresh: { secret: 'the secret of the refresh tokens', allowed: false, generation: 0, confirmed: false, graceFrom: start },
  upstream: { accessToken: 'upstream', scopes: [], seq: 0, checkedAt: start },
}

/** What the store holds: a record, or nothing. */
type Stored = Grant | undefined

type Holder = 'client' | 'thief' | 'twin' | 'gate'

/** A request: what it does, for whom, with which generation, and all that as text. */
interface Request {
  readonly does: 'redeems' | 'guesses' | 'refreshes' | 'confirms'
  readonly by: Holder
  readonly generation: number
  readonly text: string
}

/** What a step answered, as far as the model looks at it: a generation with its refresh token, a refusal, or nothing of interest. */
interface Answer {
  readonly is: 'issued' | 'refused' | 'noted'
  readonly generation: number
  readonly text: string
}

/** A host at work on a request. */
interface Work {
  /** `doubt`: it has written, and does not know what became of it. */
  readonly at: 'read' | 'write' | 'doubt'
  readonly request: Request
  readonly attempt: number
  readonly next: Stored
  readonly answer: Answer
  /** Whether what it has seen is still what the store holds. */
  readonly isFresh: boolean
  /** Whether the store holds what it wrote. */
  readonly isMine: boolean
}

/** What somebody has: a code, the refresh token of a generation, nothing yet, or no hope. */
type Holding = 'nothing' | 'code' | 'over' | number

interface State {
  readonly now: number
  readonly stored: Stored
  readonly work: readonly (Work | undefined)[]
  /** Writes that were sent, and of which nobody knows what became: each may land as long as it is fresh. */
  readonly onTheWay: readonly { readonly by: number; readonly next: Stored; readonly isFresh: boolean }[]
  readonly has: Readonly<Record<Holder, Holding>>
  readonly faultsLeft: number
  readonly clockLeft: number
  readonly past: Past
}

/** What nobody in the system knows as a whole, and the invariants are about. */
interface Past {
  /** How often the code gave tokens. */
  readonly redemptions: number
  /** The refresh token that came for each generation that was presented. */
  readonly successors: readonly string[]
  /** The newest generation, when it was written, and whether it was seen in use. */
  readonly newest: number
  readonly writtenAt: number
  readonly used: boolean
  /** Whether the client was away for longer than any grace, since it last heard of us. */
  readonly wasAway: boolean
  readonly broken?: string
}

interface Scenario {
  readonly roles: readonly ('client' | 'gate' | 'thief' | 'twin' | 'guesser')[]
  readonly faults: number
  readonly clock: number
  readonly generations: number
  readonly redeemed: boolean
  /** Whether a client that was not away for too long ever has to sign in again. */
  readonly keepsItsLogin: boolean
}

/** A scenario, how its hosts work, and what was found out about both: everything is worked out once. */
interface World {
  readonly scenario: Scenario
  readonly steps: Steps
  readonly records: Map<string, Grant>
  readonly names: Map<Stored, string>
  readonly judged: Map<string, Judged>
  readonly quiet: Map<string, boolean>
}

interface Judged {
  readonly next: Grant | 'gone' | undefined
  readonly answer: Answer
}

interface Move {
  readonly name: string
  readonly state: State
}

// --- What can happen ---

function movesOf(state: State, world: World): Move[] {
  const { steps } = world
  const moves: Move[] = state.work.flatMap((work, by) => (work ? progress(state, by, work, world) : beginnings(state, by, world)))
  for (const write of state.onTheWay) {
    if (steps.writesSaySeen && !write.isFresh) continue
    const onTheWay = state.onTheWay.filter((other) => other !== write)
    moves.push({ name: `the write of host ${write.by} lands late`, state: land({ ...state, onTheWay }, write.by, write.next) })
  }
  if (state.clockLeft > 0)
    moves.push({ name: 'a minute passes', state: pass(state, 61) }, { name: 'a day passes', state: pass(state, 90_000) })
  return moves
}

function beginnings(state: State, by: number, { scenario }: World): Move[] {
  const { client, thief, twin } = state.has
  const begin = (does: Request['does'], holder: Holder, generation = -1): Move[] => {
    const request = { does, by: holder, generation, text: `${holder} ${does} ${generation}` }
    const work = { at: 'read' as const, request, attempt: 1, next: undefined, answer: noted, isFresh: false, isMine: false }
    return [{ name: `host ${by} hears: ${request.text}`, state: withWork(state, by, work) }]
  }
  switch (scenario.roles[by]) {
    case 'client':
      if (client === 'code') return begin('redeems', 'client')
      return typeof client === 'number' && client < scenario.generations && mayAsk(state, client)
        ? begin('refreshes', 'client', client)
        : []
    case 'gate': {
      const known = [client, thief, twin].filter((has) => typeof has === 'number')
      return known.length > 0 ? begin('confirms', 'gate', Math.max(...known)) : []
    }
    case 'thief':
      if (thief === 'nothing' && typeof client === 'number')
        return [{ name: 'the thief copies the token', state: { ...state, has: { ...state.has, thief: client } } }]
      return typeof thief === 'number' && thief < scenario.generations ? begin('refreshes', 'thief', thief) : []
    case 'twin':
      return twin === 'code' ? begin('redeems', 'twin') : []
    default:
      return begin('guesses', 'thief')
  }
}

// A client that refreshes twice at once presents the same token twice; the next one it presents an hour later.
function mayAsk({ work }: State, generation: number): boolean {
  const underWay = work.filter((other) => other?.request.does === 'refreshes' && other.request.by === 'client')
  return underWay.every((other) => other?.request.generation === generation)
}

function progress(state: State, by: number, work: Work, world: World): Move[] {
  const moves =
    work.at === 'read' ? read(state, by, work, world) : work.at === 'write' ? write(state, by, work, world) : doubt(state, by, work, world)
  if (state.faultsLeft > 0) moves.push({ name: `host ${by} crashes`, state: withWork(withFault(state), by, undefined) })
  return moves
}

function read(state: State, by: number, work: Work, world: World): Move[] {
  const { next, answer } = judge(state, work.request, world)
  if (next === undefined) return answers(state, by, work.request, answer)
  if (work.request.does === 'guesses')
    return [{ name: `host ${by} will write`, state: { ...state, past: { ...state.past, broken: 'a wrong verifier changed something' } } }]
  const writing: Work = { ...work, at: 'write', next: next === 'gone' ? undefined : next, answer, isFresh: true, isMine: false }
  return [{ name: `host ${by} has read`, state: withWork(state, by, writing) }]
}

function write(state: State, by: number, work: Work, { steps }: World): Move[] {
  const { next, answer, request, isFresh } = work
  const wins = isFresh || !steps.writesSaySeen
  const moves = wins ? answers(land(state, by, next), by, request, answer) : lose(state, by, work, steps)
  if (state.faultsLeft === 0) return moves
  const doubting = withWork(withFault(state), by, { ...work, at: 'doubt' })
  if (wins) moves.push({ name: `host ${by} writes, and does not hear of it`, state: land(doubting, by, next) })
  moves.push({ name: `host ${by} writes into the void`, state: { ...doubting, onTheWay: [...state.onTheWay, { by, next, isFresh }] } })
  return moves
}

function lose(state: State, by: number, work: Work, steps: Steps): Move[] {
  if (steps.lostRace === 'is answered all the same') return answers(state, by, work.request, work.answer)
  const again: Work | undefined =
    work.attempt < 8 ? { ...work, at: 'read', attempt: work.attempt + 1, next: undefined, answer: noted } : undefined
  return [{ name: `host ${by} has lost`, state: withWork(state, by, again) }]
}

function doubt(state: State, by: number, work: Work, { steps }: World): Move[] {
  if (steps.unknownOutcome === 'is taken for a win' || work.isMine) return answers(state, by, work.request, work.answer)
  if (!work.isFresh) return lose(state, by, work, steps)
  return [{ name: `host ${by} finds what it had seen, and writes the same again`, state: withWork(state, by, { ...work, at: 'write' }) }]
}

/** The answer goes out: it arrives, or is lost on the way. */
function answers(state: State, by: number, request: Request, answer: Answer): Move[] {
  const answered = withWork({ ...state, past: noteAnswer(state, request, answer) }, by, undefined)
  const moves = [{ name: `host ${by} answers: ${answer.text}`, state: hear(answered, request, answer) }]
  if (state.faultsLeft > 0 && answer.is !== 'noted')
    moves.push({ name: `host ${by} answers, and nobody hears: ${answer.text}`, state: withFault(answered) })
  return moves
}

function hear(state: State, { does, by }: Request, { is, generation }: Answer): State {
  if (is === 'noted' || does === 'guesses') return state
  const past = by === 'client' && is === 'issued' ? { ...state.past, wasAway: false } : state.past
  return { ...state, past, has: { ...state.has, [by]: is === 'issued' ? generation : 'over' } }
}

/** The store holds something else: whatever the others have seen is not fresh any more. */
function land(state: State, by: number, next: Stored): State {
  const work = state.work.map((other, index) => other && { ...other, isFresh: false, isMine: index === by && other.at === 'doubt' })
  const onTheWay = state.onTheWay.map((other) => ({ ...other, isFresh: false }))
  return { ...state, stored: next, work, onTheWay, past: noteWrite(state.past, next, state.now) }
}

// Nothing is under way for that long: requests and writes have deadlines.
function pass(state: State, seconds: number): State {
  const past = seconds > 86_400 ? { ...state.past, wasAway: true } : state.past
  const work = state.work.map(() => undefined)
  return { ...state, now: state.now + seconds, clockLeft: state.clockLeft - 1, work, onTheWay: [], past }
}

function withWork(state: State, by: number, work: Work | undefined): State {
  return { ...state, work: state.work.map((other, index) => (index === by ? work : other)) }
}

function withFault(state: State): State {
  return { ...state, faultsLeft: state.faultsLeft - 1 }
}

// --- What the steps make of it ---

const noted: Answer = { is: 'noted', generation: -1, text: 'noted' }

function judge({ now, stored }: State, request: Request, world: World): Judged {
  const key = `${nameOf(stored, world)} ${now} ${request.text}`
  const known = world.judged.get(key)
  if (known) return known
  const judged = runStep(stored && stored.endsAt > now ? stored : undefined, request, now, world.steps)
  const next = judged.next === 'gone' || judged.next === undefined ? judged.next : intern(judged.next, world)
  const kept = { next, answer: judged.answer }
  world.judged.set(key, kept)
  return kept
}

function runStep(record: Stored, { does, generation }: Request, now: number, steps: Steps): Judged {
  if (does === 'confirms') return { next: steps.confirm(record, generation, now).next, answer: noted }
  const { next, answer } =
    does === 'refreshes'
      ? steps.rotate(record, { clientId: 'client', generation, mac: macOf(opened, generation) }, defaultLifetimes, now)
      : steps.redeem(record, redemption(does), defaultLifetimes, now)
  if (answer.is === 'refused') return { next, answer: { is: 'refused', generation: -1, text: answer.reason } }
  const issued = answer.grant.refresh.generation
  const token = formatRefreshToken({ grantId: answer.grant.id, generation: issued, mac: macOf(answer.grant, issued) })
  return { next, answer: { is: 'issued', generation: issued, text: token } }
}

const redemption = (does: 'redeems' | 'guesses') => ({
  clientId: 'client',
  codeHash: opened.code.hash,
  verifier: does === 'redeems' ? verifier : 'a'.repeat(43),
  refreshes: 'always' as const,
})

/** The record that stands for all that are the same. */
function intern(record: Grant, world: World): Grant {
  // What becomes of a login always has a code: a record without one would not be the login's.
  if (!isOfLogin(record)) throw new Error('a step made another kind of grant')
  const { spent } = record.code
  const { generation, confirmed, graceFrom, allowed, secret } = record.refresh
  const name = `${spent} ${allowed} ${generation} ${confirmed} ${graceFrom - start} ${record.endsAt - start} ${secret}`
  const known = world.records.get(name)
  if (known) return known
  world.records.set(name, record)
  world.names.set(record, String(world.records.size))
  return record
}

function nameOf(stored: Stored, { names }: World): string {
  return names.get(stored) ?? ''
}

// --- What must hold ---

function noteWrite(past: Past, next: Stored, now: number): Past {
  if (!next?.code?.spent) return past
  const { generation, confirmed } = next.refresh
  if (generation > past.newest) return { ...past, newest: generation, writtenAt: now, used: confirmed }
  return confirmed && generation === past.newest && !past.used ? { ...past, used: true, writtenAt: now } : past
}

/** The invariants I2 and I3, in words that know nothing of how the steps are written. */
function noteAnswer({ past, stored, now }: State, request: Request, answer: Answer): Past {
  const broken = (what: string): Past => ({ ...past, broken: past.broken ?? what })
  if (answer.is === 'noted') return past
  if (answer.is === 'refused') {
    const isReplay = answer.text === 'code_replayed' || answer.text === 'refresh_token_replayed'
    return isReplay && stored !== undefined ? broken('a replay left the grant alive') : past
  }
  if (request.does === 'guesses') return broken('a wrong verifier gave tokens')
  if (request.does === 'redeems') {
    const redemptions = past.redemptions + 1
    return redemptions > 1 ? broken('one code gave tokens twice') : { ...past, redemptions }
  }
  const known = past.successors[request.generation] ?? answer.text
  if (known !== answer.text) return broken('one refresh token had two successors')
  const age = now - past.writtenAt
  const isInTime = age <= 60 || (!past.used && age <= 86_400)
  if (answer.generation !== request.generation + 1 || answer.generation !== past.newest || !isInTime)
    return broken('an old refresh token gave tokens')
  const successors = [...past.successors]
  successors[request.generation] = known
  return { ...past, successors }
}

function whatIsBroken(state: State, world: World): string | undefined {
  if (state.past.broken !== undefined) return state.past.broken
  const { client } = state.has
  const { keepsItsLogin, generations } = world.scenario
  if (client === 'over' && keepsItsLogin && !state.past.wasAway) return 'a client that did nothing wrong has to sign in again'
  const goesOn = client === 'code' || (typeof client === 'number' && client < generations)
  return goesOn && !endsQuietly(state, world) ? 'a client that keeps trying gets neither an answer nor a clean new login' : undefined
}

/** Whether the client alone, when nothing fails any more, comes to an end: tokens, or a new login that leaves nothing behind. */
function endsQuietly(state: State, world: World): boolean {
  const { now, stored, has, past } = state
  const [mine] = state.work
  const key = `${now} ${nameOf(stored, world)} ${has.client} ${keyOfWork(mine, world)}`
  const known = world.quiet.get(key)
  if (known !== undefined) return known
  // Until it is known: whoever comes back to where it was never ends.
  world.quiet.set(key, false)
  const [next] = movesOf({ ...state, work: [mine], onTheWay: [], faultsLeft: 0, clockLeft: 0, past: { ...past } }, world)
  const isAnswered = mine !== undefined && next?.state.work[0] === undefined
  const ends = next !== undefined && (isAnswered ? isCleanEnd(next.state) : endsQuietly(next.state, world))
  world.quiet.set(key, ends)
  return ends
}

/** Tokens; or nothing left but a grant that nobody has redeemed, which ends by itself in minutes. */
function isCleanEnd({ has, stored, now }: State): boolean {
  return typeof has.client === 'number' || stored === undefined || stored.endsAt <= now || !stored.code?.spent
}

// --- Breadth first ---

interface Exploration {
  readonly states: number
  readonly broken?: string
  /** How it came to it: the shortest way. */
  readonly way?: readonly string[]
}

function explore(scenario: Scenario, steps: Steps): Exploration {
  const world: World = { scenario, steps, records: new Map(), names: new Map(), judged: new Map(), quiet: new Map() }
  const first = firstState(world)
  const found = new Map<string, { readonly name: string; readonly from: string }>([[keyOf(first, world), { name: 'start', from: '' }]])
  for (let edge = [{ key: keyOf(first, world), state: first }]; edge.length > 0; ) {
    const beyond: typeof edge = []
    for (const { key: from, state } of edge) {
      for (const { name, state: next } of movesOf(state, world)) {
        const key = keyOf(next, world)
        if (found.has(key)) continue
        found.set(key, { name, from })
        const broken = whatIsBroken(next, world)
        if (broken !== undefined) return { states: found.size, broken, way: wayTo(key, found) }
        beyond.push({ key, state: next })
      }
    }
    edge = beyond
  }
  return { states: found.size }
}

function firstState(world: World): State {
  const { roles, faults, clock, redeemed } = world.scenario
  const good = redeemCode(opened, redemption('redeems'), defaultLifetimes, start).next
  return {
    now: start,
    stored: intern(redeemed && good !== undefined && good !== 'gone' ? good : opened, world),
    work: roles.map(() => undefined),
    onTheWay: [],
    has: { client: !roles.includes('client') ? 'over' : redeemed ? 0 : 'code', thief: 'nothing', twin: 'code', gate: 'nothing' },
    faultsLeft: faults,
    clockLeft: clock,
    past: { redemptions: redeemed ? 1 : 0, successors: [], newest: redeemed ? 0 : -1, writtenAt: start, used: false, wasAway: false },
  }
}

function wayTo(key: string, found: ReadonlyMap<string, { readonly name: string; readonly from: string }>): string[] {
  const way: string[] = []
  for (let at = found.get(key); at && at.from !== ''; at = found.get(at.from)) way.unshift(at.name)
  return way
}

/** The state as text: two states with the same text have the same future. */
function keyOf({ now, stored, work, onTheWay, has, faultsLeft, clockLeft, past }: State, world: World): string {
  let key = `${now} ${nameOf(stored, world)} ${has.client} ${has.thief} ${has.twin} ${faultsLeft} ${clockLeft}`
  for (const one of work) key += `|${keyOfWork(one, world)}`
  for (const { by, next, isFresh } of onTheWay) key += `>${by} ${nameOf(next, world)} ${isFresh}`
  const { redemptions, successors, newest, writtenAt, used, wasAway, broken } = past
  return `${key}|${redemptions} ${successors.length} ${newest} ${writtenAt} ${used} ${wasAway} ${broken}`
}

function keyOfWork(work: Work | undefined, world: World): string {
  if (!work) return ''
  const { at, request, attempt, isFresh, isMine, next, answer } = work
  return at === 'read'
    ? `${request.text} ${attempt}`
    : `${at} ${request.text} ${attempt} ${isFresh} ${isMine} ${nameOf(next, world)} ${answer.text}`
}

// --- The explorations ---

const twins: Scenario = {
  roles: ['client', 'twin', 'guesser'],
  faults: 3,
  clock: 2,
  generations: 1,
  redeemed: false,
  keepsItsLogin: false,
}
const storm: Scenario = {
  roles: ['client', 'client', 'gate'],
  faults: 2,
  clock: 2,
  generations: 2,
  redeemed: true,
  keepsItsLogin: true,
}
const theft: Scenario = {
  roles: ['client', 'thief', 'gate'],
  faults: 1,
  clock: 2,
  generations: 3,
  redeemed: true,
  keepsItsLogin: false,
}

describe('every interleaving, with crashes, lost answers, unknown outcomes and time that passes (I2, I3, REL-R13)', () => {
  it.each([
    ['one code, redeemed by its client and by a twin, while somebody guesses the verifier', twins, 50_000],
    ['a client that refreshes twice at once, while its tokens are in use', storm, 150_000],
    ['a client and a thief with a copy of its token, while tokens are in use', theft, 300_000],
  ])('%s', { timeout: 120_000 }, (_, scenario, least) => {
    const { states, ...found } = explore(scenario, production)
    expect(found).toEqual({})
    expect(states).toBeGreaterThan(least)
  })
})

describe('the exploration finds', () => {
  const { redeem, rotate } = production
  const twice: Scenario = { ...twins, roles: ['twin', 'twin', 'guesser'] }

  it.each<[string, Scenario, Partial<Steps>, string]>([
    [
      'a redemption that forgets whether the code is spent',
      twice,
      { redeem: (grant, ...rest) => redeem(isOfLogin(grant) ? { ...grant, code: { ...grant.code, spent: false } } : grant, ...rest) },
      'one code gave tokens twice',
    ],
    [
      'a replay that leaves the grant',
      twice,
      {
        redeem: (...judged) => {
          const { next, answer } = redeem(...judged)
          return { ...(next !== undefined && next !== 'gone' && { next }), answer }
        },
      },
      'a replay left the grant alive',
    ],
    [
      'a wrong verifier that ends the grant',
      twins,
      {
        redeem: (...judged) => {
          const outcome = redeem(...judged)
          const { answer } = outcome
          return answer.is === 'refused' && answer.reason === 'verifier_mismatch' ? { next: 'gone', answer } : outcome
        },
      },
      'a wrong verifier changed something',
    ],
    ['a write that does not say what it has seen', twins, { writesSaySeen: false }, 'one code gave tokens twice'],
    ['a write that does not say what it has seen, by two tokens', theft, { writesSaySeen: false }, 'an old refresh token gave tokens'],
    ['a lost race that is answered', twins, { lostRace: 'is answered all the same' }, 'one code gave tokens twice'],
    ['a removal that is taken for done unread', twice, { unknownOutcome: 'is taken for a win' }, 'a replay left the grant alive'],
    ['a rotation that is taken for done unread', storm, { unknownOutcome: 'is taken for a win' }, 'an old refresh token gave tokens'],
    [
      'a grace that issues a fresh successor',
      storm,
      {
        rotate: (grant, rotation, ...rest) => {
          const outcome = rotate(grant, rotation, ...rest)
          if (!grant || outcome.answer.is === 'refused' || outcome.next) return outcome
          const { generation } = grant.refresh
          return rotate(grant, { ...rotation, generation, mac: macOf(grant, generation) }, ...rest)
        },
      },
      'one refresh token had two successors',
    ],
    [
      'a grace that never ends',
      theft,
      {
        rotate: (grant, rotation, lifetimes, now) => {
          const outcome = rotate(grant, rotation, lifetimes, now)
          return outcome.next === 'gone' ? rotate(grant, rotation, lifetimes, grant?.refresh.graceFrom ?? now) : outcome
        },
      },
      'an old refresh token gave tokens',
    ],
    [
      'a rotation without a grace',
      storm,
      {
        rotate: (...judged) => {
          const outcome = rotate(...judged)
          const [grant] = judged
          if (!grant || outcome.next !== undefined || outcome.answer.is === 'refused') return outcome
          return { next: 'gone', answer: { is: 'refused', reason: 'refresh_token_replayed', ended: grant } }
        },
      },
      'a client that did nothing wrong has to sign in again',
    ],
    [
      'a token of an older generation that confirms the newest',
      storm,
      { confirm: (grant, _, now) => confirmGeneration(grant, grant?.refresh.generation ?? 0, now) },
      'a client that did nothing wrong has to sign in again',
    ],
    [
      'a retry that is refused while the grant lives on',
      theft,
      {
        rotate: (...judged) => {
          const outcome = rotate(...judged)
          return outcome.next === undefined ? { answer: { is: 'refused', reason: 'grant_unknown' } } : outcome
        },
      },
      'a client that keeps trying gets neither an answer nor a clean new login',
    ],
  ])('%s', { timeout: 60_000 }, (_, scenario, bug, broken) => {
    expect(explore(scenario, { ...production, ...bug }).broken).toBe(broken)
  })
})
