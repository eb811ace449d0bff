import { createHmac } from 'node:crypto'
import type { RecordedEvent } from '../ports/events.ts'
import type { UnixSeconds } from '../protocol/time.ts'

/** The schema of a line, and its version: members may be added under the same, and are never renamed or taken away. */
const schema = 'drawbridge.audit.v1'

/** One line of the audit log. Members come in this order; what an event does not have is absent. */
export interface AuditLine {
  readonly schema: typeof schema
  /** ISO 8601, in UTC, to the second. */
  readonly time: string
  readonly issuer: string
  readonly event: string
  /** `audit`: something was changed, given or refused. `operational`: something we depend on is in trouble, or well again. */
  readonly category: 'audit' | 'operational'
  readonly request_id?: string
  /** Of an id that is longer than 256 characters, as sealed clients have: its keyed hash. */
  readonly client_id?: string
  /** The keyed hash of the grant: lines of one grant have the same. */
  readonly grant?: string
  /** The keyed hash of the person, or of whoever else the grant is of. */
  readonly subject?: string
  /** What else the event says, see `docs/events.md`. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** An event as far as a line needs to know it: what it does not know goes into `details`. */
type AnyEvent = { readonly type: string; readonly at: UnixSeconds } & Readonly<Record<string, unknown>>

/** What is not about somebody's access, by the noun of the event. Every other event is, those that are new among them. */
const operational = /^(store|record|upstream|issuer|clock|audit)\.|^request\.failed$/

/** Longer values are cut: a line is for reading, and a stranger chose some of them (threat T99). */
const longest = 256

/** Makes lines. The hashes are keyed, so that they join events, and nobody finds a person or a grant by trying ids (HMAC-SHA-256, 132 bits of it). */
export function auditLine({ issuer, key }: { readonly issuer: string; readonly key: string }): (event: RecordedEvent | AnyEvent) => string {
  const hash = (kind: string, id: unknown): string | undefined =>
    typeof id === 'string' ? createHmac('sha256', key).update(`${kind}\0${id}`).digest('base64url').slice(0, 22) : undefined
  return (event) => {
    const { type, at, requestId, clientId, grantId, subject, ...rest }: AnyEvent = event
    const details = Object.entries(rest).flatMap(([name, value]) => (value === undefined ? [] : [[name, plain(value)]]))
    const line = {
      schema,
      time: new Date(at * 1000).toISOString(),
      issuer,
      event: type,
      category: operational.test(type) ? 'operational' : 'audit',
      request_id: requestId,
      client_id: typeof clientId === 'string' && clientId.length > longest ? hash('client', clientId) : plain(clientId),
      grant: hash('grant', grantId),
      subject: hash('subject', subject),
      ...(details.length > 0 && { details: Object.fromEntries(details) }),
    }
    return escaped(JSON.stringify(line))
  }
}

/** A value as it may be written: short, and without what looks like a secret or an address. */
function plain(value: unknown): unknown {
  // Cut twice: a value may be long on purpose, and a mask is shorter than what it hides.
  if (typeof value === 'string') return masked(value.slice(0, 4 * longest)).slice(0, longest)
  if (Array.isArray(value)) return value.slice(0, 50).map(plain)
  return typeof value === 'number' || typeof value === 'boolean' || value === undefined ? value : '[left out]'
}

// No event has any of these in it. This is for what a stranger calls itself, and for the day when somebody makes a mistake (threat T98).
function masked(text: string): string {
  return text
    .replace(
      /\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?|\bdb_[a-z]{2,4}_[\w.-]{16,}|\b(gh[a-z]_|github_pat_|ya29\.|xox[a-z]-)[\w.-]{10,}/g,
      '[token]',
    )
    .replace(/\b(Bearer|Basic|DPoP) [\w.~+/-]{8,}=*/gi, '$1 [token]')
    .replace(/[^\s@"'<>]{1,64}@[^\s@"'<>]{1,255}/g, '[e-mail]')
}

// JSON leaves these as they are. Terminals and viewers of logs act on them: ends of lines, the other direction of text, and what has no width.
function escaped(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
