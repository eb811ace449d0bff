import { expect } from 'vitest'
import { clientSecrets } from './describe-provider-browser.ts'
import type { ProviderDescription, ScopeExample } from './describe-provider-description.ts'
import { expectRequest, type ProviderRule, questionsOf, type RulesOf, sentTo } from './describe-provider-rule.ts'

/** From the authorization URL to what a tool holds. */
export const loginRules: RulesOf = (description) => [
  {
    rule: 'sends the browser to the upstream with our client, our callback, our state and our challenge',
    async holds(open) {
      const { authorizationUrl } = await open().visit()
      const state = parameterOf(authorizationUrl, 'state')
      expect(state).toMatch(/^[\w-]{43}$/)
      const nonce = parameterOf(authorizationUrl, 'nonce')
      const challenge = parameterOf(authorizationUrl, 'code_challenge')
      const url = authorizationUrl.replace(state, '{state}')
      const withNonce = nonce === '' ? url : url.replace(nonce, '{nonce}')
      expect(challenge === '' ? withNonce : withNonce.replace(challenge, '{challenge}')).toBe(description.authorizationUrl)
    },
  },
  {
    rule: 'tells the upstream nothing of what our client asked with',
    async holds(open) {
      const trial = open()
      const { authorizationUrl } = await trial.login()
      const told = JSON.stringify([decodeURIComponent(authorizationUrl), ...trial.sent.map(({ body }) => decodeURIComponent(body))])
      for (const secret of Object.values(clientSecrets)) expect(told).not.toContain(secret)
    },
  },
  {
    rule: 'exchanges the upstream code with our credentials and our verifier',
    async holds(open) {
      const trial = open()
      const { authorizationUrl } = await trial.login()
      expectRequest(trial.sent[0], description.exchange.request, parameterOf(authorizationUrl, 'code_challenge'))
    },
  },
  {
    rule: 'asks who the person is with the new token, and makes no other call',
    async holds(open) {
      const trial = open()
      await trial.login()
      await trial.environment.drain()
      for (const example of questionsOf(description)) expectRequest(sentTo(trial, example)[0], example)
      expect(trial.sent).toHaveLength(1 + questionsOf(description).length)
    },
  },
  {
    rule: 'gives a tool the upstream’s token, what it is good for, and the person',
    async holds(open) {
      const trial = open()
      const { info } = await trial.login()
      const { accessToken, scopes, identity } = await trial.auth.upstream(info)
      const { tokens } = description.exchange
      expect({ accessToken, scopes, identity }).toEqual({
        accessToken: tokens.accessToken,
        scopes: tokens.scopes,
        identity: description.identity.identity,
      })
      expect(info.scopes).toEqual(description.defaultScopes)
      expect(info.extra.subject).toBe(description.identity.identity.subject)
    },
  },
  {
    rule: 'does not take the upstream’s token for one of ours (T55)',
    async holds(open) {
      const trial = open()
      await trial.login()
      const answer = await trial.authenticate(description.exchange.tokens.accessToken)
      // Some do not even look like a token (RFC 6750 §2.1).
      expect(answer instanceof Response && [400, 401].includes(answer.status)).toBe(true)
    },
  },
  {
    rule: 'uses no token that it did not get for its own code, whoever brings it (T69)',
    async holds(open) {
      const trial = open()
      const foreign = 'a-token-that-the-upstream-gave-to-another-client'
      const brought = { access_token: foreign, id_token: foreign, token: foreign, token_type: 'bearer' }
      await trial.comeBack(await trial.visit(), brought)
      const named = description.issuer === undefined ? {} : { iss: description.issuer }
      await trial.comeBack(await trial.visit(), { code: 'upstream-code', ...named, ...brought })
      expect(await trial.authenticate(foreign)).toMatchObject({ status: 401 })
      await trial.environment.drain()
      expect(trial.sent.length).toBeGreaterThan(0)
      expect(JSON.stringify(trial.sent)).not.toContain(foreign)
    },
  },
  {
    rule: 'tells the client when the person said no, and calls nobody',
    async holds(open) {
      const trial = open()
      const answer = await trial.comeBack(await trial.visit(), { error: 'access_denied', error_description: 'no' })
      expect(parameterOf(answer.headers.get('location') ?? 'none:', 'error')).toBe('access_denied')
      expect(trial.sent).toEqual([])
    },
  },
  ...(description.scopes ?? []).map(scopeRule(description)),
]

const scopeRule =
  ({ exchange, scopeParameter = 'scope' }: ProviderDescription) =>
  ({ requested, sent = requested.join(' '), answered, granted }: ScopeExample): ProviderRule => ({
    rule: `asked for "${requested.join(' ')}" and answered ${answered === undefined ? 'without scope' : `"${answered}"`}, grants "${granted.join(' ')}"`,
    async holds(open) {
      const trial = open({ requiredScopes: requested })
      const { scope: _, ...others } = exchange.answer
      trial.answers.exchange = trial.answerTokens({ ...others, ...(answered !== undefined && { scope: answered }) })
      const { authorizationUrl, scope, info } = await trial.login()
      expect(parameterOf(authorizationUrl, scopeParameter)).toBe(sent)
      expect(scope).toBe(granted.join(' '))
      expect(info.scopes).toEqual(granted)
    },
  })

function parameterOf(url: string, name: string): string {
  return new URL(url).searchParams.get(name) ?? ''
}
