import fc from 'fast-check'
import { expect } from 'vitest'
import type { House, TokenAnswer } from '../support/house.ts'
import type { Trap } from '../support/trap-proxy.ts'
import type { World } from './world.ts'

// What a client, a thief of its code and its tools may ask for in any order, on either host, while connections have accidents; and
// what may be answered, by a model that knows no more than the client does.

/** Which of its refresh tokens a client presents. */
export type Which = 'newest' | 'previous' | 'oldest'

/** What happens next; as text, it is what a failure prints and what a regression test keeps. */
export type Step =
  | { readonly does: 'redeem' | 'guess' | 'verify' | 'revoke'; readonly host: 0 | 1; readonly trap?: Sprung }
  | { readonly does: 'refresh'; readonly host: 0 | 1; readonly which: Which; readonly trap?: Sprung }
  /** The same request to both hosts at once. */
  | { readonly does: 'redeem twice' | 'refresh twice'; readonly trap?: Sprung }
  | { readonly does: 'wait'; readonly seconds: number }

/** An accident, and of which packet to Redis. */
export interface Sprung {
  readonly is: Trap
  readonly nth: number
}

/** What the client knows. */
export interface Session {
  clientId: string
  code: string
  /** When the code was given, by the hosts' clock. */
  codeAt: number
  /** `maybe`: an answer to it was lost. */
  spent: 'no' | 'maybe' | 'yes'
  alive: 'yes' | 'maybe' | 'no'
  /** By generation. */
  readonly tokens: (TokenAnswer & { readonly issuedAt: number })[]
  /** Since when the newest is there, or was first used: not before, and not after. */
  graceFrom: number
  graceTo: number
  /** Whether the newest was used; `maybe`: by a call during which there was an accident. */
  used: 'no' | 'maybe' | 'yes'
  /** Whether there may be a newer one of which it never heard, and since when. */
  unheardFrom: number | undefined
  /** Whether there was an accident, so that there may be 503. */
  troubled: boolean
  redemptions: number
}

const hosts = fc.constantFrom<0 | 1>(0, 1)
const trap = fc.option(
  fc.record<Sprung>({
    is: fc.constantFrom<Trap>('never arrives', 'is never answered', 'arrives late', 'is slow', 'is too late for it', 'is the last one'),
    nth: fc.integer({ min: 1, max: 4 }),
  }),
  { nil: undefined, freq: 2 },
)

/** Any sequence of steps. */
export function anySteps(most: number): fc.Arbitrary<Iterable<fc.AsyncCommand<Session, World>>> {
  const simple = (does: 'redeem' | 'guess' | 'verify' | 'revoke') =>
    fc.record({ does: fc.constant(does), host: hosts, trap }, { requiredKeys: ['does', 'host'] })
  const step: fc.Arbitrary<Step>[] = [
    simple('redeem'),
    simple('redeem'),
    simple('guess'),
    simple('verify'),
    simple('revoke'),
    fc.record(
      { does: fc.constant('refresh' as const), host: hosts, which: fc.constantFrom<Which>('newest', 'previous', 'oldest'), trap },
      { requiredKeys: ['does', 'host', 'which'] },
    ),
    fc.record(
      { does: fc.constant('refresh' as const), host: hosts, which: fc.constant<Which>('newest'), trap },
      { requiredKeys: ['does', 'host', 'which'] },
    ),
    fc.record({ does: fc.constantFrom('redeem twice' as const, 'refresh twice' as const), trap }, { requiredKeys: ['does'] }),
    fc.record({ does: fc.constant('wait' as const), seconds: fc.constantFrom(1, 16, 61, 28_600, 28_600, 90_000) }),
  ] as fc.Arbitrary<Step>[]
  return fc.commands(
    step.map((one) => one.map(commandOf)),
    { maxCommands: most, size: 'max' },
  )
}

/** A person who has just said yes to a client. */
export async function beginSession({ hosts: [house] }: World): Promise<Session> {
  if (!house) throw new TypeError('no host')
  const clientId = await house.register()
  const end = await house.signIn(clientId)
  const session: Session = {
    clientId,
    code: end.searchParams.get('code') ?? '',
    codeAt: house.environment.now(),
    spent: 'no',
    alive: 'yes',
    tokens: [],
    graceFrom: 0,
    graceTo: 0,
    used: 'no',
    unheardFrom: undefined,
    troubled: false,
    redemptions: 0,
  }
  return session
}

