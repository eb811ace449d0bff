import { expect } from 'vitest'
import type { Visit } from './describe-provider-browser.ts'
import { expectFailedLogin, type ProviderRule, type RulesOf } from './describe-provider-rule.ts'
import { namesItself } from './describe-provider-trial.ts'

/** From which upstream an answer is (RFC 9207). */
export const issuerRules: RulesOf = (description) => [
  namesItself(description) ? namelessRefused : namelessAccepted,
  ...namedRules(description),
]

const namelessAccepted: ProviderRule = {
  rule: 'accepts an answer that does not say from which upstream it is',
  async holds(open) {
    const trial = open()
    const answer = await trial.comeBack(await trial.visit(), { code: 'upstream-code' })
    expect(codeIn(answer)).toMatch(/^db_ac_/)
  },
}

const namelessRefused: ProviderRule = {
  rule: 'refuses an answer that does not say from which upstream it is, since this one does, and calls nobody (T11)',
  async holds(open) {
    const trial = open()
    const comeBack = (visit: Visit): Promise<Response> => trial.comeBack(visit, { code: 'upstream-code' })
    await expectFailedLogin({ ...trial, comeBack }, /^answer_not_usable$/)
    expect(trial.sent).toEqual([])
  },
}

const namedRules: RulesOf = ({ issuer }) => [
  {
    rule: issuer === undefined ? 'does not mind an issuer that it cannot know' : 'accepts an answer from its upstream',
    async holds(open) {
      const trial = open()
      const answer = await trial.comeBack(await trial.visit(), { code: 'upstream-code', iss: issuer ?? 'https://any.example' })
      expect(codeIn(answer)).toMatch(/^db_ac_/)
    },
  },
  ...(issuer === undefined ? [] : [otherIssuer]),
]

const otherIssuer: ProviderRule = {
  rule: 'refuses an answer from another upstream, and calls nobody',
  async holds(open) {
    const trial = open()
    const comeBack = (visit: Visit): Promise<Response> => trial.comeBack(visit, { code: 'upstream-code', iss: 'https://other.example' })
    await expectFailedLogin({ ...trial, comeBack }, /^upstream_iss_mismatch$/)
    expect(trial.sent).toEqual([])
  },
}

function codeIn(answer: Response): string | null {
  return new URL(answer.headers.get('location') ?? 'none:').searchParams.get('code')
}
