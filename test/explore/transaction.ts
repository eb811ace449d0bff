import {
  claimTransaction,
  finishTransaction,
  newTransaction,
  releaseTransaction,
  type Transaction,
} from '../../packages/core/src/records/transaction.ts'
import { promised, type Setting, type State, type StoreRules, storedIn } from './hosts.ts'
import {
  type Answer,
  ask,
  type Change,
  change,
  create,
  type Effect,
  type HostClock,
  type LostRace,
  type Request,
  read,
  Unavailable,
  type Work,
} from './programs.ts'

// One login whose callback one browser delivers several times at once: from its tabs, by a reload, by an impatient person. The
// hosts do what `callback/endpoint.ts` does, on production's steps.

/** How hosts work; a planted bug replaces a part of it. */
export interface CallbackRules extends StoreRules {
  readonly claim: typeof claimTransaction
  readonly release: typeof releaseTransaction
  readonly finish: typeof finishTransaction
  readonly lostRace: LostRace
  readonly others: 'wait' | 'are sent away'
  readonly grant: 'is written before it is told of' | 'is written after it is told of'
}

/** What production does. */
export const callbackRules: CallbackRules = {
  ...promised,
  claim: claimTransaction,
  release: releaseTransaction,
  finish: finishTransaction,
  lostRace: 'runs the step again',
  others: 'wait',
  grant: 'is written before it is told of',
}

/** What is to be explored. */
export interface CallbackScenario {
  readonly deliveries: number
  readonly faults: number
  /** `strict` takes its code once, as it should (RFC 6749 §4.1.2); `lenient` again and again. */
  readonly upstream: 'strict' | 'lenient'
  /** How far the hosts' clocks are ahead. */
  readonly ahead?: readonly number[]
}

/** What is outside: what each tab shows, what the upstream did, and whether anything happened that may cost a login. */
interface Past {
  readonly tabs: readonly (string | undefined)[]
  /** How often each tab has tried, in vain. */
  readonly tries: readonly number[]
  /** The first answer that settled the login, whether or not it arrived. */
  readonly settled?: string
  readonly grants: number
  readonly codeUsed: boolean
  readonly mayCost: boolean
  readonly broken?: string
}

const start = 1_767_268_800
const login = newTransaction(
  {
    request: {
      clientId: 'client',
      redirectUri: 'http://127.0.0.1/cb',
      challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      scopes: [],
      resource: 'https://mcp.example.com/mcp',
    },
    browser: 'the hash of its cookie',
    upstreamVerifier: 'ours',
  },
  start,
)

/** The world of a scenario. */
export function callbackSetting({ deliveries, faults, upstream, ahead }: CallbackScenario, rules: CallbackRules): Setting<Past> {
  const tabs = Array.from({ length: deliveries }, (_, tab) => tab)
  const records = ['transaction', ...tabs.map(grantOf)]
  return {
    records,
    actors: tabs.map((tab) => `tab ${tab}`),
    // Whoever claimed is not coming back; and what was answered is not remembered any more.
    moments: [{ at: start }, { at: start + 36 }, { at: start + 120, endsWork: true }],
    faults,
    ...(ahead && { ahead }),
    rules,
    stored: { transaction: login },
    past: { tabs: tabs.map(() => undefined), tries: tabs.map(() => 0), grants: 0, codeUsed: false, mayCost: false },
    begins: ({ past }, by) => (past.tabs[by] === undefined ? [delivery(by, past.tries[by] ?? 0, rules)] : []),
    asks({ past }) {
      const isGood = upstream === 'lenient' || !past.codeUsed
      return [
        isGood
          ? { name: 'and is given tokens', value: { is: 'tokens' }, past: { ...past, codeUsed: true } }
          : { name: 'and is refused', value: { is: 'refused' }, past },
        { name: 'the upstream cannot be reached', value: { is: 'not sent' }, past, isFault: true },
        { name: 'the upstream gives no answer', value: { is: 'sent' }, past: { ...past, codeUsed: true, mayCost: true }, isFault: true },
      ]
    },
    answers: (state, by, answer, arrives) => noteAnswer({ records }, state, by, answer, arrives),
    lands({ past }, { record, after }) {
      if (record === 'transaction' || !after) return past
      const grants = past.grants + 1
      return { ...past, grants, ...(grants > 1 && { broken: past.broken ?? 'one login made two grants' }) }
    },
    crashes: ({ past }, by) => ({ ...tried(past, by), mayCost: true }),
    passes: (state) => ({ ...state.past, mayCost: state.past.mayCost || mayPassFor(state) }),
    keyOf: ({ tabs: shown, tries, settled, grants, codeUsed, mayCost, broken }) =>
      `${shown.map((one) => one ?? '')} ${tries} ${settled ?? ''} ${grants} ${codeUsed} ${mayCost} ${broken ?? ''}`,
    brokenIn: ({ past }) => past.broken,
  }
}

