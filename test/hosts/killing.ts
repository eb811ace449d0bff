import { setTimeout as sleep } from 'node:timers/promises'
import { fernet } from '@drawbridge/storage'
import { atMost } from '../support/at-most.ts'
import { dumpRedis } from '../support/redis-dump.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { type Hosts, type HostsOptions, type Place, startHosts } from './hosts.ts'
import { logsIn, type Operation, patiently, type Sight, type Situation } from './operations.ts'

/**
 * What became of those who asked a host that died over it. `served`: the answer was out, or another host gave it when it was
 * asked again. `waits`: that, when the lease of the dead had ended. `login`: refused when they asked again, and a new login
 * worked. `login later`: served, refused at the next step, and a new login worked. Anything else is a fault, in words.
 */
export type Fate = 'served' | 'waits' | 'login' | 'login later'

/** The points of each operation, by fate; what is no {@link Fate} is a fault. */
export type FateTable = Readonly<Record<string, Readonly<Partial<Record<Fate, readonly string[]>>>>>
export type Fates = Record<string, Record<string, readonly string[]>>

/** A deployment with one host that lives, whose store can be looked into. */
export interface World {
  readonly hosts: Hosts
  /** The grants in the store, of all clients. */
  grants(): Promise<readonly StoredGrant[]>
  /** Those whose lease had to end: how long they waited, in milliseconds, and how often they were told to come back. */
  readonly waits: { readonly ms: number; readonly told: number }[]
  close(): Promise<void>
}

/** As much of a grant as is looked at. */
interface StoredGrant {
  readonly clientId: string
  readonly code: { readonly spent: boolean }
  /** Milliseconds it has left in the store. */
  readonly ttl: number
}

/** Starts a {@link World}. Its people are asked once, its clients may prove keys, and its access tokens outlive the upstream's. */
export async function openWorld(redis: RedisServer, options: Partial<HostsOptions> = {}): Promise<World> {
  const hosts = await startHosts({
    count: 1,
    store: { kind: 'redis', url: redis.url },
    mode: 'github-app',
    options: {
      consent: { mode: 'remembered', rememberNative: true },
      extensions: { dpop: 'allowed' },
      lifetimes: { accessToken: 36_000 },
    },
    ...options,
  })
  const cipher = fernet(hosts.storageKey)
  const opened = new Map<string, Omit<StoredGrant, 'ttl'>>()
  // As docs/records.md has it: a version of 16 characters, and what is sealed. Each is opened once.
  const open = (text: string): Omit<StoredGrant, 'ttl'> => {
    const grant = opened.get(text) ?? JSON.parse(JSON.parse(cipher.open(text.slice(16)).text).value)
    opened.set(text, grant)
    return grant
  }
  return {
    hosts,
    waits: [],
    async grants() {
      const entries = (await dumpRedis(redis.port)).filter(({ key }) => key.includes(':grant:'))
      return entries.map(({ values, ttl }) => ({ ...open(values.join()), ttl }))
    },
    close: () => hosts.close(),
  }
}

/** The operations to kill hosts over, and at which points. */
export interface Killing {
  readonly operations: Readonly<Record<string, Operation>>
  readonly table: FateTable
  /** For how long the clocks are moved between the preparation and the death. */
  readonly later?: number
  /** And after it, when everybody has asked again. */
  readonly after?: number
}

/** The points that each operation crosses when nobody dies, sorted. */
export async function pointsOf({ hosts }: World, { operations, later = 0 }: Killing): Promise<Record<string, readonly string[]>> {
  const named = Object.entries(operations)
  const situations = await atMost(4, named, ([, operation]) => patiently(operation)(hosts))
  if (later > 0) await hosts.advance(later)
  const host = await hosts.startMortal()
  const points: Record<string, readonly string[]> = {}
  for (const [index, { ask }] of situations.entries()) points[named[index]?.[0] ?? ''] = (await host.crossedBy(() => ask(host))).toSorted()
  await host.kill()
  return points
}

/** The points that a table has, as {@link pointsOf} gives them. */
export function pointsIn(table: FateTable): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(table).map(([name, byFate]) => [name, Object.values(byFate).flat().toSorted()]))
}

interface Case {
  readonly name: string
  readonly point: string
}

