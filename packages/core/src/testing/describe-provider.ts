import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bindingRules } from './describe-provider-binding.ts'
import type { ProviderDescription } from './describe-provider-description.ts'
import { failureRules } from './describe-provider-failures.ts'
import { foreignRules } from './describe-provider-foreign.ts'
import { identityRules } from './describe-provider-identity.ts'
import { issuerRules } from './describe-provider-issuer.ts'
import { loginRules } from './describe-provider-login.ts'
import { openIdRules } from './describe-provider-openid.ts'
import { revocationRules } from './describe-provider-revocation.ts'
import type { ProviderRule } from './describe-provider-rule.ts'
import { secrecyRules } from './describe-provider-secrecy.ts'
import { tokenRules } from './describe-provider-tokens.ts'
import { openTrial, type Trial } from './describe-provider-trial.ts'
import { type FakeUpstream, fakeUpstream } from './fake-upstream.ts'

/** Every rule that a provider with this description keeps. */
export function providerRules(description: ProviderDescription): ProviderRule[] {
  return [
    loginRules,
    bindingRules,
    issuerRules,
    identityRules,
    foreignRules,
    openIdRules,
    tokenRules,
    revocationRules,
    failureRules,
    secrecyRules,
  ].flatMap((rulesOf) => rulesOf(description))
}

/** Tries a rule on the provider described, and waits for what went on beside it. Rejects when the rule does not hold. */
export async function tryRule({ holds }: ProviderRule, description: ProviderDescription, upstream: FakeUpstream): Promise<void> {
  const trials: Trial[] = []
  try {
    await holds((options) => {
      const trial = openTrial(description, upstream, options)
      trials.push(trial)
      return trial
    })
  } finally {
    await Promise.all(trials.map(({ environment }) => environment.drain()))
  }
  expect(upstream.unexpected, 'calls that nobody described').toEqual([])
}

/**
 * Registers the tests that every provider passes, as the one call in its test file. The provider stands in a server of its
 * own; its upstream is answered by msw, and nothing is sent anywhere else but to loopback. Needs `vitest` and `msw`.
 */
export function describeProvider(description: ProviderDescription): void {
  describe(description.name, () => {
    const upstream = fakeUpstream()
    beforeAll(() => upstream.open())
    afterAll(() => upstream.close())

    for (const rule of providerRules(description)) it(rule.rule, () => tryRule(rule, description, upstream))
  })
}