const tried = (past: Past, by: number): Past => ({ ...past, tries: past.tries.map((count, tab) => (tab === by ? count + 1 : count)) })

// Waiting costs nobody a login. A host that is slow may cost one, and an answer is remembered for a minute.
function mayPassFor({ work, stored }: State<Past>): boolean {
  const transaction = stored[0]?.record as Transaction | undefined
  return (
    transaction?.status.is === 'done' ||
    work.some((one) => one && (one.point.got.length > 0 || !one.point.request.name.startsWith('waits')))
  )
}

const grantOf = (tab: number): string => `grant of tab ${tab}`

function noteAnswer(setting: { records: readonly string[] }, state: State<Past>, by: number, answer: Answer, arrives: boolean): Past {
  const past = arrives && answer.is !== 'unavailable' ? state.past : tried(state.past, by)
  // The store failed for longer than one call may: that may cost the login, once a code was used or a claim made.
  if (answer.is === 'unavailable') return { ...past, mayCost: past.mayCost || answer.text === '503' }
  const tabs = arrives ? past.tabs.map((shown, tab) => (tab === by ? answer.is : shown)) : past.tabs
  const broken = (what: string): Past => ({ ...past, tabs, broken: past.broken ?? what })
  if (answer.is === 'code' && !storedIn(setting, state, answer.text)) return broken('a code went out for a grant that is not there')
  if (answer.is !== 'code' && !past.mayCost) return broken('a login that could be kept was lost')
  if (answer.is === 'start again') return { ...past, tabs }
  if (past.settled !== undefined && past.settled !== answer.text) return broken('one browser got two answers')
  // It could not be written down for those who ask again. Whoever has the code is logged in; the others start again.
  const isKept = (storedIn(setting, state, 'transaction') as Transaction | undefined)?.status.is === 'done'
  return { ...past, tabs, settled: answer.text, mayCost: past.mayCost || !isKept }
}

// --- What a host does ---

type Claimed = { readonly transaction: Transaction }

function delivery(tab: number, tries: number, rules: CallbackRules): Request {
  const mine = `claim ${tries} of tab ${tab}`
  const onTransaction = <Result>(
    step: Change<Transaction, Result>['step'],
    seen?: { readonly record: Transaction | undefined },
  ): Change<Transaction, Result> => ({ record: 'transaction', step, lostRace: rules.lostRace, ...(seen && { seen }) })

  const waits: Request = { name: `waits for the callback of another tab, with ${mine}`, run: (host) => claim(host, undefined) }

  function* deliver(host: HostClock): Work {
    const transaction = yield* read<Transaction>('transaction')
    return transaction ? yield* claim(host, { record: transaction }) : startAgain
  }

  function* claim(host: HostClock, seen: { readonly record: Transaction | undefined } | undefined): Work {
    let claimed: Transaction | undefined
    const answer = yield* change(
      host,
      onTransaction<ReturnType<typeof claimTransaction>['answer']>((transaction, now) => {
        const outcome = rules.claim(transaction, mine, now)
        claimed = outcome.next === undefined || outcome.next === 'gone' ? transaction : outcome.next
        return outcome
      }, seen),
    )
    if (answer.is === 'done') return toClient(answer.location)
    if (answer.is === 'taken' && rules.others === 'wait') {
      yield { does: 'becomes', request: waits }
      return undefined
    }
    if (answer.is !== 'claimed' || !claimed) return startAgain
    return yield* exchange(host, { transaction: claimed })
  }

  function* exchange(host: HostClock, { transaction }: Claimed): Work {
    const seen = { record: transaction }
    const reply = yield* ask<{ is: string }>('exchange')
    if (reply.is === 'not sent') {
      yield* change(
        host,
        onTransaction((current) => rules.release(current, mine), seen),
      )
      return { is: 'unavailable', text: '503, the upstream is away' }
    }
    const location = reply.is === 'tokens' ? grantOf(tab) : 'error'
    if (rules.grant === 'is written after it is told of') yield* finish(host, location, seen)
    // Nobody else has its id, so there is nothing that it could lose to.
    if (reply.is === 'tokens') yield* create(grantOf(tab), { endsAt: host.now + 600 })
    if (rules.grant === 'is written before it is told of') yield* finish(host, location, seen)
    return toClient(location)
  }

  function* finish(host: HostClock, location: string, seen: { readonly record: Transaction }): Generator<Effect, void, unknown> {
    try {
      yield* change(
        host,
        onTransaction((current, now) => rules.finish(current, mine, location, now), seen),
      )
    } catch (cause) {
      // The answer is good without it.
      if (!(cause instanceof Unavailable)) throw cause
    }
  }

  return { name: `delivers the callback, with ${mine}`, run: deliver }
}

const startAgain: Answer = { is: 'start again', text: 'a page: start again' }

function toClient(location: string): Answer {
  return location === 'error' ? { is: 'error', text: 'error' } : { is: 'code', text: location }
}
