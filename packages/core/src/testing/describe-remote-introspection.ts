import { expect } from 'vitest'
import type { IntrospectionExample, RemoteProviderDescription } from './describe-remote-description.ts'
import {
  expectInsufficient,
  expectPassed,
  expectRefused,
  expectTrouble,
  type OpenRemote,
  type RemoteRule,
  troubles,
} from './describe-remote-rules.ts'
import type { RemoteTrial } from './describe-remote-trial.ts'

const token = 'opaque-token-of-the-issuer'

/** What holds where the issuer is asked about tokens. */
export function introspectionRules(description: RemoteProviderDescription, by: IntrospectionExample): RemoteRule[] {
  const { claims } = description.token
  const refused = (name: string, change: object): RemoteRule => ({
    rule: `refuses a token ${name}`,
    holds: (open) => expectRefused(openAsked(open, by, { ...claims, ...change }).trial, token),
  })
  return [
    ...goodRules(description, by),
    refused('that is not active', { active: false }),
    refused('for another MCP server', { aud: 'https://other.example.com/mcp' }),
    refused('for nobody', { aud: undefined }),
    refused('that is over', { exp: 1 }),
    refused('without a subject', { sub: undefined }),
    refused('that is bound to a key', { cnf: { jkt: 'abc' } }),
    ...description.foreign.map((other) => ({
      rule: `refuses a token that is ${other.name}`,
      holds: (open: OpenRemote) => expectRefused(openAsked(open, by, other.claims).trial, token),
    })),
    ...troubles.map(({ name, answer }) => troubleRule(description, by, name, answer)),
    ...['status_401', 'invalid_client'].map((reason) => refusalRule(description, by, reason)),
  ]
}

function openAsked(open: OpenRemote, by: IntrospectionExample, claims: object, scopes?: string[]) {
  const trial = open(scopes && { requiredScopes: scopes })
  const asked: RequestInit[] = []
  const good = (init: RequestInit): Response => {
    asked.push(init)
    return Response.json({ active: true, exp: trial.environment.now() + 3600, ...claims })
  }
  trial.answers[by.endpoint] = good
  return { trial, asked, good }
}

function goodRules(description: RemoteProviderDescription, by: IntrospectionExample): RemoteRule[] {
  const { claims } = description.token
  return [
    {
      rule: 'lets a good token pass, and says who calls',
      async holds(open) {
        const { trial, asked } = openAsked(open, by, claims)
        await expectPassed(trial, token, description)
        const [request] = asked
        const sent = new URLSearchParams(String(request?.body))
        expect([request?.method, new Headers(request?.headers).get('authorization'), sent.get('token')]).toEqual([
          'POST',
          by.authorization,
          token,
        ])
        expect(trial.fetched).toEqual([by.endpoint])
      },
    },
    {
      rule: 'refuses a good token without a scope that is needed',
      holds: (open) => expectInsufficient(openAsked(open, by, claims, ['nobody:has-it']).trial, token, 'nobody:has-it'),
    },
  ]
}

function troubleRule(
  description: RemoteProviderDescription,
  by: IntrospectionExample,
  name: string,
  answer: (trial: RemoteTrial) => RemoteTrial['answers'][string],
): RemoteRule {
  return {
    rule: `answers 503 while its issuer answers with ${name}`,
    async holds(open) {
      const { trial, good } = openAsked(open, by, description.token.claims)
      trial.answers[by.endpoint] = answer(trial)
      await expectTrouble(trial, token)
      trial.answers[by.endpoint] = good
      await expectPassed(trial, token, description)
    },
  }
}

function refusalRule(description: RemoteProviderDescription, by: IntrospectionExample, reason: string): RemoteRule {
  return {
    rule: `answers 503 while its issuer refuses our own credentials with ${reason}, and alarms the operator`,
    async holds(open) {
      const { trial, good } = openAsked(open, by, description.token.claims)
      trial.answers[by.endpoint] = () =>
        reason === 'status_401' ? new Response(null, { status: 401 }) : Response.json({ error: reason }, { status: 400 })
      await expectTrouble(trial, token)
      expect(trial.events).toContainEqual(expect.objectContaining({ type: 'upstream.client_refused', reason }))
      trial.answers[by.endpoint] = good
      trial.environment.advance(6)
      await expectPassed(trial, token, description)
    },
  }
}
