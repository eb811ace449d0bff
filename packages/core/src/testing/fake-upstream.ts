import type { SetupServer } from 'msw/node'
import { type Environment, systemEnvironment } from '../ports/environment.ts'
import { isLoopbackUri } from '../protocol/redirect-uri.ts'

/** A request that reached a {@link FakeUpstream}. */
export interface UpstreamRequest {
  readonly method: string
  /** In full, query included. */
  readonly url: string
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What an endpoint of a {@link FakeUpstream} answers. It may throw, or never come to an end. */
export type UpstreamAnswer = (request: UpstreamRequest) => Response | Promise<Response>

/** Upstreams that live in this process: whatever is fetched from their URLs is recorded and answered here. */
export interface FakeUpstream {
  /** What arrived since the last `reset`, in order. */
  readonly requests: readonly UpstreamRequest[]
  /** What was fetched although nothing answers there, and was therefore not sent: `GET https://example.com/`. */
  readonly unexpected: readonly string[]
  /** The network, for an environment. */
  readonly fetch: Environment['fetch']
  /** Takes the network: from now on nothing leaves this machine. */
  open(): Promise<void>
  /** Gives the network back. */
  close(): void
  /** Answers `url`, whatever its query; the last answer given counts. */
  answer(method: string, url: string, answer: UpstreamAnswer): void
  /** Forgets requests and answers. */
  reset(): void
}

/** Makes a {@link FakeUpstream}, on msw 3. It is loaded only here, so that whoever needs no upstream needs no msw. */
export function fakeUpstream(): FakeUpstream {
  const requests: UpstreamRequest[] = []
  const unexpected: string[] = []
  const answers = new Map<string, UpstreamAnswer>()
  let server: SetupServer | undefined

  return {
    requests,
    unexpected,
    fetch: fetchWhole,
    async open() {
      const [{ http }, { setupServer }] = await Promise.all([import('msw/http'), import('msw/node')])
      server = setupServer(
        http.all(
          ({ request }) => answers.has(keyOf(request.method, request.url)),
          ({ request }) => answerTo(request, answers, requests),
        ),
      )
      // A function, because only what it throws holds a request back; msw's own 'error' would stop loopback too.
      server.listen({ onUnhandledFrame: ({ frame }) => refuseUnlessLoopback(frame.data, unexpected) })
    },
    close() {
      server?.close()
    },
    answer(method, url, answer) {
      answers.set(keyOf(method, url), answer)
    },
    reset() {
      answers.clear()
      requests.length = 0
      unexpected.length = 0
    },
  }
}

async function answerTo(request: Request, answers: ReadonlyMap<string, UpstreamAnswer>, requests: UpstreamRequest[]): Promise<Response> {
  const received = await describeRequest(request)
  requests.push(received)
  const answer = answers.get(keyOf(request.method, request.url))
  return answer ? answer(received) : Response.error()
}

// Nothing inside msw is broken off: a TLS connection of its own that ends early leaves an error in OpenSSL's queue, at which
// Node's next WebCrypto call aborts the process ("Assertion failed: errors->Empty()", seen with Node 24.21 and msw 3.0.5).
async function fetchWhole(input: string | URL, { signal, ...init }: RequestInit = {}): Promise<Response> {
  const answer = systemEnvironment().fetch(input, init)
  const broken = new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  const response = await Promise.race([answer, broken])
  const body = await response.arrayBuffer()
  return new Response(body.byteLength > 0 ? body : null, { status: response.status, headers: response.headers })
}

async function describeRequest(request: Request): Promise<UpstreamRequest> {
  return { method: request.method, url: request.url, headers: Object.fromEntries(request.headers), body: await request.text() }
}

function keyOf(method: string, url: string): string {
  const { origin, pathname } = new URL(url)
  return `${method} ${origin}${pathname}`
}

function refuseUnlessLoopback(data: unknown, unexpected: string[]): void {
  const request = data instanceof Object && 'request' in data && data.request instanceof Request ? data.request : undefined
  if (request && isLoopbackUri(request.url)) return
  const what = request ? `${request.method} ${request.url}` : 'something that is not HTTP'
  unexpected.push(what)
  throw new Error(`${what} was not sent: only loopback is let through.`)
}
