import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '@drawbridge/core'

/** Waits until the store answers for names of every kind of place; a machine that is busy may take longer than one call has. */
export async function connected(store: Store): Promise<void> {
  const names = Array.from({ length: 12 }, (_, index) => `connected:${index}`)
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answers = await Promise.allSettled(names.map((name) => store.get(name)))
    if (answers.every(({ status }) => status === 'fulfilled')) return
    await sleep(50)
  }
}
