import { inspect } from 'node:util'
import { expect } from 'vitest'
import type { Seconds } from '../index.ts'
import type { ProviderDescription } from './describe-provider-description.ts'
import type { ProviderRule, RulesOf } from './describe-provider-rule.ts'
import { type Trial, upstreamSecret } from './describe-provider-trial.ts'
import type { UpstreamAnswer, UpstreamRequest } from './fake-upstream.ts'

/** What an upstream that talks too much cannot make us repeat: in errors and their causes, in events, in answers. */
export const secrecyRules: RulesOf = (description) =>
  chatter(description).flatMap(({ name, answer }) =>
    (['exchange', 'identity', 'refresh', 'revocation'] as const)
      .filter((step) => step === 'exchange' || (step === 'identity' ? description.identity.request : description[step]) !== undefined)
      .map(
        (step): ProviderRule => ({
          rule: `repeats no secret when the ${step} is answered with ${name}`,
          async holds(open) {
            const trial = open()
            const seen = await observe(trial, step, answer, description.exchange.tokens.expiresIn ?? 0)
            const text = inspect(seen, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null, breakLength: 1_000_000 })
            expect(trial.events.length).toBeGreaterThan(0)
            for (const secret of secretsOf(description)) expect(text).not.toContain(secret)
          },
        }),
      ),
  )

/** Answers that hold everything the request held, and the tokens. */
function chatter({ exchange, refresh }: ProviderDescription): readonly { readonly name: string; readonly answer: UpstreamAnswer }[] {
  const tokens = { ...exchange.answer, ...refresh?.answer }
  const echo = ({ headers, body }: UpstreamRequest): string =>
    [body, decodeURIComponent(body), headers.authorization, exchange.answer.access_token, exchange.answer.refresh_token].join(' ')
  return [
    {
      name: 'an error that quotes the request',
      answer: (request) => Response.json({ error: 'invalid_grant', error_description: echo(request) }, { status: 400 }),
    },
    {
      name: 'an error whose name is the request',
      answer: (request) => Response.json({ error: echo(request), error_description: echo(request) }, { status: 400 }),
    },
    { name: 'a page that quotes the request', answer: (request) => new Response(echo(request), { headers: { 'x-echo': 'page' } }) },
    { name: 'a 500 that quotes the request', answer: (request) => new Response(echo(request), { status: 500 }) },
    { name: 'tokens of an unknown type', answer: () => Response.json({ ...tokens, token_type: 'unheard-of' }) },
    { name: 'tokens in a form', answer: () => new Response(`access_token=${tokens.access_token}`) },
    { name: 'tokens that cannot be sent', answer: () => Response.json({ ...tokens, access_token: `${tokens.access_token}\n\u2028` }) },
    { name: 'a token that is a list', answer: () => Response.json({ ...tokens, access_token: [tokens.access_token] }) },
  ]
}

/** Everything that leaves us while one step of the upstream is answered so. */
async function observe(
  trial: Trial,
  step: 'exchange' | 'identity' | 'refresh' | 'revocation',
  answer: UpstreamAnswer,
  lifetime: Seconds,
): Promise<unknown[]> {
  if (step === 'exchange' || step === 'identity') {
    trial.answers[step] = answer
    const callback = await trial.comeBack(await trial.visit())
    await trial.environment.drain()
    return [trial.events, [...callback.headers], await callback.text()]
  }
  const { info } = await trial.login()
  trial.answers[step] = answer
  const before = trial.sent.length
  trial.environment.advance(lifetime)
  const work: Promise<unknown> = step === 'refresh' ? trial.auth.upstream(info) : trial.auth.revoke({ grantId: info.extra.grantId ?? '' })
  const left = await work.catch((error: unknown) => error)
  await trial.environment.drain()
  expect(trial.sent.length, 'calls, when the step was reached').toBeGreaterThan(before)
  return [trial.events, left]
}

function secretsOf({ exchange, refresh }: ProviderDescription): string[] {
  const tokens = [exchange.answer, refresh?.answer].flatMap((answer) => [answer?.access_token, answer?.refresh_token])
  const secrets = [...tokens.filter((token) => typeof token === 'string'), upstreamSecret]
  return secrets.flatMap((secret) => [
    secret,
    secret.slice(0, 12),
    encodeURIComponent(secret),
    new URLSearchParams({ secret }).toString().slice(7),
  ])
}
