import { setTimeout as sleep } from 'node:timers/promises'
import { askToRegister, authorizePath, callTool, redeem, refresh, revoke } from '../hosts/client.ts'
import type { Hosts } from '../hosts/hosts.ts'
import { errorOf } from '../hosts/traffic.ts'
import type { TokenAnswer } from '../support/house.ts'
import { openTab, signInUpstream } from '../support/tab.ts'
import type { AskedKind, Ledger } from './ledger.ts'

/** What clients live in, and what is known of its troubles. */
export interface World {
  readonly hosts: Hosts
  readonly ledger: Ledger
  /** Whether something is broken, or was a moment ago. */
  isRough(): boolean
  /** Whether the upstream is. */
  isUpstreamRough(): boolean
  /** Whether the login that came of this upstream code lost its upstream tokens (see `rough-upstream.ts`). */
  isLost(upstreamCode: string): boolean
  isOver(): boolean
  /** Waited before each request. Default: nothing. */
  readonly pauseMs?: number
}

/** What a client holds, all of which has to be good until it gives it back. */
interface Held {
  readonly clientId: string
  readonly upstreamCode: string
  tokens: TokenAnswer
}

/** An answer, and whether an earlier attempt may have been served without anybody's hearing of it. */
interface Persevered<Result> {
  readonly result: Result
  readonly unsure: boolean
}

/** One client's part of the world. */
interface Life extends World {
  /** What it asked, and what was answered, in order: for whoever has to find out why something went wrong. */
  readonly trail: string[]
}

/** Thrown to end what somebody is at: everything is over, or a no was written down. */
class Over extends Error {}

/** Of a client that is told to come again in 2 s and does not wait for it. */
const impatienceMs = 50

/**
 * A client and a person, from registration to revocation: it knows what it holds, so that it can tell a wrongful no from one
 * that a spend of unknown outcome explains. After that there is one more login. Resolves when it is done, or everything is over.
 */
export async function live(shared: World): Promise<void> {
  const world: Life = { ...shared, trail: [] }
  try {
    await surely(world, 'metadata', () => world.hosts.fetch('/.well-known/oauth-authorization-server'))
    const answer = await surely(world, 'register', () => askToRegister(world.hosts))
    const { client_id: clientId }: { client_id: string } = await answer.json()
    let held: Held | undefined
    while (held === undefined) held = await signIn(world, clientId)
    await use(world, held)
  } catch (cause) {
    if (!(cause instanceof Over)) throw cause
  }
}

/** From the authorization request to tokens; undefined when something was spent on the way and nobody knows how that came out. */
async function signIn(world: Life, clientId: string): Promise<Held | undefined> {
  const { hosts, ledger } = world
  const kindOf = (url: string): AskedKind => (url.includes('/authorize') ? 'authorize' : url.includes('/consent') ? 'consent' : 'callback')
  const tab = openTab({ baseUrl: hosts.baseUrl, call: (url, init) => ask(world, kindOf(url), () => hosts.fetch(url, init)) })
  const { result: question } = await persevere(world, () => tab.open(authorizePath(clientId)))
  if (question.sealed === '') wrong(world, `authorize: ${question.status} ${question.text}`)
  const { result: approved } = await persevere(world, () => tab.decide(question, 'approve'))
  if (approved.refresh === '') wrong(world, `consent: ${approved.status} ${approved.text}`)
  const back = await signInUpstream(hosts, approved.refresh)
  const isExcused = world.isUpstreamRough()
  const { result: end, unsure } = await persevere(world, () => tab.open(back))
  const code = end.location === '' ? null : new URL(end.location).searchParams.get('code')
  if (code === null) {
    if (!unsure && !isExcused && !world.isUpstreamRough()) wrong(world, `callback: ${end.status} ${end.location} ${end.text}`)
    ledger.relogins.callback += 1
    return undefined
  }
  const redeemed = await persevere(world, () => ask(world, 'redeem', () => redeem(hosts, clientId, code)))
  const upstreamCode = new URL(back).searchParams.get('code') ?? ''
  if (redeemed.result.status === 200) return { clientId, upstreamCode, tokens: await redeemed.result.json() }
  if (!redeemed.unsure) await wrongAnswer(world, 'redeem', redeemed.result)
  ledger.relogins.code += 1
  return undefined
}

async function use(world: Life, held: Held): Promise<void> {
  const { hosts } = world
  for (let round = 0; round < 3; round += 1) {
    for (let call = 0; call < 3; call += 1) await keeping(world, held, 'verify', () => callTool(hosts, held.tokens.access_token))
    const answer = await keeping(world, held, 'refresh', () => refresh(hosts, held.clientId, held.tokens.refresh_token))
    held.tokens = await answer.json()
  }
  await surely(world, 'revoke', () => revoke(hosts, held.clientId, held.tokens.refresh_token))
  for (let call = 0; call < 2; call += 1) await surely(world, 'ended', () => callTool(hosts, held.tokens.access_token), 401)
}

/** Asks with what is held: a no is excused by upstream tokens that were lost, and by nothing else. */
async function keeping(world: Life, held: Held, kind: AskedKind, request: () => Promise<Response>): Promise<Response> {
  const { result } = await persevere(world, () => ask(world, kind, request))
  if (result.status === 200) return result
  if (!world.isLost(held.upstreamCode)) await wrongAnswer(world, kind, result)
  world.ledger.relogins['upstream-refresh'] += 1
  throw new Over()
}

async function surely(world: Life, kind: AskedKind, request: () => Promise<Response>, status?: number): Promise<Response> {
  const { result } = await persevere(world, () => ask(world, kind, request))
  if (status === undefined ? !result.ok : result.status !== status) await wrongAnswer(world, kind, result)
  return result
}

async function wrongAnswer(world: Life, kind: AskedKind, answer: Response): Promise<never> {
  return wrong(world, `${kind}: ${answer.status} ${await answer.text()}`)
}

function wrong({ ledger, trail }: Life, what: string): never {
  ledger.wrongful.push(`${what.replace(/<style>.*<\/style>/s, '')}, after: ${trail.join(', ')}`)
  throw new Over()
}

/** Asks again while the answer is 503, or none. */
async function persevere<Result extends { readonly status: number }>(
  world: Life,
  work: () => Promise<Result>,
): Promise<Persevered<Result>> {
  for (let unsure = false; ; ) {
    if (world.isOver()) throw new Over()
    const result = await work().catch((cause: NodeJS.ErrnoException) => {
      // Nobody was there, so nothing was served.
      if (cause.code !== 'ECONNREFUSED') unsure = true
      return undefined
    })
    if (result && result.status !== 503) return { result, unsure }
    if (result) unsure = true
    await sleep(impatienceMs)
  }
}

/** Asks once, and writes down what came of it. */
async function ask({ ledger, trail, isRough, pauseMs = 0 }: Life, kind: AskedKind, request: () => Promise<Response>): Promise<Response> {
  if (pauseMs > 0) await sleep(pauseMs)
  const [rough, began] = [isRough(), performance.now()]
  try {
    const answer = await request()
    const took = performance.now() - began
    const { status, headers } = answer
    trail.push(`${kind} ${status} in ${Math.round(took)} ms${rough ? ' rough' : ''}`)
    const error = status < 400 && !headers.has('location') ? undefined : errorOf(answer, await answer.clone().text())
    ledger.judge({ kind, status, error, retryAfter: headers.get('retry-after'), challenge: headers.get('www-authenticate'), took, rough })
    return answer
  } catch (cause) {
    trail.push(`${kind} unanswered`)
    ledger.requests += 1
    ledger.unanswered += 1
    throw cause
  }
}
