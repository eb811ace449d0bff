import { redirectUri, type TokenAnswer } from '../support/house.ts'
import { openTab } from '../support/tab.ts'
import { type Caller, publicCaller } from './caller.ts'
import { askPerson, authorizePath, comeBack, comeToCallback, persist, readTokens, takeCode } from './client.ts'
import type { Hosts, Place } from './hosts.ts'

// What clients and people ask for, each so that it can be asked for again, of another host.

/** What was seen of an answer. What it does not have is the empty text. */
export interface Sight {
  readonly status: number
  readonly text: string
  readonly location: string
}

/** What is left after a good answer: all of it; less, so that a new login is due; or what must not be, such as a code that is good twice. */
export type Left = 'kept' | 'lost' | 'wrong'

/** Something that can be asked for, as often as somebody likes. */
export interface Situation {
  readonly caller: Caller
  ask(place: Place): Promise<Sight>
  isGood(sight: Sight): boolean
  /** Looks what is left; it may use up what it looks at. */
  look(place: Place, good: Sight): Promise<Left>
}

/** A way to come to a situation, from the beginning. */
export type Operation = (hosts: Hosts) => Promise<Situation>

const see = async (answer: Response): Promise<Sight> => ({
  status: answer.status,
  text: await answer.text(),
  location: answer.headers.get('location') ?? '',
})
const statusOf = async (answer: Promise<Response>): Promise<number> => (await see(await answer)).status
const is200 = ({ status }: Sight): boolean => status === 200
const tokensIn = ({ text }: Sight): TokenAnswer => JSON.parse(text)
const codeIn = ({ location }: Sight): string => new URL(location).searchParams.get('code') ?? ''
const either = (kept: boolean, otherwise: Left): Left => (kept ? 'kept' : otherwise)

/** Whether a client can go on with these tokens: the access token is good, and so is the refresh token. */
async function goesOn({ call, refresh }: Caller, place: Place, tokens: TokenAnswer): Promise<boolean> {
  const statuses = [
    await statusOf(comeBack(() => call(place, tokens.access_token))),
    await statusOf(comeBack(() => refresh(place, tokens.refresh_token))),
  ]
  return statuses.join() === '200,200'
}

/** Whether nothing of a grant is good any more. */
async function isOver({ call, refresh }: Caller, place: Place, tokens: TokenAnswer): Promise<boolean> {
  return (await statusOf(call(place, tokens.access_token))) === 401 && (await statusOf(refresh(place, tokens.refresh_token))) === 400
}

/** A new login, with everything that a client does then; whether all of it worked. */
export async function logsIn(hosts: Hosts, caller: Caller): Promise<boolean> {
  const place = hosts.at(0)
  const tokens = await readTokens(await caller.redeem(place, await codeFor(hosts, caller)))
  return goesOn(caller, place, tokens)
}

function codeFor(hosts: Hosts, { clientId }: Caller): Promise<string> {
  const place = hosts.at(0)
  return takeCode(hosts, clientId, { authorize: place, consent: place, callback: place })
}

/** A browser whose requests go where `turn` says. */
function openTurningTab(hosts: Hosts) {
  let turned: Place = hosts.at(0)
  const tab = openTab({ baseUrl: hosts.baseUrl, call: (url, init) => turned.fetch(url, init) })
  return {
    tab,
    turn(place: Place) {
      turned = place
    },
  }
}

/** A request that names the resource: only then a yes to it is remembered. */
const requestOf = (hosts: Hosts, { clientId }: Caller): string =>
  `${authorizePath(clientId)}&resource=${encodeURIComponent(`${hosts.baseUrl}/mcp`)}`

/** A person says yes. */
export const consent: Operation = async (hosts) => {
  const caller = await publicCaller(hosts)
  const { tab, turn } = openTurningTab(hosts)
  const question = await askPerson(tab, requestOf(hosts, caller))
  return {
    caller,
    async ask(place) {
      turn(place)
      return { ...(await tab.decide(question, 'approve')) }
    },
    isGood: is200,
    async look(place) {
      turn(place)
      const end = await tab.open(await comeToCallback(hosts, tab, question))
      return either(codeIn(end) !== '' && (await statusOf(caller.redeem(place, codeIn(end)))) === 200, 'lost')
    },
  }
}

/** The upstream sends a person back. */
export const callback: Operation = async (hosts) => {
  const caller = await publicCaller(hosts)
  const { tab, turn } = openTurningTab(hosts)
  const url = await comeToCallback(hosts, tab, await askPerson(tab, requestOf(hosts, caller)))
  return {
    caller,
    ask(place) {
      turn(place)
      return tab.open(url)
    },
    isGood: ({ status, location }) => status === 303 && location.startsWith(redirectUri),
    look: (place, good) => lookAtCode(caller, place, codeIn(good)),
  }
}

