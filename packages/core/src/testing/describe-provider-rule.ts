import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { OAuthProxyOptions, Seconds } from '../index.ts'
import type { Visit } from './describe-provider-browser.ts'
import type { ProviderDescription, RequestExample } from './describe-provider-description.ts'
import type { Trial } from './describe-provider-trial.ts'
import type { UpstreamAnswer, UpstreamRequest } from './fake-upstream.ts'

/** Opens a trial of the described provider; the upstream forgets the one before. */
export type Open = (options?: Partial<OAuthProxyOptions>) => Trial

/** A rule that every provider keeps: its words, and how it is tried. It rejects when the rule does not hold. */
export interface ProviderRule {
  readonly rule: string
  holds(open: Open): Promise<void>
}

/** The rules of one kind that a description comes to. */
export type RulesOf = (description: ProviderDescription) => ProviderRule[]

/** What the upstream is asked beside its token endpoint, at each login. */
export function questionsOf({ identity, asks = [] }: ProviderDescription): readonly RequestExample[] {
  return [...(identity.request ? [identity.request] : []), ...asks.map(({ request }) => request)]
}

/** What was sent to where the example goes. */
export function sentTo(trial: Trial, { method, url }: RequestExample): readonly UpstreamRequest[] {
  return trial.sent.filter((request) => request.method === method && request.url === url)
}

/** The headers that say who asks and in which form; the others are the library's own. */
const telling: readonly string[] = ['accept', 'authorization', 'content-type']

/** Requires that `request` is the one in the example. The verifier is checked against the `challenge` that was sent before. */
export function expectRequest(request: UpstreamRequest | undefined, example: RequestExample, challenge = ''): void {
  expect(request, `a request to ${example.url}`).toBeDefined()
  if (!request) return
  const { method, url, headers, body } = request
  const names = [...new Set([...telling, ...Object.keys(example.headers)])]
  const sent = names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name].replace(/;charset=utf-8$/i, '')]]))
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded')
  expect({
    method,
    url,
    headers: Object.fromEntries(sent),
    ...(isForm && { form: formOf(body, challenge) }),
    ...(!isForm && body !== '' && { json: JSON.parse(body) }),
  }).toEqual(example)
}

function formOf(body: string, challenge: string): Record<string, string> {
  const pairs = [...new URLSearchParams(body)].map(([name, value]): [string, string] =>
    name === 'code_verifier' && challengeOf(value) === challenge ? [name, '{verifier}'] : [name, value],
  )
  expect(new Set(pairs.map(([name]) => name)).size, 'parameters that were sent once').toBe(pairs.length)
  return Object.fromEntries(pairs)
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

/** Requires that a login ends at the client with an error, for this reason, and that nothing came of it. */
export async function expectFailedLogin(trial: Trial, reason: string | RegExp): Promise<void> {
  const visit = await trial.visit()
  await expectError(trial, await trial.comeBack(visit), reason)
}

/** Requires that a login meets trouble of the upstream: it ends at the client, or, where the trouble is about us and not about the code, it can be tried again. */
export async function expectTrouble(trial: Trial, reason: RegExp, good: UpstreamAnswer): Promise<void> {
  const visit = await trial.visit()
  const answer = await trial.comeBack(visit)
  if (answer.status === 503) await expectAnotherTry(trial, visit, reason, good)
  else await expectError(trial, answer, reason)
  expect(trial.sent.filter(({ body }) => body.includes('grant_type')).length).toBeLessThanOrEqual(2)
}

/** Requires that the same login comes to its end once the upstream is well again, and that the operator was told why it had to wait. */
export async function expectAnotherTry(trial: Trial, visit: Visit, reason: RegExp, good: UpstreamAnswer): Promise<void> {
  const failed = trial.events.find(({ type }) => type === 'upstream.failed')
  expect(failed && 'reason' in failed ? failed.reason : 'none').toMatch(reason)
  expect(trial.events.map(({ type }) => type)).not.toContain('grant.opened')
  trial.answers.exchange = good
  trial.environment.advance(pauseAfterRefusal)
  const again = await trial.comeBack(visit)
  expect(new URL(again.headers.get('location') ?? 'none:').searchParams.get('code')).toMatch(/^db_ac_/)
}

async function expectError(trial: Trial, answer: Response, reason: string | RegExp): Promise<void> {
  const location = new URL(answer.headers.get('location') ?? 'none:')
  expect(location.searchParams.get('error') ?? 'none').toMatch(/^(server_error|temporarily_unavailable)$/)
  expect(location.searchParams.get('code')).toBeNull()
  await trial.environment.drain()
  const refusal = trial.events.find(({ type }) => type === 'callback.refused')
  expect(refusal && 'reason' in refusal ? refusal.reason : 'none').toMatch(reason)
  expect(trial.events.map(({ type }) => type)).not.toContain('grant.opened')
}

/** An upstream that refused us is left alone for this long. */
export const pauseAfterRefusal: Seconds = 5

/** The misbehaviour in which nothing was looked at. */
export const tooOften = 'status 429'

/** The ways in which any upstream can misbehave, and the reason that the operator is told. */
export const misbehaviours: readonly {
  readonly name: string
  readonly answer: (trial: Trial) => UpstreamAnswer
  readonly reason: RegExp
}[] = [
  { name: 'status 500', answer: () => () => new Response('broken', { status: 500 }), reason: /^status_500$/ },
  { name: tooOften, answer: () => () => Response.json({}, { status: 429 }), reason: /^status_429$/ },
  { name: 'a page', answer: () => () => page(200), reason: /^not_json$/ },
  { name: 'a page with status 404', answer: () => () => page(404), reason: /^not_json$/ },
  { name: 'a list', answer: () => () => Response.json([]), reason: /^not_an_object$/ },
  { name: 'an empty object', answer: () => () => Response.json({}), reason: /^(answer_not_usable|identity_without_subject)$/ },
  { name: 'a redirect', answer: () => () => Response.redirect('https://elsewhere.example/', 302), reason: /^redirect$/ },
  { name: 'a megabyte', answer: () => () => new Response('{'.padEnd(1024 * 1024)), reason: /^answer_too_long$/ },
  { name: 'a broken connection', answer: () => () => Response.error(), reason: /^unreachable$/ },
  { name: 'nothing', answer: nothing, reason: /^deadline$/ },
]

function page(status: number): Response {
  return new Response('<!doctype html><title>Sign in</title>', { status, headers: { 'content-type': 'text/html' } })
}

function nothing({ environment }: Trial): UpstreamAnswer {
  return () => {
    // The clock passes the deadline once our request is there.
    environment.advance(10)
    return new Promise(() => {})
  }
}
