import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { type Examination, type Finding, type Store, StoreUnavailable } from '../ports/store.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'

/** Looks at what the store says of itself: its settings, and its clock. */
export interface StoreWatch {
  /**
   * For the start, and for readiness. Rejects with `ConfigurationError` when a public server starts on a store that loses records, and with
   * `StoreUnavailable` when the store cannot be asked at the start, or while its clock and ours are too far apart.
   */
  check(): Promise<void>
  /** Looks beside the request, when it is time. */
  lookBeside(): void
}

/** What watching needs. `secure`: whether this is a public server. */
export interface StoreWatchNeeds {
  readonly store: Store
  readonly secure: boolean
  readonly environment: Environment
  readonly emit: Emit
}

/** Settings change, and clocks drift, by the work of people or in weeks. */
const between: Seconds = 3_600

/** After a look that failed. */
const soon: Seconds = 60

/** How far apart the clocks of hosts may be: what is minted at one has to look minted at another. */
const agreeing: Seconds = 5

/** From here on tokens of one host are from another's future, by more than their leeway. */
const apart: Seconds = 30

/** Watches a store that can be asked; of any other nothing is known. */
export function watchStore({ store, secure, environment, emit }: StoreWatchNeeds): StoreWatch {
  const tell = telling(emit)
  // A store that is a class finds its own members by `this`.
  const examine = store.examine?.bind(store)
  let last: Look | undefined
  let due: UnixSeconds = 0
  let started = false

  async function look(examine: () => Promise<Examination>): Promise<void> {
    const before = environment.now()
    due = before + soon
    const { now, findings } = await examine()
    const after = environment.now()
    last = { refused: findings.filter(({ verdict }) => verdict === 'refused'), skew: now === undefined ? 0 : skewOf(now, before, after) }
    due = after + between
    tell(findings, last.skew)
  }

  const isWrong = ({ refused, skew }: Look): boolean => Math.abs(skew) >= apart || (!started && secure && refused.length > 0)

  return {
    async check() {
      if (!examine) return
      // A look that fails later is no news: whether the store can be reached is asked elsewhere.
      if (!last || isWrong(last)) await look(examine)
      else if (environment.now() >= due) await look(examine).catch(() => {})
      if (last) judge(last, !started && secure)
      started = true
    },
    lookBeside() {
      if (examine && environment.now() >= due) environment.defer(look(examine))
    },
  }
}

/** What came of a look. */
interface Look {
  readonly refused: readonly Finding[]
  /** How far our clock is ahead of the store's; negative when it is behind. */
  readonly skew: Seconds
}

function judge({ refused, skew }: Look, refusing: boolean): void {
  if (refusing && refused.length > 0)
    throw new ConfigurationError(refused.map(({ setting, problem }) => `clientStorage: ${setting}: ${problem}`))
  if (Math.abs(skew) >= apart) throw new StoreUnavailable(`the clocks of this host and of its store are ${Math.abs(skew)} s apart`)
}

/** How far our clock is ahead for certain: the store looked at its own at some moment of the call. */
function skewOf(theirs: UnixSeconds, before: UnixSeconds, after: UnixSeconds): Seconds {
  const now = Math.floor(theirs)
  if (now < before) return before - now
  return Math.min(after - now, 0)
}

/** Tells of each thing once, and again when it has changed, or has come back. */
function telling(emit: Emit): (findings: readonly Finding[], skew: Seconds) => void {
  let told: ReadonlySet<string> = new Set()
  let toldSkew: Seconds = 0
  return (findings, skew) => {
    const before = told
    told = new Set(findings.map((finding) => JSON.stringify(finding)))
    for (const finding of findings) {
      const { setting, problem, verdict } = finding
      if (!before.has(JSON.stringify(finding))) emit({ type: 'store.unsafe', setting, verdict, reason: problem })
    }
    const news = Math.abs(skew - toldSkew) > agreeing
    if (news && Math.abs(skew) > agreeing) emit({ type: 'clock.skewed', seconds: skew })
    if (news || Math.abs(skew) <= agreeing) toldSkew = Math.abs(skew) > agreeing ? skew : 0
  }
}
