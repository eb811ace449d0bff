import { expect } from 'vitest'
import type { ProviderDescription, TokenExample } from './describe-provider-description.ts'
import { expectRequest, questionsOf, type RulesOf, sentTo } from './describe-provider-rule.ts'
import type { Trial } from './describe-provider-trial.ts'
import { tokenParameter } from './token-parameter.ts'

/** An upstream token with less left is refreshed before a tool gets it. */
const due = 300

const day = 86_400

/** How tokens age and are refreshed. */
export const tokenRules: RulesOf = (description) => {
  const { exchange, refresh } = description
  const { expiresIn } = exchange.tokens
  return [
    ...(expiresIn === undefined ? neverExpiring(description) : expiring(description, expiresIn)),
    ...(refresh ? refreshing(description, refresh) : []),
  ]
}

const neverExpiring = ({ exchange: { tokens }, identity }: ProviderDescription): ReturnType<RulesOf> => [
  {
    rule: 'neither refreshes nor ends a token that does not expire',
    async holds(open) {
      const trial = open({ lifetimes: { accessToken: 100 * day } })
      const { accessToken, info } = await trial.login()
      trial.environment.advance(80 * day)
      expect(await trial.authenticate(accessToken)).toHaveProperty('clientId')
      expect((await trial.auth.upstream(info)).accessToken).toBe(tokens.accessToken)
      await trial.environment.drain()
      expect(trial.sent.filter(({ body }) => body.includes('grant_type'))).toHaveLength(1)
    },
  },
  {
    rule: 'ends the grant when the upstream does not know the token any more',
    async holds(open) {
      const trial = open()
      const { accessToken } = await trial.login()
      trial.answers.identity = () => Response.json({ message: 'Bad credentials' }, { status: 401 })
      await askAgain(trial, accessToken, identity)
      expect(await trial.authenticate(accessToken)).toMatchObject({ status: 401 })
      expect(trial.events).toContainEqual(expect.objectContaining({ type: 'grant.ended', reason: 'upstream_refused' }))
    },
  },
  {
    rule: 'keeps the grant while the upstream cannot say whether it knows the token',
    async holds(open) {
      const trial = open()
      const { accessToken } = await trial.login()
      trial.answers.identity = () => new Response('broken', { status: 500 })
      await askAgain(trial, accessToken, identity)
      expect(await trial.authenticate(accessToken)).toHaveProperty('clientId')
      expect(trial.events).toContainEqual(expect.objectContaining({ type: 'upstream.failed', operation: 'identify', reason: 'status_500' }))
    },
  },
]

// The upstream is asked beside a request, every 15 minutes.
async function askAgain(trial: Trial, accessToken: string, { request }: ProviderDescription['identity']): Promise<void> {
  trial.environment.advance(901)
  await trial.authenticate(accessToken)
  await trial.environment.drain()
  expect(request && sentTo(trial, request)).toHaveLength(2)
}

const expiring = (description: ProviderDescription, expiresIn: number): ReturnType<RulesOf> => [
  {
    rule: `leaves a token alone until five minutes before its ${expiresIn} seconds are over`,
    async holds(open) {
      const trial = open()
      const { info } = await trial.login()
      trial.environment.advance(expiresIn - due)
      expect((await trial.auth.upstream(info)).accessToken).toBe(description.exchange.tokens.accessToken)
      expect(trial.sent).toHaveLength(1 + questionsOf(description).length)
    },
  },
]

const refreshing = (description: ProviderDescription, { request, answer: refreshed, tokens: next }: TokenExample): ReturnType<RulesOf> => {
  const { tokens } = description.exchange
  // Where the answer has it, upstreams do not agree.
  const issued = Reflect.get(Object(request.form ?? request.json), 'refresh_token')
  return [
    {
      rule: 'refreshes a token from then on, with our credentials',
      async holds(open) {
        const trial = open()
        const { info } = await trial.login()
        const before = trial.sent.length
        trial.environment.advance((tokens.expiresIn ?? due) - due + 1)
        const { accessToken, scopes } = await trial.auth.upstream(info)
        expect({ accessToken, scopes }).toEqual({ accessToken: next.accessToken, scopes: next.scopes })
        expectRequest(trial.sent[before], request)
        expect(trial.sent).toHaveLength(before + 1)
      },
    },
    {
      rule: 'refreshes with the new refresh token after the upstream has rotated it',
      async holds(open) {
        const used = await refreshTwice(open(), { ...refreshed, refresh_token: 'a-rotated-refresh-token' }, tokens, next)
        expect(used).toEqual([issued, 'a-rotated-refresh-token'])
      },
    },
    {
      rule: 'refreshes with the old refresh token when the upstream has sent no new one',
      async holds(open) {
        const { refresh_token: _, ...others } = refreshed
        const used = await refreshTwice(open(), others, tokens, next)
        expect(used).toEqual([issued, issued])
      },
    },
  ]
}

async function refreshTwice(
  trial: Trial,
  answer: Readonly<Record<string, unknown>>,
  first: TokenExample['tokens'],
  second: TokenExample['tokens'],
): Promise<unknown[]> {
  trial.answers.refresh = () => Response.json(answer)
  const { info } = await trial.login()
  const before = trial.sent.length
  for (const { expiresIn = 0 } of [first, second]) {
    trial.environment.advance(expiresIn)
    await trial.auth.upstream(info)
  }
  return trial.sent.slice(before).map(({ body }) => tokenParameter(body, 'refresh_token'))
}
