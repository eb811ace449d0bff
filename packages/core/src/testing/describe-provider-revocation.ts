import { expect } from 'vitest'
import type { ProviderDescription, RequestExample } from './describe-provider-description.ts'
import { expectRequest, type Open, type ProviderRule, questionsOf, type RulesOf, sentTo } from './describe-provider-rule.ts'

/** How tokens are ended. */
export const revocationRules: RulesOf = (description) =>
  description.revocation ? revoking(description, description.revocation) : [notRevoking(description)]

const revoking = ({ identity }: ProviderDescription, revocation: RequestExample): ProviderRule[] => [
  {
    rule: 'ends the upstream’s tokens with the grant',
    async holds(open) {
      const trial = open()
      const { info } = await trial.login()
      expect(await trial.auth.revoke({ grantId: info.extra.grantId ?? '' })).toBe(1)
      await trial.environment.drain()
      expectRequest(sentTo(trial, revocation)[0], revocation)
      expect(sentTo(trial, revocation)).toHaveLength(1)
    },
  },
  {
    rule: 'ends the upstream’s tokens of a login that fails',
    async holds(open) {
      const trial = open()
      if (identity.request) trial.answers.identity = () => new Response('broken', { status: 500 })
      else trial.idTokens.signedBy = 'stranger'
      await trial.comeBack(await trial.visit())
      await trial.environment.drain()
      expectRequest(sentTo(trial, revocation)[0], revocation)
    },
  },
  ...[500, 401].map((status) => ({
    rule: `ends the grant even if the upstream answers ${status}, and says so`,
    async holds(open: Open) {
      const trial = open()
      trial.answers.revocation = () => Response.json({}, { status })
      const { accessToken, info } = await trial.login()
      await trial.auth.revoke({ grantId: info.extra.grantId ?? '' })
      await trial.environment.drain()
      expect(await trial.authenticate(accessToken)).toMatchObject({ status: 401 })
      expect(trial.events).toContainEqual(expect.objectContaining({ type: 'upstream.failed', operation: 'revoke' }))
    },
  })),
]

const notRevoking = (description: ProviderDescription): ProviderRule => ({
  rule: 'ends the grant without a word to the upstream, which cannot be told',
  async holds(open) {
    const trial = open()
    const { accessToken, info } = await trial.login()
    await trial.auth.revoke({ grantId: info.extra.grantId ?? '' })
    await trial.environment.drain()
    expect(await trial.authenticate(accessToken)).toMatchObject({ status: 401 })
    expect(trial.sent).toHaveLength(1 + questionsOf(description).length)
  },
})
