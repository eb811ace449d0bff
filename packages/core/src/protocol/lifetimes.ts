import type { Seconds } from './time.ts'

const minute: Seconds = 60
const hour: Seconds = 60 * minute
const day: Seconds = 24 * hour

/** How long things live unless the operator says otherwise (ours, except where an RFC is named), each with its reason. */
export interface Lifetimes {
  /** Ours; short, because a copy of it is good until then (RFC 9700 §2.2). MCP clients refresh by themselves. */
  readonly accessToken: Seconds
  /** From redirect to redemption, by a program (RFC 6749 §4.1.2 allows 10 minutes at most). */
  readonly code: Seconds
  /** A refresh token that nobody used for this long ends (OAuth 2.1 §4.3.3): a season of holidays and sick leave fits. */
  readonly grantIdle: Seconds
  /** Once a year a person confirms who still has access, however busy the client is. */
  readonly grant: Seconds
  /** How long after a store was found empty a record that is missing is taken for lost, and the answer is 503: an accident of the store is mended in this time, and nobody has thrown a registration away. */
  readonly lostStore: Seconds
}

/** The defaults of {@link Lifetimes} (ours). */
export const defaultLifetimes: Lifetimes = {
  accessToken: hour,
  code: minute,
  grantIdle: 90 * day,
  grant: 365 * day,
  lostStore: 10 * minute,
}

/** Lifetimes that nobody needs to change (ours). */
export const fixedLifetimes: Readonly<
  Record<
    | 'deployment'
    | 'deploymentRenewal'
    | 'clientUnused'
    | 'client'
    | 'clientRenewal'
    | 'pushedRequest'
    | 'document'
    | 'documentLeast'
    | 'documentMost'
    | 'documentKept'
    | 'transaction'
    | 'transactionDone'
    | 'exchanging'
    | 'grantPending'
    | 'lease'
    | 'rotationGrace'
    | 'unconfirmedGrace'
    | 'upstreamDue'
    | 'identityCheck'
    | 'rollOut'
    | 'deviceCode'
    | 'deviceCodeOver'
    | 'formCookie'
    | 'rememberedConsent'
    | 'clientAssertion'
    | 'leeway',
    Seconds
  >
> = {
  /** Longer than any grant, so that what names and seals the records outlives them. */
  deployment: 400 * day,
  /** Renewed when less than this is left, so that it never comes near its end while somebody logs in. */
  deploymentRenewal: 200 * day,
  /** Registrations that nobody used are what a flood leaves behind (RFC 7591 §5). */
  clientUnused: 30 * day,
  /** Longer than the longest grant, so that a client never loses its registration before its tokens. */
  client: 430 * day,
  /** Written again when less than this is left: at most one write a month and client. */
  clientRenewal: 400 * day,
  /** From the client's push to its browser, which it opens at once (RFC 9126 §2.2: 5 to 600 seconds); a person may have to paste it. */
  pushedRequest: 90,
  /** For how long a client metadata document is good that does not say itself (its draft §4.4 leaves it to us). */
  document: hour,
  /** A document that says less is read again after this all the same, so that a busy client does not make us ask at each login. */
  documentLeast: 5 * minute,
  /** A vendor that takes a redirect URI back is heard within a day. */
  documentMost: day,
  /** A host that cannot be reached costs nobody a login in a week, which is an outage that somebody mends. */
  documentKept: 7 * day,
  /** A person finds a password, a phone and a second factor in this time. */
  transaction: 15 * minute,
  /** A browser that repeats the callback gets the same answer for this long. */
  transactionDone: minute,
  /** 3 s before the code is sent, 10 for the answer, 11 each for who it is and for the operator's word on them, and a little: whoever claimed the callback is not coming back. Less than the last resort of those who wait for it. */
  exchanging: 37,
  /** The code in it lives a minute; the rest is for its replay to be recognised. */
  grantPending: 10 * minute,
  /** The upstream's deadline of 10 s, and time to commit. */
  lease: 15,
  /** A client whose answer was lost, or that refreshed twice at once, asks again within a minute. */
  rotationGrace: minute,
  /** A laptop that was closed before the answer came in opens again the next day. */
  unconfirmedGrace: day,
  /** An upstream token with less than this left is refreshed, so that a tool never holds one that ends mid-call. */
  upstreamDue: 5 * minute,
  /** How often an upstream whose tokens never expire is asked whether it still knows the person. */
  identityCheck: 15 * minute,
  /** New options reach every host within this time: until then hosts can differ in the providers they list. */
  rollOut: hour,
  /** A person finds a browser, and types eight letters, in this time (RFC 8628 §3.2); no longer, because somebody may have sent them the code (§5.4). */
  deviceCode: 15 * minute,
  /** A device that asks a little late is told that its code has expired. */
  deviceCodeOver: 5 * minute,
  /** As long as the form that is bound to it. */
  formCookie: 15 * minute,
  /** A season: whoever did not log in for longer has forgotten what they said yes to. */
  rememberedConsent: 90 * day,
  /** Made for one request; the clients of MCP's SDK make theirs for exactly this long (RFC 7523 §3: not unreasonably far in the future). */
  clientAssertion: 5 * minute,
  /** Hosts agree on the time within 5 s; this covers them and the network. */
  leeway: 30,
}
