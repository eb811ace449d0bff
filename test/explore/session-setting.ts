import type { Grant } from '../../packages/core/src/records/grant.ts'
import type { Lease } from '../../packages/core/src/records/lease.ts'
import { type Setting, type State, storedIn } from './hosts.ts'
import type { Answer } from './programs.ts'
import {
  nthTokens,
  pendingGrant,
  redeemedGrant,
  type SessionRules,
  sessionRequests,
  start,
  type UpstreamReply,
  upstreamLifetime,
} from './session.ts'

// Who has a session, what the upstream does, and what must hold, in words that know nothing of how the steps are written.

/** What is to be explored. */
export interface SessionScenario {
  readonly actors: readonly ('client' | 'twin' | 'gate' | 'revoker')[]
  /** What the client has to begin with: its code, or tokens, and then whether the upstream's are due: now, and again in the end. */
  readonly begins: 'with its code' | 'with tokens' | 'when they are due' | 'when they are due twice'
  /** How often the client refreshes. */
  readonly generations: number
  readonly faults: number
  /** What an upstream does with a refresh token that was used: it ends the person's login, says no, or takes it again. */
  readonly upstream: 'ends the family' | 'says no' | 'takes it again'
  /** How far the hosts' clocks are ahead. */
  readonly ahead?: readonly number[]
}

/** What is outside. */
export interface SessionPast {
  /** What the client has: its code, a generation of its tokens, or no hope. */
  readonly has: 'code' | 'over' | number
  readonly redemptions: number
  readonly successors: readonly string[]
  /** How often the upstream was asked with each of its refresh tokens, the newest that it gave, and the one that it takes. */
  readonly asked: readonly number[]
  readonly newest: number
  readonly live: number
  /** Who has upstream tokens that are not stored yet, one bit each; and from the ninth bit on, who has a no. */
  readonly unsaved: number
  /** How often a host crashed with them, was slower than its lease, or had no answer: each may cost the session, and a call. */
  readonly excuses: number
  /** `asked for`: the grant may be ended. `answered`: it has to be. */
  readonly revocation: 'none' | 'asked for' | 'answered' | 'heard'
  readonly broken?: string
}

/** The world of a scenario. */
export function sessionSetting(scenario: SessionScenario, rules: SessionRules): Setting<SessionPast> {
  const { actors, begins, generations, faults, ahead } = scenario
  const redeemed = begins !== 'with its code'
  const requests = sessionRequests(rules)
  const records = ['grant', 'lease']
  return {
    records,
    actors: actors.map((actor, by) => `${actor} ${by}`),
    // The lease has ended; and the next upstream token is due.
    moments: [
      { at: start },
      { at: start + 16 },
      ...(begins === 'when they are due twice' ? [{ at: start + upstreamLifetime - 200, endsWork: true }] : []),
    ],
    faults,
    ...(ahead && { ahead }),
    rules,
    stored: { grant: redeemed ? redeemedGrant(begins !== 'with tokens') : pendingGrant },
    past: {
      has: redeemed ? 0 : 'code',
      redemptions: redeemed ? 1 : 0,
      successors: [],
      asked: [],
      newest: 0,
      live: 0,
      unsaved: 0,
      excuses: 0,
      revocation: 'none',
    },
    begins({ past, work, now }, by) {
      switch (actors[by]) {
        case 'client': {
          if (past.has === 'code') return [requests.redeems(by)]
          // One that refreshes twice at once presents the same token twice.
          const others = work.flatMap((one) =>
            one && /^refreshes with token/.test(one.point.request.name) ? [one.point.request.name] : [],
          )
          const isSame = others.every((name) => name.startsWith(`refreshes with token ${past.has} `))
          return typeof past.has === 'number' && past.has < generations && isSame ? [requests.refreshes(by, past.has)] : []
        }
        case 'twin':
          return past.redemptions > 0 || now > start ? [] : [requests.redeems(by)]
        case 'gate':
          return typeof past.has === 'number' ? [requests.isLetIn(by, past.has)] : []
        default:
          return typeof past.has === 'number' && past.revocation !== 'heard' ? [requests.revokes(by)] : []
      }
    },
    asks: (state, by, question) => askUpstream(state.past, by, Number(question.split(' ')[1]), scenario.upstream),
    answers: (state, by, answer, arrives) =>
      noteAnswer(records, state, { hasTwin: actors.includes('twin'), by, actor: actors[by] ?? '', answer, arrives }),
    lands({ past }, { by, record, before, after }) {
      if (record !== 'grant') return past
      const broken = (what: string): SessionPast => ({ ...past, broken: past.broken ?? what })
      const [was, is] = [before as Grant | undefined, after as Grant | undefined]
      if (was && is && nthTokens(is) < nthTokens(was)) return broken('upstream tokens were replaced by older ones')
      if (actors[by] === 'revoker' && !is) return past.revocation === 'none' ? { ...past, revocation: 'asked for' } : past
      const isGood = was !== undefined && nthTokens(was) === past.live
      if (!is && isGood && scenario.upstream === 'says no' && !actors.includes('twin'))
        return broken('a no about older tokens ended a grant')
      return past
    },
    crashes: ({ past, work }, by) => excuse(past, spends(work[by]?.point.request.name) ? 1 : past.unsaved & (257 << by)),
    // Whoever had the lease is slower than it.
    passes(state) {
      const holder = Number((storedIn({ records }, state, 'lease') as Lease | undefined)?.holder ?? -1)
      return excuse(state.past, state.past.unsaved | (state.work[holder] ? 1 << holder : 0))
    },
    keyOf: (past) => Object.values(past).join(' '),
    brokenIn: (state) =>
      state.past.broken ??
      (['answered', 'heard'].includes(state.past.revocation) && storedIn({ records }, state, 'grant')
        ? 'a token works after its revocation'
        : undefined),
    isSettled: ({ past, work }) =>
      work.every((one, by) => !one || actors[by] === 'gate') &&
      (past.has === 'over' || past.has === generations) &&
      (!actors.includes('revoker') || past.revocation === 'heard' || past.has === 'over'),
  }
}

