import type { Clause } from './clause.ts'
import type { StoreHarness } from './store-harness.ts'
import { storeLifetimes } from './store-lifetimes.ts'
import { storeRaces } from './store-races.ts'
import { storeWrites } from './store-writes.ts'

/** What every store owes: conditional writes that never both win, and entries that end. */
export const storeContract: readonly Clause<StoreHarness>[] = [...storeWrites, ...storeRaces, ...storeLifetimes]
