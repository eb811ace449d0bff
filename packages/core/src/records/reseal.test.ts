import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../ports/store.ts'
import type { Records } from './records.ts'
import { resealAll } from './reseal.ts'

/** Clients with three grants each; `then` is what comes of the next page of grants. */
function records(reseal: () => Promise<boolean>, then: () => Promise<void>): Parameters<typeof resealAll>[0] {
  async function* members({ kind }: { readonly kind: string }): AsyncIterable<string> {
    if (kind === 'clients') return yield 'client'
    yield* ['one', 'two', 'three']
    await then()
  }
  const all: unknown = {
    deployment: { check: async () => {} },
    clients: { reseal: async () => false },
    grants: { reseal },
    lists: { members },
  }
  return all as Records
}

describe('sealing again', () => {
  it('is rejected, and leaves no rejection that nobody waits for, when a grant fails while the next page is fetched (REL-R32)', async () => {
    const unhandled: unknown[] = []
    const note = (cause: unknown): void => void unhandled.push(cause)
    process.on('unhandledRejection', note)
    const fail = () => Promise.reject(new StoreUnavailable('away'))
    const slowly = async (): Promise<void> => {
      for (let turns = 0; turns < 3; turns += 1) await turn()
    }
    await expect(resealAll(records(fail, slowly), [])).rejects.toThrow(StoreUnavailable)
    await expect(
      resealAll(
        records(fail, () => slowly().then(fail)),
        [],
      ),
    ).rejects.toThrow(StoreUnavailable)
    await turn()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})
