import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { type FetchPinned, pinnedFetch } from './pinned-fetch.ts'

/** The outside world, injected: the clock, randomness, the network, and work that outlives its request. */
export interface Environment {
  /** The present moment. */
  now(): UnixSeconds
  /** `length` bytes nobody can guess. */
  randomBytes(length: number): Uint8Array
  /** Calls upstream. */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>
  /** Calls what a stranger named: addresses are judged first, and nothing else is connected to. */
  fetchPinned: FetchPinned
  /** A signal that aborts after `length`, with a `TimeoutError`. */
  deadline(length: Seconds): AbortSignal
  /** Waits; for the few places that wait for another host. */
  sleep(milliseconds: number): Promise<void>
  /** Lets `work` go on beside the request that started it; `waitUntil` on hosts that have it. It reports its own failures. */
  defer(work: Promise<void>): void
  /** Resolves when everything deferred has ended; a host calls it before it exits. */
  drain(): Promise<void>
}

/** Milliseconds of a clock that only goes forward: for how long something took, and for nothing that is decided. */
export function elapsed(): number {
  return performance.now()
}

/** The real clock, randomness and network. */
export function systemEnvironment(): Environment {
  const pending = new Set<Promise<void>>()
  return {
    now: () => Math.floor(Date.now() / 1000),
    randomBytes: (length) => randomBytes(length),
    fetch: (input, init) => fetch(input, init),
    fetchPinned: pinnedFetch(),
    deadline: (length) => AbortSignal.timeout(length * 1000),
    sleep: (milliseconds) => sleep(milliseconds),
    defer(work) {
      const tracked = work.catch(() => {}).finally(() => pending.delete(tracked))
      pending.add(tracked)
    },
    async drain() {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}
