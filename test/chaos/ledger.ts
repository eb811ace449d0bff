/** What is asked of the server. `ended` is a call with a token that was revoked. */
export const askedKinds = [
  'metadata',
  'register',
  'authorize',
  'consent',
  'callback',
  'redeem',
  'refresh',
  'verify',
  'revoke',
  'ended',
] as const
export type AskedKind = (typeof askedKinds)[number]

/** What is needed to judge an answer. */
export interface Judged {
  readonly kind: AskedKind
  readonly status: number
  readonly error: string | undefined
  readonly retryAfter: string | null
  readonly challenge: string | null
  /** Milliseconds. */
  readonly took: number
  /** Whether something was broken on purpose while it was asked. */
  readonly rough: boolean
}

/** The answers there may be when nothing is unknown, beside 503: `docs/reliability.md` has the whole map. */
const good: Readonly<Record<AskedKind, number>> = {
  metadata: 200,
  register: 201,
  authorize: 200,
  consent: 200,
  callback: 303,
  redeem: 200,
  refresh: 200,
  verify: 200,
  revoke: 200,
  ended: 401,
}

/** Counts what happened to everybody. */
export interface Ledger {
  requests: number
  /** Requests that got no answer, because their host was killed. */
  unanswered: number
  /** Answers that say to come again. */
  held: number
  /** Good answers. */
  readonly served: Record<AskedKind, number>
  /** Answers that no trouble excuses, a line each: a no to what has to be good, a yes to what was revoked, a status that is not on the map. */
  readonly wrongful: string[]
  /** New logins that a spend of unknown outcome costs, by what was spent. */
  readonly relogins: Record<'code' | 'callback' | 'upstream-refresh', number>
  /** Milliseconds of every answer, with nothing broken and with something; without callbacks, where a person waits for the upstream. */
  readonly calm: number[]
  readonly rough: number[]
  /** Writes an answer down. */
  judge(answer: Judged): void
}

/** Opens an empty one. */
export function openLedger(): Ledger {
  return {
    requests: 0,
    unanswered: 0,
    held: 0,
    served: { metadata: 0, register: 0, authorize: 0, consent: 0, callback: 0, redeem: 0, refresh: 0, verify: 0, revoke: 0, ended: 0 },
    wrongful: [],
    relogins: { code: 0, callback: 0, 'upstream-refresh': 0 },
    calm: [],
    rough: [],
    judge({ kind, status, error, retryAfter, challenge, took, rough }) {
      this.requests += 1
      if (kind !== 'callback') this[rough ? 'rough' : 'calm'].push(took)
      if (status === good[kind] && (error === undefined || kind === 'ended')) this.served[kind] += 1
      if (status !== 503) return
      this.held += 1
      if (error !== 'temporarily_unavailable' || !(Number(retryAfter) >= 1) || challenge !== null || kind === 'metadata')
        this.wrongful.push(`${kind}: 503 ${error}, Retry-After ${retryAfter}, WWW-Authenticate ${challenge}`)
    },
  }
}

/** The value below which such a share of them is: 0.99 is the 99th percentile. Of none, 0. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
}
