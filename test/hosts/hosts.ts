import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ConfigurationError, type RecordedEvent, type Resealed, type ToolScopes } from '@drawbridge/core'
import { type ServedStandIn, type StandInOptions, serveStandIn } from '@drawbridge/quickstart/stand-in'
import { createFernetKey } from '@drawbridge/storage'
import { freePort } from '../support/free-port.ts'
import type { HostMeasure, HostOrder, HostPlan, HostReport, HostStore, Planting } from './messages.ts'

/** Whatever answers requests to the public URL: a host, or all of them in turn. */
export interface Place {
  /** Calls a URL. What begins with the public URL goes to this place, and a path is one below it; all else goes where it says. */
  fetch(url: string, init?: RequestInit): Promise<Response>
}

/** One process of a deployment. */
export interface Host extends Place {
  readonly pid: number
  /** Where it listens itself. */
  readonly port: number
  readonly events: readonly RecordedEvent[]
  /** What it holds by now. */
  measure(): Promise<HostMeasure>
  /** Ends it at once. */
  kill(): Promise<void>
  /** Asks it to end, as whatever runs processes does. */
  stop(): Promise<void>
  /** Has it seal again what an older storage key sealed. */
  rotateStorageKey(): Promise<Resealed>
  /** Has something go wrong in it that nobody handles; resolves when that has ended it. */
  plant(what: Planting): Promise<void>
}

/** A host that ends by itself, as by SIGKILL, where it is told to: see `fault-points.ts`. */
export interface MortalHost extends Host {
  /** From now on it counts the points that it crosses, and ends at this one. */
  endAt(point: string): Promise<void>
  /** The points that it crosses while `work` is under way, and beside it; it lives on. */
  crossedBy(work: () => Promise<unknown>): Promise<readonly string[]>
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
}

/** How a deployment is made up. */
export interface HostsOptions {
  readonly count: number
  readonly store: HostStore
  /** Where the store is for one of them, by its place in the row, behind which are the mortal ones; default: where it is for all. */
  readonly storeOf?: (index: number) => HostStore
  readonly mode?: 'oauth-app' | 'github-app'
  readonly usedRefreshTokens?: StandInOptions['usedRefreshTokens']
  /** Options for every host. */
  readonly options?: HostPlan['options']
  /** The key that seals the store, with others that open it behind a blank, or `plain`. Default: a new one. */
  readonly storageKey?: string
  readonly namespace?: string
  /** The signing keys, the first of which signs. Default: one of the tests'. */
  readonly signingKeys?: readonly string[]
  /** How far the clock of one of them is ahead of the others', by its place in the row. Default: not at all. */
  readonly skewOf?: (index: number) => number
  /** Whether to wait until all are ready. Default: true. */
  readonly whenReady?: boolean
  /** The public port. Nothing listens there unless a test sees to it. Default: a free one. */
  readonly port?: number
  /** The scopes that tools need beside, which has the gate read every call. Default: none. */
  readonly toolScopes?: ToolScopes
  /** Whether they tell no events. */
  readonly silent?: boolean
  /** Where they find the upstream, by where it is. Default: there. */
  readonly upstreamAt?: (url: string) => Promise<string>
  /** Sends the requests to them. Default: `fetch`. */
  readonly send?: (url: string, init: RequestInit) => Promise<Response>
}

/** Several processes that are one server. */
export interface Hosts extends Place {
  readonly baseUrl: string
  readonly github: ServedStandIn
  readonly all: readonly Host[]
  readonly storageKey: string
  /** The n-th, from 0. */
  at(index: number): Host
  /** The present moment, by their clocks. */
  now(): number
  /** Moves the clocks of all, and of the upstream. */
  advance(seconds: number): Promise<void>
  /** Starts one more, which is none of `all`: nobody but its own test calls it, or moves its clock. */
  startMortal(): Promise<MortalHost>
  /** Ends all of them at once, and starts as many new ones. */
  restart(): Promise<void>
  /** Rolls out other keys: one host after the other is replaced by a new one, once that is ready, and then asked to end. */
  rollOut(keys: Pick<HostsOptions, 'storageKey' | 'signingKeys'>): Promise<void>
  /** Ends the n-th at once, and starts another in its place. */
  replace(index: number): Promise<void>
  /** Ends everything. Rejects when a host ended by itself, or complained. */
  close(): Promise<void>
}

const program = fileURLToPath(new URL('host.ts', import.meta.url))

