import { expect } from 'vitest'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { AskExample, ErrorExample, ProviderDescription } from './describe-provider-description.ts'
import {
  expectAnotherTry,
  expectFailedLogin,
  expectTrouble,
  misbehaviours,
  type Open,
  type ProviderRule,
  pauseAfterRefusal,
  type RulesOf,
  tooOften,
} from './describe-provider-rule.ts'
import type { Trial } from './describe-provider-trial.ts'
import type { UpstreamAnswer } from './fake-upstream.ts'

/** What becomes of a login, and of a grant, when the upstream says no or nothing of use. */
export const failureRules: RulesOf = (description) => {
  const { errors, refresh, exchange } = description
  const lifetime = exchange.tokens.expiresIn
  return [
    ...errors.map(errorAtExchange),
    ...misbehaviours.flatMap(({ name, answer, reason }) =>
      stepsOf(description).map((step): ProviderRule => {
        // It did not look at the code, so the same one can be shown again.
        if (name === tooOften && step === 'exchange') return canBeTriedAgain(name, answer, reason)
        return {
          rule: `ends a login without a grant when the ${endpoints[step]} answers ${name}`,
          async holds(open) {
            const trial = open()
            trial.answers[step] = answer(trial)
            await expectFailedLogin(trial, reason)
          },
        }
      }),
    ),
    ...(description.identity.request ? refusals.map(refusalAtIdentity) : []),
    ...(description.asks ?? []).map(troubleAtAsk),
    ...(refresh && lifetime !== undefined
      ? [
          ...errors.map((error) => (error.means === 'refused' ? endsTheGrant(error, lifetime) : keepsTheGrantOnError(error, lifetime))),
          ...misbehaviours.map(({ name, answer }) => keepsTheGrant(`is answered ${name}`, answer, lifetime)),
        ]
      : []),
  ]
}

function stepsOf({ identity }: ProviderDescription): readonly ('exchange' | 'identity')[] {
  return identity.request ? ['exchange', 'identity'] : ['exchange']
}

const troubleAtAsk = ({ request }: AskExample, index: number): ProviderRule => ({
  rule: `ends a login without a grant when ${request.url} answers status 500`,
  async holds(open) {
    const trial = open()
    trial.answers.asks[index] = () => new Response('broken', { status: 500 })
    await expectFailedLogin(trial, /^status_500$/)
  },
})

const endpoints = { exchange: 'token endpoint', identity: 'user endpoint' } as const

const nameOf = ({ answer }: ErrorExample): string => (typeof answer.error === 'string' ? answer.error : JSON.stringify(answer))

const answering =
  ({ status, answer }: ErrorExample): UpstreamAnswer =>
  () =>
    Response.json(answer, { status })

// `invalid_grant` is the reason of every no; any other name is trouble.
const errorAtExchange = (error: ErrorExample): ProviderRule => ({
  rule: `takes "${nameOf(error)}" at the exchange for ${error.means === 'refused' ? 'a no' : 'trouble'}`,
  async holds(open) {
    const trial = open()
    const good = trial.answers.exchange
    trial.answers.exchange = answering(error)
    if (error.means === 'refused') await expectFailedLogin(trial, /^invalid_grant$/)
    else await expectTrouble(trial, /^(?!invalid_grant$)[a-z_]+$/, good)
  },
})

const canBeTriedAgain = (name: string, answer: (trial: Trial) => UpstreamAnswer, reason: RegExp): ProviderRule => ({
  rule: `lets a login be tried again when the token endpoint answers ${name}`,
  async holds(open) {
    const trial = open()
    const good = trial.answers.exchange
    trial.answers.exchange = answer(trial)
    const visit = await trial.visit()
    expect((await trial.comeBack(visit)).status).toBe(503)
    await expectAnotherTry(trial, visit, reason, good)
  },
})

const refusals: readonly { readonly name: string; readonly answer: UpstreamAnswer }[] = [
  { name: 'with JSON', answer: () => Response.json({ message: 'Bad credentials' }, { status: 401 }) },
  { name: 'with nothing', answer: () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer' } }) },
  { name: 'with a page', answer: () => new Response('<title>401</title>', { status: 401, headers: { 'content-type': 'text/html' } }) },
]

const refusalAtIdentity = ({ name, answer }: (typeof refusals)[number]): ProviderRule => ({
  rule: `takes a 401 of the user endpoint ${name} for a no`,
  async holds(open) {
    const trial = open()
    trial.answers.identity = answer
    await expectFailedLogin(trial, /^token_not_accepted$/)
  },
})

const endsTheGrant = (error: ErrorExample, lifetime: number): ProviderRule => ({
  rule: `ends the grant when a refresh is answered "${nameOf(error)}"`,
  async holds(open) {
    const { trial, ask } = await agedGrant(open, lifetime)
    trial.answers.refresh = answering(error)
    await expect(ask()).rejects.toMatchObject({ name: 'OAuthError', code: 'invalid_token' })
    expect(trial.events).toContainEqual(expect.objectContaining({ type: 'grant.ended', reason: 'upstream_refused' }))
    const calls = trial.sent.length
    await expect(ask()).rejects.toBeInstanceOf(OAuthError)
    await trial.environment.drain()
    expect(trial.sent.slice(calls).filter(({ body }) => body.includes('grant_type'))).toEqual([])
  },
})

const keepsTheGrantOnError = (error: ErrorExample, lifetime: number): ProviderRule =>
  keepsTheGrant(`is answered "${nameOf(error)}"`, () => answering(error), lifetime)

const keepsTheGrant = (what: string, answer: (trial: Trial) => UpstreamAnswer, lifetime: number): ProviderRule => ({
  rule: `keeps the grant when a refresh ${what}`,
  async holds(open) {
    const { trial, ask } = await agedGrant(open, lifetime)
    const good = trial.answers.refresh
    trial.answers.refresh = answer(trial)
    await expect(ask()).rejects.toBeInstanceOf(UpstreamUnavailable)
    await trial.environment.drain()
    trial.answers.refresh = good
    trial.environment.advance(pauseAfterRefusal)
    expect(await ask()).toHaveProperty('accessToken')
    expect(trial.events.map(({ type }) => type)).not.toContain('grant.ended')
  },
})

/** A grant whose upstream token is over, and a tool that asks for it. */
async function agedGrant(open: Open, lifetime: number): Promise<{ trial: Trial; ask: () => Promise<unknown> }> {
  const trial = open()
  const { info } = await trial.login()
  trial.environment.advance(lifetime)
  return { trial, ask: () => trial.auth.upstream(info) }
}
