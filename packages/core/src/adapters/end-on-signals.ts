import type { Seconds } from '../protocol/time.ts'

/** What asks a process to end: a supervisor, and a person at a terminal. */
const signals = ['SIGTERM', 'SIGINT'] as const

/** A signal within this time is the same wish: a terminal tells everybody, and what runs programs hands on what it was told. */
const sameWish: Seconds = 1

/** What ends when a signal says so. */
export interface Ending {
  close(): Promise<void>
  /** Told once when the end takes longer. */
  waiting(): void
}

/**
 * On the first signal closes, and exits with 0; with 1 when closing failed, which standard error is told. On another one, after a second, exits with 1
 * at once. Answers what takes all of it back.
 */
export function endOnSignals({ close, waiting }: Ending): () => void {
  let asked = false
  let patience: NodeJS.Timeout | undefined
  const end = (): void => {
    if (asked && patience === undefined) process.exit(1)
    if (asked) return
    asked = true
    patience = setTimeout(() => {
      patience = undefined
      waiting()
    }, sameWish * 1000)
    close().then(() => process.exit(0), fail)
  }
  for (const signal of signals) process.on(signal, end)
  return () => {
    clearTimeout(patience)
    for (const signal of signals) process.off(signal, end)
  }
}

function fail(cause: unknown): void {
  process.stderr.write(`The process could not end well. ${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}\n`)
  process.exit(1)
}