const spends = (request: string | undefined): boolean => request?.startsWith('redeems') === true

function excuse(past: SessionPast, bits: number): SessionPast {
  let excuses = past.excuses
  for (let left = bits; left > 0; left >>= 1) excuses += left & 1
  return { ...past, excuses, unsaved: past.unsaved & ~bits }
}

function askUpstream(
  past: SessionPast,
  by: number,
  nth: number,
  kind: SessionScenario['upstream'],
): ReturnType<Setting<SessionPast>['asks']> {
  const asked = [...past.asked]
  asked[nth] = (asked[nth] ?? 0) + 1
  const isOften = (asked[nth] ?? 0) > 1 + past.excuses
  const heard: SessionPast = {
    ...past,
    asked,
    ...(isOften && { broken: past.broken ?? 'the upstream was asked twice with one refresh token' }),
  }
  const given: SessionPast = { ...heard, newest: past.newest + 1, live: past.newest + 1 }
  const isTaken = kind === 'takes it again' || nth === past.live
  const reply = (value: UpstreamReply): UpstreamReply => value
  const faults = [
    { name: 'the upstream cannot be reached', value: reply({ is: 'not sent' }), past, isFault: true },
    {
      name: 'the upstream gives no answer',
      value: reply({ is: 'sent' }),
      past: { ...(isTaken ? given : heard), excuses: past.excuses + 1 },
      isFault: true,
    },
  ]
  if (!isTaken) {
    const refused = { ...heard, unsaved: past.unsaved | (1 << (by + 8)), live: kind === 'ends the family' ? -1 : past.live }
    return [{ name: `with token ${nth}, and is refused`, value: reply({ is: 'refused' }), past: refused }, ...faults]
  }
  const value = reply({ is: 'tokens', nth: past.newest + 1 })
  return [
    { name: `with token ${nth}, and is given ${past.newest + 1}`, value, past: { ...given, unsaved: past.unsaved | (1 << by) } },
    ...faults,
  ]
}

interface Told {
  readonly hasTwin: boolean
  readonly by: number
  readonly actor: string
  readonly answer: Answer
  readonly arrives: boolean
}

function noteAnswer(records: readonly string[], state: State<SessionPast>, { hasTwin, by, actor, answer, arrives }: Told): SessionPast {
  const grant = storedIn({ records }, state, 'grant') as Grant | undefined
  const before: SessionPast = { ...state.past, unsaved: state.past.unsaved & ~(257 << by) }
  // Nobody knows whether the code is spent, and then it counts as spent; a no of the upstream that was not stored is heard again.
  const isUnknown = answer.is === 'unavailable' && (before.has === 'code' || (state.past.unsaved & (256 << by)) !== 0)
  const past = isUnknown ? excuse(before, 1) : before
  const broken = (what: string): SessionPast => ({ ...past, broken: past.broken ?? what })
  const mayBeOver = past.excuses > 0 || past.revocation !== 'none'
  switch (answer.is) {
    case 'revoked':
      return { ...past, revocation: arrives ? 'heard' : past.revocation === 'heard' ? 'heard' : 'answered' }
    case 'turned away':
      return mayBeOver || !grant ? past : broken('trouble that passes was taken for a no')
    case 'refused': {
      if (actor === 'twin') return past
      if (grant) return broken('trouble that passes was taken for a no')
      // An answer to a code that is lost costs one new login (ADR 0007).
      const isReplay = past.has === 'code' && (past.redemptions > 0 || hasTwin)
      return mayBeOver || isReplay ? { ...past, has: arrives ? 'over' : past.has } : broken('a session that could be kept was lost')
    }
    case 'issued':
      return noteTokens(past, grant, actor, answer, arrives)
    default:
      return past
  }
}

function noteTokens(
  past: SessionPast,
  grant: Grant | undefined,
  actor: string,
  { generation = 0, text }: Answer,
  arrives: boolean,
): SessionPast {
  const broken = (what: string): SessionPast => ({ ...past, broken: past.broken ?? what })
  if (generation === 0) {
    if (past.redemptions > 0) return broken('one code gave tokens twice')
    return { ...past, redemptions: 1, has: arrives && actor !== 'twin' ? 0 : past.has }
  }
  const known = past.successors[generation] ?? text
  if (known !== text) return broken('one refresh token had two successors')
  const isStored = grant && nthTokens(grant) === past.newest
  if (past.excuses === 0 && past.revocation === 'none' && past.unsaved === 0 && !isStored)
    return broken('the newest upstream tokens are not stored')
  const successors = [...past.successors]
  successors[generation] = known
  return { ...past, successors, has: arrives ? generation : past.has }
}