async function lookAtCode(caller: Caller, place: Place, code: string): Promise<Left> {
  const answer = await see(await caller.redeem(place, code))
  return is200(answer) ? lookAtTokens(caller, place, code, tokensIn(answer)) : 'lost'
}

async function lookAtTokens(caller: Caller, place: Place, code: string, tokens: TokenAnswer): Promise<Left> {
  const left = either(await goesOn(caller, place, tokens), 'lost')
  return (await statusOf(caller.redeem(place, code))) === 400 ? left : 'wrong'
}

/** A client redeems its code. */
export const redemption =
  (register: (hosts: Hosts) => Promise<Caller> = publicCaller): Operation =>
  async (hosts) => {
    const caller = await register(hosts)
    const code = await codeFor(hosts, caller)
    return {
      caller,
      ask: async (place) => see(await caller.redeem(place, code)),
      isGood: is200,
      look: (place, good) => lookAtTokens(caller, place, code, tokensIn(good)),
    }
  }

async function logIn(hosts: Hosts, register = publicCaller): Promise<{ caller: Caller; code: string; tokens: TokenAnswer }> {
  const caller = await register(hosts)
  const code = await codeFor(hosts, caller)
  return { caller, code, tokens: await readTokens(await caller.redeem(hosts.at(0), code)) }
}

/** A client refreshes. */
export const refresh =
  (register: (hosts: Hosts) => Promise<Caller> = publicCaller): Operation =>
  async (hosts) => {
    const { caller, tokens } = await logIn(hosts, register)
    const ask = async (place: Place): Promise<Sight> => see(await caller.refresh(place, tokens.refresh_token))
    return {
      caller,
      ask,
      isGood: is200,
      async look(place, good) {
        const same = await ask(place)
        if (is200(same) && tokensIn(same).refresh_token !== tokensIn(good).refresh_token) return 'wrong'
        return either(is200(same) && (await goesOn(caller, place, tokensIn(good))), 'lost')
      },
    }
  }

/** A client calls a tool, beside which its grant is looked after. */
export const toolCall: Operation = async (hosts) => {
  const { caller, tokens } = await logIn(hosts)
  return {
    caller,
    ask: async (place) => see(await caller.call(place, tokens.access_token)),
    isGood: is200,
    look: async (place) => either(await goesOn(caller, place, tokens), 'lost'),
  }
}

/** A client gives one of its tokens back. */
export const revocation =
  (kind: 'access_token' | 'refresh_token'): Operation =>
  async (hosts) => {
    const { caller, tokens } = await logIn(hosts)
    return {
      caller,
      ask: async (place) => see(await caller.revoke(place, tokens[kind])),
      isGood: is200,
      look: async (place) => either(await isOver(caller, place, tokens), 'wrong'),
    }
  }

const isInvalidGrant = ({ status, text }: Sight): boolean => status === 400 && JSON.parse(text).error === 'invalid_grant'

/** Somebody brings a code again, and the proof that goes with it. */
export const replayedCode: Operation = async (hosts) => {
  const { caller, code, tokens } = await logIn(hosts)
  return {
    caller,
    ask: async (place) => see(await caller.redeem(place, code)),
    isGood: isInvalidGrant,
    look: async (place) => either(await isOver(caller, place, tokens), 'wrong'),
  }
}

/** Somebody brings a refresh token of the generation before the last. */
export const replayedRefresh: Operation = async (hosts) => {
  const { caller, tokens } = await logIn(hosts)
  const next = await readTokens(await caller.refresh(hosts.at(0), tokens.refresh_token))
  const newest = await readTokens(await caller.refresh(hosts.at(0), next.refresh_token))
  return {
    caller,
    ask: async (place) => see(await caller.refresh(place, tokens.refresh_token)),
    isGood: isInvalidGrant,
    look: async (place) => either(await isOver(caller, place, newest), 'wrong'),
  }
}

/** Somebody who asks while a host that died over the same, at `point`, still seems to be at it. */
export const behindTheDead =
  (operation: Operation, point: string): Operation =>
  async (hosts) => {
    const situation = await operation(hosts)
    let isFirst = true
    return {
      ...situation,
      async ask(place) {
        if (isFirst) {
          isFirst = false
          const dead = await hosts.startMortal()
          await dead.endAt(point)
          await situation.ask(dead).catch(() => {})
          await dead.ended
        }
        return situation.ask(place)
      },
    }
  }

/** The same, prepared again when the machine has other things to do. */
export const patiently =
  (operation: Operation): Operation =>
  (hosts) =>
    persist(() => operation(hosts))
