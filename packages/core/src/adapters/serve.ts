import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import type { Seconds } from '../protocol/time.ts'
import { closeServer } from './close-server.ts'
import { endLongRest } from './end-long-rest.ts'
import { endOnSignals } from './end-on-signals.ts'
import { requestsUnderWay } from './requests-under-way.ts'
import { arrivalLimits, parseServeLimits, type ServeLimits } from './serve-limits.ts'
import { stoppingAnswer } from './stopping-answer.ts'

/** Where and how to listen, and how to end. */
export interface ServeOptions extends ServeLimits {
  readonly host?: string
  readonly port?: number
  /**
   * Waited for after the last request, before the process ends: `() => auth.close()`. When it rejects, or has not ended after 25 s,
   * `close` rejects, and a process that a signal ends exits with 1.
   */
  readonly closing?: () => Promise<void>
  /** Told the line with the URL, and what a process still waits for that was asked to end a second ago. Default: standard output. */
  readonly print?: (line: string) => void
}

/** A server that listens. */
export interface Served {
  readonly url: string
  readonly port: number
  /** Takes no new request, finishes those under way, and resolves. Rejects when `closing` does, or does not end. */
  close(): Promise<void>
}

/** What an application is handed beside the request. */
export interface ServeBindings {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  /** Whether the process was asked to end. Whoever asks then whether it is ready is told no. */
  readonly stopping: boolean
}

/** Longer than any work beside requests: 10 s for an upstream that is slow, 15 s until its answer is stored. */
const closingEndsWithin: Seconds = 25

/**
 * Serves an application on `node:http`, prints its URL, and ends cleanly on SIGTERM and SIGINT. Rejects when it cannot listen,
 * with the `code` of Node: `EADDRINUSE` for a port that is taken; and with `ConfigurationError` for a length of time that is none.
 */
export async function serve(
  app: { fetch(request: Request, bindings?: ServeBindings): Response | Promise<Response> },
  { host = '127.0.0.1', port = 8000, closing = async () => {}, print = toStandardOutput, ...limits }: ServeOptions = {},
): Promise<Served> {
  const { arrivesWithin, idleFor, grace, notReadyFor } = parseServeLimits(limits)
  let stage: 'open' | 'not ready' | 'closing' = 'open'
  const server = createServer({ ...arrivalLimits(arrivesWithin), keepAliveTimeout: idleFor * 1000 }, (incoming, outgoing) => {
    if (stage !== 'open') outgoing.setHeader('connection', 'close')
    endLongRest(incoming, outgoing)
    const answer = async (request: Request): Promise<Response> =>
      stage === 'closing' ? stoppingAnswer(request) : app.fetch(request, { incoming, outgoing, stopping: stage !== 'open' })
    const listener = getRequestListener((request) => underWay.add(outgoing, answer(request)), { overrideGlobalObjects: false })
    void listener(incoming, outgoing)
  })
  const underWay = requestsUnderWay(server)
  const address = await listen(server, host, port)
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
  print(`Listening on ${url}`)

  async function stop(): Promise<void> {
    stage = 'not ready'
    for (const answer of underWay.answers()) if (!answer.headersSent) answer.setHeader('connection', 'close')
    if (notReadyFor > 0) await sleep(notReadyFor * 1000)
    stage = 'closing'
    await closeServer(server, underWay, grace)
    await inTime(closing())
  }
  let stopped: Promise<void> | undefined
  const close = (): Promise<void> => {
    stopped ??= stop().finally(forgetSignals)
    return stopped
  }
  const forgetSignals = endOnSignals({ close, waiting: () => print(waitingLine(underWay.count())) })
  return { url, port: address.port, close }
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      // A connection that could not be taken, for want of a file handle for instance, is no reason to end.
      server.on('error', (error) => process.emitWarning(error))
      resolve(server.address() as AddressInfo)
    })
  })
}

async function inTime(work: Promise<void>): Promise<void> {
  let late: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`closing did not end within ${closingEndsWithin} s`)), closingEndsWithin * 1000)
  })
  await Promise.race([work, tooLate]).finally(() => clearTimeout(late))
}

function waitingLine(count: number): string {
  const what = count === 0 ? 'what goes on beside requests' : count === 1 ? '1 request' : `${count} requests`
  return `Waiting for ${what} to end. To end at once, ask again.`
}

function toStandardOutput(line: string): void {
  process.stdout.write(`${line}\n`)
}
