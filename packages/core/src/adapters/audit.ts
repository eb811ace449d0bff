import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RecordedEvent } from '../ports/events.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import { auditLine } from './audit-line.ts'

export type { AuditLine } from './audit-line.ts'

/** Takes one line, without its end. What it throws or rejects with loses the line, which is counted; it is waited for. */
export type WriteLine = (line: string) => unknown

/** What Node's streams have, `process.stdout` and files among them. */
export interface LineStream {
  write(text: string, written: (error?: Error | null) => void): unknown
  on?(event: 'error', listener: (error: Error) => void): unknown
}

/** An audit log. */
export interface AuditLogOptions {
  /** Whose events these are: the `issuerUrl` of the options, or their `baseUrl`. */
  readonly issuer: string
  /**
   * Keys the hashes that stand for grants and people: 32 characters or more, the same on every host, and a secret of its own. Whoever has it and the log can look up a person whose `subject` they know. With another key nothing joins
   * with the lines before.
   */
  readonly key: string
  /** Where the lines go. */
  readonly to: LineStream | WriteLine
  /** How many events wait for a slow sink before new ones are dropped. Default: 10,000, which are some megabytes. */
  readonly queue?: number
}

/** Writes events as lines, beside the requests that caused them. */
export interface AuditLog {
  /** The option `onEvent`, or called from yours. It never waits and never throws. */
  readonly onEvent: (event: RecordedEvent) => void
  /** How many events were not written, since the start: for a metric of yours. The log says it as well, as `audit.dropped`, as soon as it can. */
  readonly dropped: number
  /** Resolves when everything told before was written or lost; a host calls it before it exits. With a sink that hangs it does not. */
  flush(): Promise<void>
}

/**
 * An audit log: one JSON object a line, {@link AuditLine}, for each event. Nothing waits for the sink; while it is slow, events wait in memory, and the newest are dropped and counted when there
 * are too many. Throws `ConfigurationError` for a key that is too short, an issuer that is missing, and a queue that holds nothing.
 */
export function auditLog({ issuer, key, to, queue: longest = 10_000 }: AuditLogOptions): AuditLog {
  refuse({ issuer, key, longest })
  const [write, lineOf] = [writerTo(to), auditLine({ issuer, key })]
  const waiting: RecordedEvent[] = []
  const lost: Lost = { all: 0, untold: 0 }
  let writing: Promise<void> | undefined

  async function writeAll(): Promise<void> {
    for (let event = waiting.shift(); event; event = waiting.shift()) {
      const tell = async (what: Parameters<typeof lineOf>[0]): Promise<unknown> => write(lineOf(what))
      await tellGap(lost, event.at, tell)
        .then(() => tell(event))
        .catch(() => lose(lost))
      // Perhaps nothing comes after it for long.
      if (waiting.length === 0) await tellGap(lost, event.at, tell).catch(() => {})
    }
    writing = undefined
  }

  return {
    onEvent(event) {
      if (waiting.length >= longest) return lose(lost)
      waiting.push(event)
      // In a turn of its own, so that no request waits for a line to be made.
      writing ??= nextTurn().then(writeAll)
    },
    get dropped() {
      return lost.all
    },
    flush: () => writing ?? Promise.resolve(),
  }
}

/** How many events were lost, and how many of them the log does not say yet. */
interface Lost {
  all: number
  untold: number
}

function lose(lost: Lost): void {
  lost.all += 1
  lost.untold += 1
}

/** Says that events are missing here; a sink that is still broken is told with the next event. */
async function tellGap(
  lost: Lost,
  at: UnixSeconds,
  tell: (event: { type: string; at: UnixSeconds; count: number }) => Promise<unknown>,
): Promise<void> {
  const count = lost.untold
  if (count === 0) return
  await tell({ type: 'audit.dropped', at, count })
  lost.untold -= count
}

function refuse({ issuer, key, longest }: { readonly issuer: string; readonly key: string; readonly longest: number }): void {
  const problems = [
    ...(issuer ? [] : ['issuer is missing: the issuerUrl of the server, or its baseUrl']),
    ...(typeof key === 'string' && key.length >= 32 ? [] : ['key is shorter than 32 characters: openssl rand -base64 32']),
    ...(Number.isInteger(longest) && longest > 0 ? [] : ['queue is not a whole number above 0']),
  ]
  if (problems.length > 0) throw new ConfigurationError(problems)
}

function writerTo(to: LineStream | WriteLine): (line: string) => Promise<unknown> {
  if (typeof to === 'function') return async (line) => to(line)
  // A stream that breaks would otherwise end the process.
  to.on?.('error', () => {})
  return (line) => new Promise<void>((resolve, reject) => to.write(`${line}\n`, (error) => (error ? reject(error) : resolve())))
}