/** Kills a host at every point of the table, each in a situation of its own, and tells what became of it, sorted. */
export async function fatesOf(world: World, { operations, table, later = 0, after = 0 }: Killing): Promise<Fates> {
  const { hosts } = world
  const cases = Object.entries(pointsIn(table)).flatMap(([name, points]) => points.map((point): Case => ({ name, point })))
  const prepare = ({ name }: Case): Promise<Situation> => {
    const operation = operations[name]
    if (!operation) throw new RangeError(`no operation is called ${name}`)
    return patiently(operation)(hosts)
  }
  // What is to be late is prepared before the clocks are moved, once for all; a code would not live so long.
  const prepared = later > 0 ? await atMost(6, [...cases, ...spares(cases)], async (each) => ({ ...each, ...(await prepare(each)) })) : []
  if (later > 0) await hosts.advance(later)
  const next = async (each: Case): Promise<Situation> => {
    const index = prepared.findIndex(({ name }) => name === each.name)
    return prepared.splice(index, index === -1 ? 0 : 1)[0] ?? prepare(each)
  }
  // Whoever asked asks again at once; while some of them wait, the next ones die.
  const fates: Promise<string>[] = []
  await atMost(3, cases, async (each, index) => {
    const { situation, first } = await killAt(world, () => next(each), each.point)
    fates[index] = fateOf(world, situation, first).catch(String)
  })
  if (after > 0) {
    await sleep(500)
    await hosts.advance(after)
  }
  return byFate(cases, await Promise.all(fates))
}

/** Two more of each operation, for those whose host did not come to its point. */
function spares(cases: readonly Case[]): Case[] {
  return [...new Set(cases.map(({ name }) => name))].flatMap((name) => Array.from({ length: 2 }, () => ({ name, point: 'a spare' })))
}

function byFate(cases: readonly Case[], fates: readonly string[]): Fates {
  const all = new Map<string, Map<string, string[]>>()
  for (const [index, { name, point }] of cases.entries()) {
    const ofName = all.get(name) ?? new Map<string, string[]>()
    const fate = fates[index] ?? 'unknown'
    all.set(name, ofName.set(fate, [...(ofName.get(fate) ?? []), point]))
  }
  return Object.fromEntries([...all].map(([name, ofName]) => [name, Object.fromEntries(ofName)]))
}

/**
 * Asks a host that dies over it; what was seen of an answer, if anything. On a busy machine the store can be late, and then what
 * goes on beside a request ends early: then it is another host's turn, with another situation.
 */
async function killAt(
  { hosts }: World,
  next: () => Promise<Situation>,
  point: string,
): Promise<{ situation: Situation; first: Sight | undefined }> {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const [situation, victim] = await Promise.all([next(), hosts.startMortal()])
    await victim.endAt(point)
    const first = await situation.ask(patient(victim)).catch(() => undefined)
    if (await Promise.race([victim.ended.then(() => true), sleep(10_000, false)])) return { situation, first }
    await victim.kill()
  }
  throw new Error(`the point was not crossed: ${point}`)
}

/** A wait of a second or two is a busy machine; one of this length is a lease that had to end, which takes 15 s. */
const leaseLike = 8_000

async function fateOf({ hosts, grants, waits }: World, situation: Situation, first: Sight | undefined): Promise<string> {
  const { caller, ask, isGood, look } = situation
  const place = patient(hosts.at(0))
  const began = performance.now()
  const { answer, told } = first && isGood(first) ? { answer: first, told: 0 } : await askAgain(situation, place)
  const ms = performance.now() - began
  const opened = (await grants()).filter(({ clientId }) => clientId === caller.clientId)
  if (opened.length > 1) return 'forked: two grants of one code'
  if (!isGood(answer) && !isClean(answer)) return `stuck: ${answer.status} ${answer.text}`
  const left = isGood(answer) ? await look(place, answer) : 'lost'
  if (left === 'wrong') return 'forked: more is good than may be'
  if (left === 'lost' && !(await logsIn(hosts, caller))) return 'stuck: no new login'
  const last = await ask(place)
  if (last.status >= 500) return `stuck: ${last.status}`
  if (left === 'kept' && ms > leaseLike) {
    waits.push({ ms, told })
    return 'waits'
  }
  if (left === 'kept') return 'served'
  return isGood(answer) ? 'login later' : 'login'
}

/** As a client does that lost its connection: the same once more; and when it is told to come back it comes back, for twice as long as a lease. */
async function askAgain({ ask }: Situation, place: Place): Promise<{ answer: Sight; told: number }> {
  const until = performance.now() + 30_000
  for (let told = 0; ; told += 1) {
    const answer = await ask(place)
    if (answer.status !== 503 || performance.now() > until) return { answer, told }
    await sleep(1_000)
  }
}

/** A no that says: log in again, and nothing else. */
function isClean({ status, text }: Sight): boolean {
  return status === 400 && (text.includes('"error":"invalid_grant"') || text.includes('This login was interrupted, or it took too long.'))
}

/** Nobody waits for ever. */
function patient(place: Place): Place {
  return { fetch: (url, init) => place.fetch(url, { ...init, signal: AbortSignal.timeout(45_000) }) }
}