/** Starts a deployment. Rejects with `ConfigurationError` when a host refuses to start. */
export async function startHosts(options: HostsOptions): Promise<Hosts> {
  const { count, store, storeOf = () => store, mode = 'oauth-app', storageKey = createFernetKey(), namespace } = options
  let keys = { storageKey, signingKeys: options.signingKeys }
  const baseUrl = `http://127.0.0.1:${options.port ?? (await freePort())}`
  const credentials = { clientId: 'upstream-id', clientSecret: 'upstream-secret-e71bd0' }
  let ahead = 0
  const now = () => Math.floor(Date.now() / 1000) + ahead
  const { usedRefreshTokens = 'refused' } = options
  const github = await serveStandIn({ ...credentials, callbackUrl: `${baseUrl}/auth/callback`, mode, usedRefreshTokens, now })
  const serverUrl = (await options.upstreamAt?.(github.url)) ?? github.url
  const troubles: string[] = []
  let all: StartedHost[] = []
  const mortals = new Set<StartedHost>()
  let turn = 0

  const startOne = async (index: number, mortal = false): Promise<StartedHost> => {
    const plan: HostPlan = {
      ...credentials,
      baseUrl,
      serverUrl,
      store: storeOf(index),
      ahead,
      ...(options.skewOf && { skew: options.skewOf(index) }),
      ...(keys.storageKey !== 'plain' && { storageKey: keys.storageKey }),
      ...(keys.signingKeys && { signingKeys: keys.signingKeys }),
      ...(namespace !== undefined && { namespace }),
      ...(options.options && { options: options.options }),
      mortal,
      ...(options.toolScopes && { toolScopes: options.toolScopes }),
      ...(options.silent && { silent: true }),
    }
    const host = await startHost(plan, troubles, options.send)
    if (options.whenReady ?? true) await untilReady(host)
    return host
  }
  const start = (): Promise<StartedHost[]> => Promise.all(Array.from({ length: count }, (_, index) => startOne(index)))
  const at = (index: number): StartedHost => {
    const host = all[index % all.length]
    if (!host) throw new RangeError('no such host')
    return host
  }

  try {
    all = await start()
  } catch (cause) {
    await github.close()
    throw cause
  }
  return {
    baseUrl,
    github,
    storageKey,
    get all() {
      return all
    },
    at,
    now,
    fetch(url, init) {
      turn += 1
      return at(turn).fetch(url, init)
    },
    async advance(seconds) {
      ahead += seconds
      await Promise.all(all.map((host) => host.advance(seconds)))
    },
    async startMortal() {
      const mortal = await startOne(count, true)
      mortals.add(mortal)
      void mortal.ended.then(() => mortals.delete(mortal))
      return mortal
    },
    async restart() {
      await Promise.all(all.map((host) => host.kill()))
      all = await start()
    },
    async rollOut(changed) {
      keys = { ...keys, ...changed }
      for (const [index, old] of all.entries()) {
        const next = await startOne(index)
        all = all.with(index, next)
        // What was sent to it is still on its way, as behind every balancer.
        await sleep(200)
        await old.stop()
      }
    },
    async replace(index) {
      await at(index).kill()
      const started = await startOne(index)
      all = all.with(index, started)
    },
    async close() {
      await Promise.all([...all, ...mortals].map((host) => host.kill()))
      await github.close()
      if (troubles.length > 0) throw new Error(`hosts were in trouble:\n${troubles.join('\n')}`)
    },
  }
}

async function untilReady(host: Host): Promise<void> {
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    const answer = await host.fetch('/ready')
    await answer.text()
    if (answer.status === 200) return
    await sleep(50)
  }
  throw new Error(`process ${host.pid} does not become ready`)
}

interface StartedHost extends MortalHost {
  advance(seconds: number): Promise<void>
}

async function startHost(plan: HostPlan, troubles: string[], send: HostsOptions['send'] = fetch): Promise<StartedHost> {
  const child = fork(program, [JSON.stringify(plan)], {
    // Types are stripped without being asked from Node 22.18 on; what is collected when it is asked for can be measured.
    execArgv: ['--experimental-strip-types', '--no-warnings', '--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const events: RecordedEvent[] = []
  let meant = false
  let asked: 'SIGKILL' | 'SIGTERM' | undefined
  child.stderr?.on('data', (text: Buffer) => troubles.push(String(text)))
  child.on('message', (report: HostReport) => {
    if (report.is === 'event') events.push(report.event)
  })
  const ended = once(child, 'exit').then(([code, signal]) => {
    if (!meant || (asked === 'SIGTERM' && code !== 0)) troubles.push(`process ${child.pid} ended by itself, with ${signal ?? code}`)
  })
  const first = await nextReport(child, ({ is }) => is === 'listening' || is === 'refused').catch(async (cause: unknown) => {
    await ended
    throw new Error(`a host did not start:\n${troubles.join('\n')}`, { cause })
  })
  if (first.is === 'refused') {
    meant = true
    await ended
    throw new ConfigurationError(first.problems)
  }
  const port = first.is === 'listening' ? first.port : 0
  const url = `http://127.0.0.1:${port}`
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    meant = true
    asked = signal
    child.kill(signal)
    await ended
  }
  const order = async (what: HostOrder, done: HostReport['is']): Promise<HostReport> => {
    const told = nextReport(child, ({ is }) => is === done)
    child.send(what)
    return told
  }
  return {
    pid: child.pid ?? 0,
    port,
    events,
    ended,
    fetch(asked, init) {
      const path = asked.startsWith(plan.baseUrl) ? asked.slice(plan.baseUrl.length) : asked
      return send(path.startsWith('/') ? `${url}${path}` : path, { redirect: 'manual', ...init })
    },
    async advance(seconds) {
      await order({ advance: seconds }, 'moved')
    },
    async endAt(point) {
      meant = true
      await order({ endAt: point }, 'armed')
    },
    async crossedBy(work) {
      await order({ endAt: 'nowhere' }, 'armed')
      await work()
      const told = await order({ tell: 'points' }, 'crossed')
      return told.is === 'crossed' ? told.points : []
    },
    async rotateStorageKey() {
      const told = await order({ rotate: true }, 'rotated')
      if (told.is !== 'rotated') throw new TypeError('another report')
      return told.resealed
    },
    async measure() {
      const told = await order({ measure: true }, 'measured')
      if (told.is !== 'measured') throw new TypeError('another report')
      return told.measure
    },
    async plant(what) {
      const order: HostOrder = { plant: what }
      child.send(order)
      await ended
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}

function nextReport(child: ChildProcess, isIt: (report: HostReport) => boolean): Promise<HostReport> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      child.off('message', look)
      child.off('exit', fail)
    }
    const look = (report: HostReport): void => {
      if (!isIt(report)) return
      settle()
      resolve(report)
    }
    const fail = (): void => {
      settle()
      reject(new Error(`process ${child.pid} ended`))
    }
    child.on('message', look)
    child.on('exit', fail)
  })
}
