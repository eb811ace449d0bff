import { expect } from 'vitest'
import type { RequestExample } from './describe-provider-description.ts'
import { expectRequest, type Open, type ProviderRule, type RulesOf } from './describe-provider-rule.ts'

/** How tokens are ended. */
export const revocationRules: RulesOf = ({ revocation }) => (revocation ? revoking(revocation) : [notRevoking])

const revoking = (revocation: RequestExample): ProviderRule[] => [
  {
    rule: 'ends the upstream’s tokens with the grant',
    async holds(open) {
      const trial = open()
      const { info } = await trial.login()
      expect(await trial.auth.revoke({ grantId: info.extra.grantId ?? '' })).toBe(1)
      await trial.environment.drain()
      expectRequest(trial.sent[2], revocation)
      expect(trial.sent).toHaveLength(3)
    },
  },
  {
    rule: 'ends the upstream’s tokens of a login that fails',
    async holds(open) {
      const trial = open()
      trial.answers.identity = () => new Response('broken', { status: 500 })
      await trial.comeBack(await trial.visit())
      await trial.environment.drain()
      expectRequest(trial.sent[2], revocation)
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

const notRevoking: ProviderRule = {
  rule: 'ends the grant without a word to the upstream, which cannot be told',
  async holds(open) {
    const trial = open()
    const { accessToken, info } = await trial.login()
    await trial.auth.revoke({ grantId: info.extra.grantId ?? '' })
    await trial.environment.drain()
    expect(await trial.authenticate(accessToken)).toMatchObject({ status: 401 })
    expect(trial.sent).toHaveLength(2)
  },
}
