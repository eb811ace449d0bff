import { expectFailedLogin, type RulesOf } from './describe-provider-rule.ts'
import type { Trial } from './describe-provider-trial.ts'

/** A token that the upstream gave to another app says nothing about who is here. */
export const foreignRules: RulesOf = ({ identity: { foreign }, asks = [] }) => [
  ...(foreign
    ? [
        {
          rule: 'refuses a token that was given to another app, as the answer about the person says (T69)',
          async holds(open: () => Trial) {
            const trial = open()
            trial.answers.identity = () => Response.json(foreign)
            await expectFailedLogin(trial, /^token_of_another_app$/)
          },
        },
      ]
    : []),
  ...asks.flatMap(({ request, foreign: refusal }, index) =>
    refusal
      ? [
          {
            rule: `refuses a token that was given to another app, as ${request.url} says (T69)`,
            async holds(open: () => Trial) {
              const trial = open()
              trial.answers.asks[index] = () => Response.json(refusal.answer, { status: refusal.status })
              await expectFailedLogin(trial, /^token_of_another_app$/)
            },
          },
        ]
      : [],
  ),
]
