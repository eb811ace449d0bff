import type { Environment } from '@drawbridge/core'

/** Does `work` when it is called, beside the caller; not while it is being done, nor in the `spacing` milliseconds after. Whether it succeeded shows in what it did. */
export function spaced(environment: Environment, spacing: number, work: () => Promise<void>): () => void {
  let busy = false
  return () => {
    if (busy) return
    busy = true
    void work()
      .catch(() => {})
      .then(() => environment.sleep(spacing))
      .finally(() => {
        busy = false
      })
  }
}
