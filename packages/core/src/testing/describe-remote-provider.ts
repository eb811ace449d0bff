import { describe, it } from 'vitest'
import type { RemoteProviderDescription } from './describe-remote-description.ts'
import { introspectionRules } from './describe-remote-introspection.ts'
import { jwtRules } from './describe-remote-jwt.ts'
import { documentRules, type RemoteRule } from './describe-remote-rules.ts'
import { openRemoteTrial } from './describe-remote-trial.ts'

/** Every rule that a provider with this description keeps. */
export function remoteProviderRules(description: RemoteProviderDescription): RemoteRule[] {
  const { by } = description
  return [...documentRules(description), ...('endpoint' in by ? introspectionRules(description, by) : jwtRules(description, by))]
}

/**
 * Registers the tests that every provider on `RemoteAuthProvider` passes, as the one call in its test file. Its issuer is played, and nothing is sent anywhere. Needs
 * `vitest`.
 */
export function describeRemoteProvider(description: RemoteProviderDescription): void {
  describe(description.name, () => {
    for (const { rule, holds } of remoteProviderRules(description))
      it(rule, () => holds((options) => openRemoteTrial(description, options)))
  })
}
