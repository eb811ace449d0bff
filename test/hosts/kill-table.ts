import { signingCaller } from './caller.ts'
import type { FateTable } from './killing.ts'
import {
  behindTheDead,
  callback,
  consent,
  type Operation,
  redemption,
  refresh,
  replayedCode,
  replayedRefresh,
  revocation,
  toolCall,
} from './operations.ts'

// Which operations a host is killed over, at which points, and what becomes of whoever asked. A point that is not here, or no
// longer there, is a wait that somebody has to look at: what has happened before it, and who will ever know?

/** What is asked for, by name. */
export const killed: Readonly<Record<string, Operation>> = {
  consent,
  callback,
  redemption: redemption(),
  'redemption, signed': redemption(signingCaller),
  refresh: refresh(),
  'refresh, signed': refresh(signingCaller),
  'revocation by refresh token': revocation('refresh_token'),
  'revocation by access token': revocation('access_token'),
  'code again': replayedCode,
  'old refresh token': replayedRefresh,
}

const readClientAndGrant = ['before get client', 'before get grant', 'after get client', 'after get grant']

const ending = {
  served: [
    ...readClientAndGrant,
    'before delete grant',
    'after delete grant',
    'before remove subject-grants',
    'before remove client-grants',
    'before DELETE token',
    'before the answer',
    'after remove subject-grants',
    'after remove client-grants',
    'after DELETE token',
  ],
}

/** Beside the first redemption of a client, after its answer. */
const keepingClient = ['after add clients', 'before get client, 2', 'after get client, 2', 'before set client', 'after set client']

/** The code is spent and its answer was not sent: it can be told from a replay by nobody (ADR 0007). */
const spent = ['after set grant', 'before add clients', 'before the answer']

const usedUp = ['before set once', 'after set once', 'before set once, 2', 'after set once, 2']

/** The fates of {@link killed}. */
export const fates: FateTable = {
  consent: { served: ['before set transaction', 'after set transaction', 'before the answer'] },
  callback: {
    served: ['before get transaction', 'after get transaction', 'before set transaction', 'after set transaction, 2', 'before the answer'],
    // The upstream code is used up, or may be: whoever comes back waits until nobody can be at it any more, and starts again.
    login: [
      'after set transaction',
      'before POST access_token',
      'after POST access_token',
      'before GET user',
      'after GET user',
      'before POST token',
      'after POST token',
      'before set grant',
      'before add subject-grants',
      'before add client-grants',
      'before get remembered-consent',
      'after get remembered-consent',
      'after add subject-grants',
      'after add client-grants',
      'after set grant',
      'before set remembered-consent',
      'after set remembered-consent',
      'before set transaction, 2',
    ],
  },
  redemption: { served: [...readClientAndGrant, 'before set grant', ...keepingClient], login: spent },
  'redemption, signed': { served: [...readClientAndGrant, ...usedUp, 'before set grant', ...keepingClient], login: spent },
  refresh: { served: [...readClientAndGrant, 'before set grant', 'after set grant', 'before the answer'] },
  'refresh, signed': { served: [...readClientAndGrant, ...usedUp, 'before set grant', 'after set grant', 'before the answer'] },
  'revocation by refresh token': ending,
  'revocation by access token': ending,
  'code again': ending,
  'old refresh token': ending,
}

/** What is asked for while the upstream's tokens are due. */
export const killedWhenDue: Readonly<Record<string, Operation>> = {
  'refresh, upstream due': refresh(),
  'tool call, upstream due': toolCall,
}

/** The lease is taken, and the upstream's refresh token is as it was. */
const leased = ['after set lease', 'before get grant, 2', 'after get grant, 2', 'before POST access_token']

/** The upstream has answered, and what it said is not in the store. */
const unwritten = ['after POST access_token', 'before set grant']

const rotated = ['after set grant', 'before delete lease', 'before the answer', 'after delete lease']

const toolCallServed = [
  'before get grant',
  'after get grant',
  'before set grant',
  'before the answer',
  'after set grant',
  'before get grant, 2',
  'after get grant, 2',
  'before set lease',
  'after set lease',
  'before get grant, 3',
  'after get grant, 3',
  'before POST access_token',
  'after set grant, 2',
  'before delete lease',
  'after delete lease',
]
const toolCallUnwritten = ['after POST access_token', 'before set grant, 2']

/** The fates of {@link killedWhenDue} with an upstream that takes a refresh token once, and ends what came of it when it comes again. */
export const fatesOfStrict: FateTable = {
  'refresh, upstream due': { served: [...readClientAndGrant, 'before set lease', ...rotated], waits: leased, login: unwritten },
  'tool call, upstream due': { served: toolCallServed, 'login later': toolCallUnwritten },
}

/** The same, with an upstream that takes a refresh token again. */
export const fatesOfLenient: FateTable = {
  'refresh, upstream due': { served: [...readClientAndGrant, 'before set lease', ...rotated], waits: [...leased, ...unwritten] },
  'tool call, upstream due': { served: [...toolCallServed, ...toolCallUnwritten] },
}

/** Those who wait for a host that has died already, and whose own host dies then. */
export const killedWaiting: Readonly<Record<string, Operation>> = {
  'callback, behind the dead': behindTheDead(callback, 'after set transaction'),
}
export const killedWaitingWhenDue: Readonly<Record<string, Operation>> = {
  'refresh, behind the dead': behindTheDead(refresh(), 'after set lease'),
}
const pauses = ['before a pause', 'after a pause']
export const fatesOfWaiting: FateTable = { 'callback, behind the dead': { login: pauses } }
export const fatesOfWaitingWhenDue: FateTable = { 'refresh, behind the dead': { waits: pauses } }
