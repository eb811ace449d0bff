import { type Environment, OAuthProxy, type SeveralProvidersOptions } from '@drawbridge/core'

/**
 * Several providers on one server: people choose with whom they sign in. Each has a callback of its own, `/auth/callback/{key}`, and the subjects of its
 * people begin with its key. Throws `ConfigurationError` with every problem of the options and of each provider.
 */
export class MultiProvider extends OAuthProxy {
  constructor({ providers, ...options }: SeveralProvidersOptions, environment?: Environment) {
    super(options, { providers }, environment)
  }
}
