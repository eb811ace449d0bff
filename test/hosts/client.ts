import { setTimeout as sleep } from 'node:timers/promises'
import { openBrowser } from '@drawbridge/quickstart/driver'
import { atMost } from '../support/at-most.ts'
import { challenge, redirectUri, type TokenAnswer, verifier } from '../support/house.ts'
import { type Answer, openTab, signInUpstream, type Tab } from '../support/tab.ts'
import type { Hosts, Place } from './hosts.ts'

// What a client and a person do, each step at a place of its own.

/** An answer that is not the one that was hoped for. */
class Refusal extends Error {
  readonly status: number

  constructor(what: string, status: number, text: string) {
    super(`${what}: ${status} ${text}`)
    this.status = status
  }
}

/** Does what a client does that is told to come back: it comes back. For what a test needs and is not about. */
export async function persist<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (cause) {
      if (!(cause instanceof Refusal) || cause.status !== 503 || attempt === 20) throw cause
      await sleep(250)
    }
  }
}

/** The steps of a login that a browser takes. */
export interface Way {
  readonly authorize: Place
  readonly consent: Place
  readonly callback: Place
}

/** Posts a form. */
export function post(place: Place, path: string, fields: Record<string, string>): Promise<Response> {
  return place.fetch(path, { method: 'POST', body: new URLSearchParams(fields) })
}

/** Asks again while the answer is 503, as it is told to; adds to `waits` how often. */
export async function comeBack(ask: () => Promise<Response>, waits: { count: number } = { count: 0 }): Promise<Response> {
  for (;;) {
    const answer = await ask()
    if (answer.status !== 503) return answer
    await answer.text()
    waits.count += 1
    await sleep(Number(answer.headers.get('retry-after')) * 1000)
  }
}

/** Asks for a registration. */
export function askToRegister(place: Place, metadata: Record<string, unknown> = {}): Promise<Response> {
  const body = JSON.stringify({ client_name: 'A test', redirect_uris: [redirectUri], ...metadata })
  return place.fetch('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
}

/** Registers; answers the client's id. */
export async function register(place: Place): Promise<string> {
  const answer = await askToRegister(place)
  if (answer.status !== 201) throw new Refusal('registration', answer.status, await answer.text())
  const { client_id: clientId }: { client_id: string } = await answer.json()
  return clientId
}

/** The authorization request of a client, as a path. */
export function authorizePath(clientId: string): string {
  const parameters = { client_id: clientId, redirect_uri: redirectUri, response_type: 'code', state: 'the-state-of-the-client' }
  return `/authorize?${new URLSearchParams({ ...parameters, code_challenge: challenge, code_challenge_method: 'S256' })}`
}

/** From the authorization request to the client's redirect URI, by a person who says yes to everything; answers the code. */
export async function takeCode(
  { baseUrl }: Pick<Hosts, 'baseUrl'>,
  clientId: string,
  { authorize, consent, callback }: Way,
): Promise<string> {
  const placeOf: Record<string, Place> = { '/authorize': authorize, '/consent': consent, '/auth/callback': callback }
  const browser = openBrowser({
    stopAt: redirectUri,
    fetch: (url, init) => (placeOf[new URL(url).pathname] ?? authorize).fetch(url, init),
  })
  let page = await browser.open(`${baseUrl}${authorizePath(clientId)}`)
  if (page.status === 200) page = await browser.press(page, 'Allow')
  if (page.status === 200) page = await browser.press(page, 'Sign in', { login: 'octocat' })
  const code = new URL(page.url).searchParams.get('code')
  if (!page.url.startsWith(redirectUri) || code === null) throw new Refusal(`no code at ${page.url}`, page.status, page.html)
  return code
}

/** Many codes for one client, by one person who says yes to it again and again in one browser. */
export async function takeCodes(hosts: Hosts, clientId: string, count: number): Promise<string[]> {
  const tab = openTab({ baseUrl: hosts.baseUrl, call: (url, init) => hosts.fetch(url, init) })
  // The form cookie comes with the first question; without it, each that is asked at once would bring its own.
  await tab.open(authorizePath(clientId))
  return atMost(12, Array.from({ length: count }), () =>
    persist(async () => {
      const asked = await tab.open(authorizePath(clientId))
      if (asked.status >= 400) throw new Refusal('no question', asked.status, asked.text)
      // Where nobody is asked, it goes on at once.
      const back = asked.location === '' ? await comeToCallback(hosts, tab, asked) : await signInUpstream(hosts, asked.location)
      const end = await tab.open(back)
      if (end.location === '') throw new Refusal('callback', end.status, end.text)
      return new URL(end.location).searchParams.get('code') ?? ''
    }),
  )
}

/** Asks a person, in a tab of theirs; answers the question. */
export async function askPerson(tab: Tab, path: string): Promise<Answer> {
  const question = await tab.open(path)
  if (question.sealed === '') throw new Refusal('no question', question.status, question.text)
  return question
}

/** From the person's yes through the upstream; answers the URL with which the upstream sends them back, not opened yet. */
export async function comeToCallback(hosts: Pick<Hosts, 'github'>, tab: Tab, question: Answer): Promise<string> {
  const { refresh: upstream, status, text } = await tab.decide(question, 'approve')
  if (upstream === '') throw new Refusal('consent', status, text)
  return signInUpstream(hosts, upstream)
}

/** Redeems a code. */
export function redeem(place: Place, clientId: string, code: string): Promise<Response> {
  return post(place, '/token', { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier })
}

/** Refreshes. */
export function refresh(place: Place, clientId: string, refreshToken: string): Promise<Response> {
  return post(place, '/token', { grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken })
}

/** Revokes either kind of token. */
export function revoke(place: Place, clientId: string, token: string): Promise<Response> {
  return post(place, '/revoke', { client_id: clientId, token })
}

/** Calls a tool; `proven` has the headers of a client that proves a key. */
export function callTool(
  place: Place,
  accessToken: string,
  proven: Record<string, string> = {},
  name: 'whoami' | 'upstream' = 'whoami',
): Promise<Response> {
  return place.fetch('/mcp', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...proven,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }),
  })
}

/** A call of the tool: its status, with the body read, so that the connection is free again. */
export async function toolStatus(place: Place, accessToken: string): Promise<number> {
  const answer = await callTool(place, accessToken)
  await answer.text()
  return answer.status
}

/** The tokens in an answer. Throws when there are none. */
export async function readTokens(answer: Response): Promise<TokenAnswer> {
  if (answer.status !== 200) throw new Refusal('no tokens', answer.status, await answer.text())
  return answer.json()
}

/** A client that is logged in. */
export interface LoggedIn {
  readonly clientId: string
  readonly tokens: TokenAnswer
}

/** Registers, signs in and redeems. */
export function login(hosts: Hosts): Promise<LoggedIn> {
  return persist(async () => {
    const clientId = await register(hosts)
    const code = await takeCode(hosts, clientId, { authorize: hosts, consent: hosts, callback: hosts })
    return { clientId, tokens: await readTokens(await redeem(hosts, clientId, code)) }
  })
}

/** Many sessions of one client. */
export async function loginOften(hosts: Hosts, count: number): Promise<LoggedIn[]> {
  const clientId = await persist(() => register(hosts))
  const codes = await takeCodes(hosts, clientId, count)
  return atMost(12, codes, async (code) => ({ clientId, tokens: await readTokens(await redeem(hosts, clientId, code)) }))
}
