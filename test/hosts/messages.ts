import type { RecordedEvent } from '@drawbridge/core'

/** Where a host keeps its state. `looks-then-writes` is a double that loses races. */
export type HostStore =
  | { readonly kind: 'redis' | 'looks-then-writes'; readonly url: string }
  | { readonly kind: 'sqlite'; readonly path: string }

/** What a host is told when it starts. */
export interface HostPlan {
  /** The public URL, the same for all hosts of a deployment. */
  readonly baseUrl: string
  /** Where the upstream is. */
  readonly serverUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly store: HostStore
  /** The keys that open the store, the first of which seals it, with blanks between them; without one it is left in clear, which only a test does. */
  readonly storageKey?: string
  readonly namespace?: string
  /** How far its clock is ahead. */
  readonly ahead: number
}

/** What a host tells. */
export type HostReport =
  | { readonly is: 'listening'; readonly port: number }
  | { readonly is: 'refused'; readonly problems: readonly string[] }
  | { readonly is: 'moved' }
  | { readonly is: 'event'; readonly event: RecordedEvent }

/** What a host is told while it runs: its clock is moved on. */
export interface HostOrder {
  readonly advance: number
}
