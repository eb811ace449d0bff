import type { Environment } from '@drawbridge/core'

/** What every store can be told. */
export interface StoreOptions {
  /** The clock, randomness, deadlines and work beside requests; the real ones by default. */
  readonly environment?: Environment
}
