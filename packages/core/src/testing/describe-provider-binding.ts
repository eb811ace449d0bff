import { expect } from 'vitest'
import type { Visit } from './describe-provider-browser.ts'
import { expectFailedLogin, type ProviderRule, type RulesOf } from './describe-provider-rule.ts'
import type { Trial } from './describe-provider-trial.ts'

/** Whose an answer of the upstream is: of this login, and of this browser. */
export const bindingRules: RulesOf = ({ identity }) => [
  refusal('with another state', 400, (visit) => ({
    ...visit,
    authorizationUrl: `${visit.authorizationUrl.replace(/([?&]state=)[^&]*/, '$1another-state')}`,
  })),
  refusal('in another browser (T1)', 403, (visit) => ({ ...visit, cookie: '' })),
  refusal('in the browser of another login (T1)', 403, (visit, other) => ({ ...visit, cookie: other.cookie })),
  ...(identity.request ? (['exchange', 'identity'] as const) : (['exchange'] as const)).map(errorWithStatus200),
]

const refusal = (what: string, status: number, change: (visit: Visit, other: Visit) => Visit): ProviderRule => ({
  rule: `refuses an answer ${what}, calls nobody, and lets the login go on where it belongs`,
  async holds(open) {
    const trial = open()
    const [other, visit] = [await trial.visit(), await trial.visit()]
    expect((await trial.comeBack(change(visit, other))).status).toBe(status)
    expect(trial.sent).toEqual([])
    expect(codeIn(await trial.comeBack(visit))).toMatch(/^db_ac_/)
  },
})

const errorWithStatus200 = (step: 'exchange' | 'identity'): ProviderRule => ({
  rule: `ends a login without a grant when the ${step} is answered 200 with an error`,
  async holds(open) {
    const trial = open()
    answerError(trial, step)
    await expectFailedLogin(trial, /^(answer_not_usable|invalid_grant|status_400|identity_\w+|token_\w+)$/)
  },
})

function answerError(trial: Trial, step: 'exchange' | 'identity'): void {
  trial.answers[step] = () => Response.json({ ok: false, error: 'invalid_grant', message: 'The code is no good.' })
}

function codeIn(answer: Response): string | null {
  return new URL(answer.headers.get('location') ?? 'none:').searchParams.get('code')
}
