import type { Environment, Seconds, UnixSeconds } from '@drawbridge/core'
import { isReply } from './redis-errors.ts'

/** A connection on which calls have waited this long, and not one was answered, is dead, whatever the socket says. */
const longestSilence: Seconds = 2

/** Runs a call, and lets go of the connection when nobody has been answered on it for too long. */
export type WatchSilence = <Result>(signal: AbortSignal, work: () => Promise<Result>) => Promise<Result>

/**
 * Watches for silence: a connection whose other end has vanished without a word keeps its socket for a quarter of an hour, and
 * every call on it would end at its deadline. One that is being made can be as silent. `letGo` makes the next call connect anew.
 */
export function watchSilence(environment: Environment, letGo: () => void): WatchSilence {
  let unansweredSince: UnixSeconds | undefined

  const judge = (): void => {
    if (unansweredSince === undefined || environment.now() - unansweredSince < longestSilence) return
    unansweredSince = undefined
    letGo()
  }

  return async (signal, work) => {
    unansweredSince ??= environment.now()
    // Answers that arrived while the process was busy are read first, and end the silence.
    const late = (): void => void setImmediate(judge)
    signal.addEventListener('abort', late)
    try {
      const result = await work()
      unansweredSince = undefined
      return result
    } catch (cause) {
      if (isReply(cause)) unansweredSince = undefined
      else judge()
      throw cause
    } finally {
      signal.removeEventListener('abort', late)
    }
  }
}
