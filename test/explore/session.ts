import { type Grant, isUpstreamDue, type LoginGrant } from '../../packages/core/src/records/grant.ts'
import { type Lease, releaseLease } from '../../packages/core/src/records/lease.ts'
import { redeemCode } from '../../packages/core/src/records/redeem-code.ts'
import { confirmGeneration, macOf, rotateRefreshToken } from '../../packages/core/src/records/rotate-refresh-token.ts'
import { applyUpstreamTokens, endGrant, noteUnreachable } from '../../packages/core/src/records/upstream-steps.ts'
import { promised, type StoreRules } from './hosts.ts'
import {
  type Answer,
  ask,
  change,
  comeAgain,
  create,
  type Effect,
  type HostClock,
  type LostRace,
  type Request,
  read,
  Unavailable,
  type Work,
} from './programs.ts'

// What hosts do with a session: redeem its code, refresh it, let it in, revoke it, and keep its upstream tokens fresh under a lease.
// Wait for wait what `token/`, `revoke/`, `tokens/upstream-tokens.ts`, `tokens/lease.ts` and `tokens/commit-upstream-tokens.ts` do, on
// production's steps.

/** How hosts work; a planted bug replaces a part of it. */
export interface SessionRules extends StoreRules {
  readonly redeem: typeof redeemCode
  readonly rotate: typeof rotateRefreshToken
  readonly apply: typeof applyUpstreamTokens
  readonly release: typeof releaseLease
  readonly lostRace: LostRace
  readonly lease: 'is held by one' | 'is free for all' | 'never ends'
  /** Whether whoever has the lease reads the grant again. */
  readonly readsAgain: boolean
  readonly commit: 'goes on until the lease ends' | 'gives up'
  /** Whether a no of the upstream is held against the tokens that it was about alone. */
  readonly noIsAbout: 'these tokens' | 'the grant'
}

/** What production does. */
export const sessionRules: SessionRules = {
  ...promised,
  redeem: redeemCode,
  rotate: rotateRefreshToken,
  apply: applyUpstreamTokens,
  release: releaseLease,
  lostRace: 'runs the step again',
  lease: 'is held by one',
  readsAgain: true,
  commit: 'goes on until the lease ends',
  noIsAbout: 'these tokens',
}

/** What the upstream says to a refresh. */
export type UpstreamReply = { readonly is: 'tokens'; readonly nth: number } | { readonly is: 'refused' | 'not sent' | 'sent' }

/** When the session began. */
export const start = 1_767_268_800

/** For how long the upstream's access tokens are good. */
export const upstreamLifetime = 28_800

const lifetimes = { accessToken: 3_600, code: 60, grantIdle: 7_776_000, grant: 31_536_000, lostStore: 600 }
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const codeHash = 'the hash of the code'

/** A grant whose code nobody has redeemed, with upstream tokens that are due. */
export const pendingGrant: LoginGrant = {
  id: '019b796d-d600-7000-8000-000000000000',
  clientId: 'client',
  identity: { subject: '1', claims: {} },
  scopes: ['read'],
  resource: 'https://mcp.example.com/mcp',
  createdAt: start,
  endsAt: start + 600,
  code: {
    hash: codeHash,
    challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    redirectUri: 'http://127.0.0.1/cb',
    expiresAt: start + 60,
    spent: false,
  },
  refresh: { secret: 'the secret of the refresh tokens', allowed: false, generation: 0, confirmed: false, graceFrom: start },
  upstream: { accessToken: 'access 0', refreshToken: 'refresh 0', expiresAt: start + 100, scopes: [], seq: 0, checkedAt: start },
}

/** The same, its code redeemed, with upstream tokens that are due or not. */
export function redeemedGrant(isDue: boolean): Grant {
  const { code, refresh, upstream } = pendingGrant
  return {
    ...pendingGrant,
    endsAt: start + lifetimes.grantIdle,
    code: { ...code, spent: true },
    refresh: { ...refresh, allowed: true },
    upstream: { ...upstream, expiresAt: start + (isDue ? 100 : upstreamLifetime) },
  }
}

