import { serve } from '@drawbridge/core/node'
import { promised } from '../support/promised.ts'

// A process with one server: it tells where it listens and which request has begun, and lets requests end when it is told to.

/** What its closing does, and what goes wrong that nobody waits for. */
export interface StoppingPlan {
  readonly closing: 'ends' | 'rejects' | 'never ends'
}

/** What it tells. */
export type StoppingReport = { readonly port: number } | { readonly begun: string }

const plan: StoppingPlan = JSON.parse(process.argv[2] ?? '')
const report = (what: StoppingReport) => process.send?.(what)
const { promise: released, keep: release } = promised()
process.on('message', () => release())
// Whoever started it is gone.
process.on('disconnect', () => process.exit(3))

const closings: Record<StoppingPlan['closing'], () => Promise<void>> = {
  ends: async () => {
    process.stdout.write('closed\n')
  },
  rejects: () => Promise.reject(new TypeError('there is nothing to close')),
  'never ends': () => new Promise(() => {}),
}

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  report({ begun: pathname })
  if (pathname === '/stream') return new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }))
  await released
  return new Response('done')
}

const { port } = await serve({ fetch: answer }, { port: 0, closing: closings[plan.closing] })
report({ port })
