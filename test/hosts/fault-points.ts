import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Environment, Store } from '@drawbridge/core'
import { type Around, wrappedStore } from '../support/wrapped-store.ts'

/** An application as `serve` takes it. */
interface App {
  fetch(request: Request, bindings?: { outgoing?: ServerResponse }): Response | Promise<Response>
}

/**
 * The points at which a host can end: before and after each call to its store and to the upstream, and each pause; and before
 * it answers. Between two of them nothing happens that anybody else could see. `before set grant` has not reached the store;
 * at `after set grant` it is written and the host does not know yet.
 */
export interface FaultPoints {
  around(inner: Store): Store
  outside(inner: Environment): Environment
  answering(app: App): App
  /** From now on points are counted, and this one is the last. A name that no point has only counts. */
  endAt(point: string): void
  /** Those crossed since then, in order. A name that comes again has its number. */
  readonly crossed: readonly string[]
}

/** Puts points at every door of a host, which ends by SIGKILL: nothing is finished, flushed or given back. */
export function faultPoints(): FaultPoints {
  let crossed: string[] | undefined
  let last = ''
  let sent: Promise<unknown> | undefined

  function cross(name: string): Promise<void> | undefined {
    if (!crossed) return undefined
    const times = crossed.filter((point) => point === name || point.startsWith(`${name}, `)).length + 1
    const point = times === 1 ? name : `${name}, ${times}`
    crossed.push(point)
    if (point !== last) return undefined
    // What comes after the answer goes on beside the request: the answer is out before it.
    return sent ? sent.then(end) : end()
  }

  async function across<Result>(what: string, run: () => Promise<Result>): Promise<Result> {
    await cross(`before ${what}`)
    const result = await run()
    await cross(`after ${what}`)
    return result
  }

  const aroundCall: Around = (call, run) => across(`${call.method} ${call.key.split(':')[1]}`, run)

  return {
    around: (inner) => wrappedStore(inner, aroundCall),
    outside: (inner) => ({
      ...inner,
      fetch: (url, init) => across(`${init?.method ?? 'GET'} ${new URL(url).pathname.split('/').at(-1)}`, () => inner.fetch(url, init)),
      sleep: (milliseconds) => across('a pause', () => inner.sleep(milliseconds)),
    }),
    answering: (app) => ({
      async fetch(request, bindings) {
        const answer = await app.fetch(request, bindings)
        await cross('before the answer')
        if (bindings?.outgoing) sent = once(bindings.outgoing, 'close')
        return answer
      },
    }),
    endAt(point) {
      crossed = []
      last = point
      sent = undefined
    },
    get crossed() {
      return crossed ?? []
    },
  }
}

function end(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  // The signal is delivered before anything else runs; should it not be, nothing else does.
  return new Promise(() => {})
}