/** Whoever keeps trying gets an answer, or one clean new login: nothing is in the way of either for longer than a lease. */
export async function endSession(session: Session, world: World): Promise<void> {
  const [house] = world.hosts
  if (!house) throw new TypeError('no host')
  await world.advance(16)
  const newest = session.tokens.at(-1)
  const answer = newest ? await house.refresh(session.clientId, newest.refresh_token) : await house.redeem(session.clientId, session.code)
  const text = await answer.text()
  if (answer.status === 200) return
  expect([answer.status, JSON.parse(text).error]).toEqual([400, 'invalid_grant'])
  const { tokens } = await house.login()
  expect(await house.mcpStatus(tokens.access_token)).toBe(200)
}

/** A step as a command of fast-check. */
export function commandOf(step: Step): fc.AsyncCommand<Session, World> {
  return {
    check: ({ tokens }) => step.does === 'wait' || step.does === 'guess' || step.does.startsWith('redeem') || tokens.length > 0,
    async run(session, world) {
      if (step.does === 'wait') return world.advance(step.seconds)
      if (step.trap) world.setTrap(step.trap.is, step.trap.nth)
      const before = (world.hosts[0] as House).github.calls('token')
      const asked = presented(step, session)
      const from = (world.hosts[0] as House).environment.now()
      const sights = await Promise.all(placesOf(step, world).map((house) => take(step, house, session, asked)))
      const sprung = world.clearTrap()
      await world.settle()
      if (sprung) session.troubled = true
      const at = { sprung, asked, from, now: (world.hosts[0] as House).environment.now() }
      // Of two that asked at once nobody knows who was first: what nobody knows comes before what is good, and a no comes last.
      for (const sight of sights.sort((a, b) => orderOf(a) - orderOf(b))) judge(step, sight, session, at)
      if (!session.troubled) {
        const calls = (world.hosts[0] as House).github.calls('token') - before
        expect(calls, 'how often the upstream was asked').toBeLessThanOrEqual(1)
      }
      for (const house of world.hosts) expect(house.events.splice(0).filter(({ type }) => type === 'request.failed')).toEqual([])
    },
    toString: () => JSON.stringify(step),
  }
}

const orderOf = ({ status }: Sight): number => (status === 503 ? 0 : status === 200 ? 1 : 2)

function placesOf(step: Step, { hosts: all }: World): readonly House[] {
  return 'host' in step ? [all[step.host] as House] : all
}

interface Sight {
  readonly status: number
  readonly tokens?: TokenAnswer
  readonly error?: string
  readonly text: string
}

async function take(step: Step, house: House, session: Session, asked: TokenAnswer | undefined): Promise<Sight> {
  const { clientId, code, tokens } = session
  const newest = tokens.at(-1)
  if (step.does === 'verify') {
    const headers = { authorization: `Bearer ${newest?.access_token}` }
    const who = await house.auth.authenticate(new Request(`${house.baseUrl}/mcp`, { headers }))
    return who instanceof Response ? read(who) : { status: 200, text: '' }
  }
  if (step.does === 'revoke') return read(await house.post('/revoke', { client_id: clientId, token: newest?.refresh_token ?? '' }))
  if (step.does === 'guess') return read(await house.redeem(clientId, code, { code_verifier: 'a'.repeat(43) }))
  if (step.does === 'redeem' || step.does === 'redeem twice') return read(await house.redeem(clientId, code))
  return read(await house.refresh(clientId, asked?.refresh_token ?? ''))
}

function presented(step: Step, { tokens }: Session): TokenAnswer | undefined {
  const which = step.does === 'refresh' ? step.which : 'newest'
  const at = which === 'newest' ? tokens.length - 1 : which === 'previous' ? Math.max(0, tokens.length - 2) : 0
  return tokens[at]
}

async function read(answer: Response): Promise<Sight> {
  const text = await answer.text()
  const body = text.startsWith('{') ? JSON.parse(text) : {}
  return {
    status: answer.status,
    text,
    ...(body.error !== undefined && { error: body.error }),
    ...(body.access_token !== undefined && { tokens: body }),
  }
}

interface Circumstances {
  readonly sprung: boolean
  /** The tokens of which one was presented. */
  readonly asked: TokenAnswer | undefined
  /** When the step began, and when it was over. */
  readonly from: number
  readonly now: number
}

function judge(step: Step, sight: Sight, session: Session, at: Circumstances): void {
  // Trouble that passes is 503, and nothing else is; and only where there was trouble (I6).
  if (sight.status === 503) {
    expect(session.troubled, `503 without trouble: ${sight.text}`).toBe(true)
    noteUnknown(step, session, at)
    return
  }
  switch (step.does) {
    case 'guess':
      expect([sight.status, sight.error]).toEqual([400, 'invalid_grant'])
      break
    case 'redeem':
    case 'redeem twice':
      judgeRedemption(step, sight, session, at)
      break
    case 'revoke':
      expect(sight.status).toBe(200)
      session.alive = 'no'
      break
    case 'verify':
      judgeCall(sight, session, at)
      break
    default:
      judgeRefresh(sight, session, at)
  }
}

