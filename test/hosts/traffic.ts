import { setTimeout as sleep } from 'node:timers/promises'
import { openTab, signInUpstream } from '../support/tab.ts'
import { askToRegister, authorizePath, callTool, type LoggedIn, redeem, refresh } from './client.ts'
import type { Hosts } from './hosts.ts'

/** What somebody does again and again. */
export const trafficKinds = ['verify', 'refresh', 'register', 'authorize', 'login'] as const
export type TrafficKind = (typeof trafficKinds)[number]

/** A request and its answer. Times in milliseconds, by `performance.now()`. */
export interface Exchange {
  readonly kind: TrafficKind
  readonly status: number
  /** The error's name: of a JSON answer, a page, or a redirect to the client. */
  readonly error?: string
  readonly retryAfter: string | null
  readonly challenge: string | null
  readonly began: number
  readonly took: number
}

/** People and clients who go on whatever happens. */
export interface Traffic {
  readonly exchanges: readonly Exchange[]
  /** Lets everybody end what they are at. Rejects when a request got no answer at all. */
  stop(): Promise<void>
}

/** The sessions and the registration that the traffic uses. */
export interface TrafficNeeds {
  readonly verifying: LoggedIn
  readonly refreshing: LoggedIn
  readonly clientId: string
}

/** Between two requests of one loop: enough load to be in the middle of everything, and a bound on it. */
const pauseMs = 10

/** Starts all loops, each with one request at a time. */
export function startTraffic(hosts: Hosts, { verifying, refreshing, clientId }: TrafficNeeds): Traffic {
  const exchanges: Exchange[] = []
  let going = true
  let refreshToken = refreshing.tokens.refresh_token

  async function ask(kind: TrafficKind, request: () => Promise<Response>): Promise<Response> {
    const began = performance.now()
    const answer = await request()
    const text = await answer.clone().text()
    const error = errorOf(answer, text)
    exchanges.push({
      kind,
      status: answer.status,
      ...(error !== undefined && { error }),
      retryAfter: answer.headers.get('retry-after'),
      challenge: answer.headers.get('www-authenticate'),
      began,
      took: performance.now() - began,
    })
    return answer
  }

  const steps: Record<TrafficKind, () => Promise<unknown>> = {
    verify: () => ask('verify', () => callTool(hosts, verifying.tokens.access_token)),
    async refresh() {
      const answer = await ask('refresh', () => refresh(hosts, refreshing.clientId, refreshToken))
      if (answer.status === 200) refreshToken = (await answer.json()).refresh_token
    },
    register: () => ask('register', () => askToRegister(hosts)),
    authorize: () => ask('authorize', () => hosts.fetch(authorizePath(clientId), { headers: { accept: 'text/html' } })),
    // Whoever is told to wait starts again: a code whose answer was lost costs a login (ADR 0007).
    async login() {
      const tab = openTab({ baseUrl: hosts.baseUrl, call: (url, init) => ask('login', () => hosts.fetch(url, init)) })
      const question = await tab.open(authorizePath(clientId))
      if (question.sealed === '') return
      const { refresh: upstream } = await tab.decide(question, 'approve')
      if (upstream === '') return
      const { location } = await tab.open(await signInUpstream(hosts, upstream))
      const code = location === '' ? null : new URL(location).searchParams.get('code')
      if (code !== null) await ask('login', () => redeem(hosts, clientId, code))
    },
  }

  const loops = trafficKinds.map(async (kind) => {
    while (going) {
      await steps[kind]()
      await sleep(pauseMs)
    }
  })
  return {
    exchanges,
    async stop() {
      going = false
      await Promise.all(loops)
    },
  }
}

/** The name of the error in an answer: of a redirect to the client, of a page, or of JSON. */
export function errorOf(answer: Response, text: string): string | undefined {
  const location = answer.headers.get('location')
  if (location !== null) return new URL(location).searchParams.get('error') ?? undefined
  if (answer.status < 400) return undefined
  if (answer.headers.get('content-type')?.startsWith('text/html')) return /<p class="quiet">([a-z_]+)<\/p>/.exec(text)?.[1] ?? text
  return JSON.parse(text).error
}