/** Which of the upstream's tokens a grant has, by how often it was asked. */
export function nthTokens(grant: Grant): number {
  return Number(grant.upstream?.refreshToken?.split(' ')[1])
}

type Judgement = ReturnType<typeof redeemCode>['answer']
type Step<Result> = (grant: Grant | undefined, now: number) => { readonly next?: Grant | 'gone'; readonly answer: Result }
interface Seen {
  readonly record: Grant | undefined
}

/** What is to be done with fresh upstream tokens, by whom, and what that is to its client. */
interface Task<Result> {
  readonly name: string
  readonly by: number
  readonly step: Step<Result>
  answer(result: Result): Answer | undefined
}

/** What hosts can be asked. `by` is who asks. */
export interface SessionRequests {
  redeems(by: number): Request
  refreshes(by: number, generation: number): Request
  /** A call with the access token of a generation. */
  isLetIn(by: number, generation: number): Request
  revokes(by: number): Request
}

/** Makes the requests. */
export function sessionRequests(rules: SessionRules): SessionRequests {
  const { lostRace } = rules
  const changeGrant = <Result>(host: HostClock, step: Step<Result>, seen?: Seen) =>
    change<Grant, Result>(host, { record: 'grant', step, lostRace, ...(seen && { seen }) })

  function* changeFresh<Result>(host: HostClock, task: Task<Result>, seen: Seen): Work {
    if (!isDue(seen.record, host.now)) return task.answer(yield* changeGrant(host, task.step, seen))
    return yield* withLease(host, task, host.now + 15, seen)
  }

  function* withLease<Result>(host: HostClock, task: Task<Result>, until: number, before: Seen | undefined): Work {
    const lease: Lease = { holder: String(task.by), endsAt: host.now + (rules.lease === 'never ends' ? upstreamLifetime : 15) }
    if (rules.lease === 'is free for all') return yield* holding(host, task, before)
    if (yield* create('lease', lease)) {
      yield { does: 'answers', answer: yield* whileHolding(host, task, before) }
      yield { does: 'becomes', request: releases(lease), keepsSeen: true }
      return undefined
    }
    const seen = { record: yield* read<Grant>('grant') }
    if (!isDue(seen.record, host.now)) return task.answer(yield* changeGrant(host, task.step, seen))
    if (host.now >= until) return comeAgain
    const waiting = {
      name: `${task.name}, waits for the lease until ${until}`,
      run: (on: HostClock) => withLease(on, task, until, undefined),
    }
    yield { does: 'becomes', request: waiting }
    return undefined
  }

  const releases = (lease: Lease): Request => ({
    name: `gives the lease of ${lease.endsAt} back (${lease.holder})`,
    *run(host) {
      const step = (found: Lease | undefined) => rules.release(found, lease.holder)
      yield* orNothing(change<Lease, void>(host, { record: 'lease', step, seen: { record: lease } }))
      return undefined
    },
  })

  function* whileHolding<Result>(host: HostClock, task: Task<Result>, before: Seen | undefined): Generator<Effect, Answer, unknown> {
    try {
      return (yield* holding(host, task, before)) ?? silence
    } catch (cause) {
      if (!(cause instanceof Unavailable)) throw cause
      return comeAgain
    }
  }

  function* holding<Result>(host: HostClock, task: Task<Result>, before: Seen | undefined): Work {
    const seen = before && !rules.readsAgain ? before : { record: yield* read<Grant>('grant') }
    const grant = seen.record
    if (!grant || !isDue(grant, host.now)) return task.answer(yield* changeGrant(host, task.step, seen))
    const reply = yield* ask<UpstreamReply>(`refresh ${nthTokens(grant)}`)
    if (reply.is === 'tokens') return yield* commit(host, task, grant, reply.nth)
    if (reply.is === 'refused') return task.answer(yield* changeGrant(host, refusedStep(task.step, grant)))
    yield* orNothing(changeGrant(host, noteUnreachable))
    return comeAgain
  }

  function refusedStep<Result>(step: Step<Result>, asked: Grant): Step<Result> {
    return (current, now) =>
      rules.noIsAbout === 'the grant' || current?.upstream?.seq === asked.upstream?.seq
        ? { next: 'gone', answer: step(undefined, now).answer }
        : step(current, now)
  }

  function* commit<Result>(host: HostClock, task: Task<Result>, grant: Grant, nth: number): Work {
    const until = host.now + 15
    const tokens = { accessToken: `access ${nth}`, refreshToken: `refresh ${nth}`, expiresAt: host.now + upstreamLifetime }
    const both: Step<Result> = (current, now) => {
      const applied = rules.apply(current, grant.upstream?.seq ?? 0, tokens, now)
      const fresh = applied.next === 'gone' ? undefined : (applied.next ?? current)
      const { next = applied.next, answer } = task.step(fresh, now)
      return { ...(next !== undefined && { next }), answer }
    }
    for (let seen: Seen | undefined = { record: grant }; ; seen = undefined) {
      try {
        return task.answer(yield* changeGrant(host, both, seen))
      } catch (cause) {
        if (!(cause instanceof Unavailable) || host.now >= until || rules.commit === 'gives up') throw cause
      }
    }
  }

  return {
    redeems: (by) => ({
      name: `redeems the code (${by})`,
      *run(host) {
        const redemption = { clientId: 'client', codeHash, verifier, refreshes: 'always' as const }
        return issued(yield* changeGrant(host, (grant, now) => rules.redeem(grant, redemption, lifetimes, now)))
      },
    }),
    refreshes(by, generation) {
      const rotation = { clientId: 'client', generation, mac: macOf(pendingGrant, generation) }
      const step: Step<Judgement> = (grant, now) => rules.rotate(grant, rotation, lifetimes, now)
      const task = { name: `refreshes with token ${generation} (${by})`, by, step, answer: issued }
      return {
        name: task.name,
        *run(host) {
          const seen = { record: yield* read<Grant>('grant') }
          if (step(seen.record, host.now).answer.is === 'good') return yield* changeFresh(host, task, seen)
          return issued(yield* changeGrant(host, step, seen))
        },
      }
    },
    isLetIn(by, generation) {
      const task: Task<void> = { name: `looks after the grant (${by})`, by, step: () => ({ answer: undefined }), answer: () => undefined }
      return {
        name: `calls with an access token of generation ${generation} (${by})`,
        *run(host) {
          const grant = yield* read<Grant>('grant')
          if (!grant) return { is: 'turned away', text: '401' }
          yield { does: 'answers', answer: { is: 'let in', text: 'let in' } }
          yield* orNothing(changeGrant(host, (current, now) => confirmGeneration(current, generation, now), { record: grant }))
          yield { does: 'becomes', request: { name: task.name, run: (on) => lookAfter(on, task) } }
          return undefined
        },
      }
    },
    revokes: (by) => ({
      name: `revokes a token (${by})`,
      *run(host) {
        const grant = yield* read<Grant>('grant')
        if (grant) yield* changeGrant(host, endGrant, { record: grant })
        return { is: 'revoked', text: '200' }
      },
    }),
  }

  function* lookAfter(host: HostClock, task: Task<void>): Work {
    yield* changeFresh(host, task, { record: yield* read<Grant>('grant') })
    return undefined
  }
}

/** Nobody is told anything: the request has its answer. */
const silence: Answer = { is: 'silence', text: 'nothing' }

function isDue(grant: Grant | undefined, now: number): boolean {
  return grant?.upstream?.refreshToken !== undefined && isUpstreamDue(grant.upstream, now)
}

function issued(judgement: Judgement): Answer {
  if (judgement.is === 'refused') return { is: 'refused', text: judgement.reason }
  const { generation } = judgement.grant.refresh
  return { is: 'issued', generation, text: `generation ${generation}, ${macOf(judgement.grant, generation)}` }
}

/** Beside a request: what fails here is nobody's answer. */
function* orNothing(work: Generator<Effect, unknown, unknown>): Generator<Effect, void, unknown> {
  try {
    yield* work
  } catch (cause) {
    if (!(cause instanceof Unavailable)) throw cause
  }
}