function noteUnknown(step: Step, session: Session, { asked, from, now }: Circumstances): void {
  const { does } = step
  const isReplay = (does === 'redeem' && session.spent !== 'no') || does === 'redeem twice'
  const isOld = does.startsWith('refresh') && asked !== session.tokens.at(-1)
  // It may have ended the grant, and nobody heard.
  if ((does === 'revoke' || isReplay || isOld) && session.alive === 'yes') session.alive = 'maybe'
  if (does.startsWith('redeem') && session.spent === 'no') session.spent = 'maybe'
  if (does.startsWith('refresh') && !isOld) session.unheardFrom ??= from
  if (does === 'verify' && session.used === 'no') Object.assign(session, { used: 'maybe', graceTo: now })
}

function judgeRedemption(step: Step, { status, tokens, error }: Sight, session: Session, at: Circumstances): void {
  const { sprung, from, now } = at
  if (tokens) {
    session.redemptions += 1
    expect(session.redemptions, 'redemptions of one code (I2)').toBe(1)
    expect(session.alive).not.toBe('no')
    Object.assign(session, { spent: 'yes', graceFrom: from, graceTo: now, used: 'no' })
    session.tokens.push({ ...tokens, issuedAt: now })
    return
  }
  expect([status, error]).toEqual([400, 'invalid_grant'])
  // A second use ends the grant: also while the first one, by an accident, does not know yet that it was first (ADR 0007).
  const isReplay = session.spent !== 'no' || (step.does === 'redeem twice' && sprung)
  expect(isReplay || now - session.codeAt >= 60 || session.alive === 'no', 'a good code was refused (I6)').toBe(true)
  if (isReplay) Object.assign(session, { spent: 'yes', alive: 'no' })
}

function judgeCall({ status }: Sight, session: Session, { sprung, from, now }: Circumstances): void {
  const { alive, tokens } = session
  const isOver = now - (tokens.at(-1)?.issuedAt ?? 0) >= 3_600
  if (status === 401) {
    expect(alive !== 'yes' || isOver, 'a good access token was refused (I6)').toBe(true)
    return
  }
  expect(status).toBe(200)
  expect(alive, 'an access token of a grant that has ended').not.toBe('no')
  // With an accident, nobody knows whether that was written down.
  const isUsed = !sprung && session.unheardFrom === undefined
  if (session.used !== 'yes')
    Object.assign(session, { used: isUsed ? 'yes' : 'maybe', graceTo: now, ...(isUsed && session.used === 'no' && { graceFrom: from }) })
}

function judgeRefresh({ status, tokens, error }: Sight, session: Session, at: Circumstances): void {
  const generation = session.tokens.findIndex(({ refresh_token: one }) => one === at.asked?.refresh_token)
  const known = session.tokens[generation + 1]
  if (!tokens) {
    expect([status, error]).toEqual([400, 'invalid_grant'])
    expect(session.alive !== 'yes' || !mustBeGood(generation, session, at), 'a good refresh token was refused (I6)').toBe(true)
    session.alive = 'no'
    return
  }
  expect(session.alive, 'a refresh token of a grant that has ended').not.toBe('no')
  expect(mayBeGood(generation, session, at), 'an old refresh token gave tokens (I3)').toBe(true)
  if (known) {
    expect(tokens.refresh_token, 'the successor of one refresh token (I3)').toBe(known.refresh_token)
    return
  }
  session.tokens.push({ ...tokens, issuedAt: at.now })
  Object.assign(session, { graceFrom: session.unheardFrom ?? at.from, graceTo: at.now, used: 'no', unheardFrom: undefined })
}

/** Whether a token may be answered, as far as the client can know. */
function mayBeGood(generation: number, { tokens, graceTo, used }: Session, { now }: Circumstances): boolean {
  const newest = tokens.length - 1
  if (generation >= newest - 1 && now - graceTo <= 60) return true
  return generation === newest || (generation === newest - 1 && used !== 'yes' && now - graceTo <= 86_400)
}

/** Whether it has to be. */
function mustBeGood(generation: number, { tokens, unheardFrom, graceFrom, used }: Session, { now }: Circumstances): boolean {
  if (generation === tokens.length - 1) return unheardFrom === undefined || now - unheardFrom <= 86_400
  if (generation < tokens.length - 2 || unheardFrom !== undefined) return false
  return now - graceFrom <= 60 || (used === 'no' && now - graceFrom <= 86_400)
}
