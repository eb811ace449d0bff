import type { Config } from './config/config.ts'
import type { ProviderEntry } from './config/parse-providers.ts'
import type { Environment } from './ports/environment.ts'
import { inTime } from './ports/in-time.ts'
import { OAuthError } from './protocol/errors.ts'
import type { Seconds } from './protocol/time.ts'

/** As long as the upstream has: somebody waits for it just the same. */
const hookDeadline: Seconds = 10

/** The operator's functions about people, each with a deadline: whatever they wait for, whoever waits for us hears something (invariant I9). */
export function wireHooks(
  { authorizeUser, providers: [first, ...others], identityAssertions }: Config,
  environment: Environment,
): Pick<Config, 'authorizeUser' | 'providers' | 'identityAssertions'> {
  const within = inTime(environment, hookDeadline)
  const bounded =
    <Asked extends readonly unknown[], Answer>(hook: (...asked: Asked) => Answer | Promise<Answer>, reason: string) =>
    (...asked: Asked): Promise<Answer> =>
      within(
        (async () => hook(...asked))(),
        () => new OAuthError('temporarily_unavailable', 'The server cannot answer at the moment. Try again shortly.', { reason }),
      )
  const boundedOf = (provider: ProviderEntry): ProviderEntry => ({
    ...provider,
    authorizeUser: bounded(provider.authorizeUser, 'authorize_user_deadline'),
  })
  return {
    authorizeUser: bounded(authorizeUser, 'authorize_user_deadline'),
    providers: [boundedOf(first), ...others.map(boundedOf)],
    identityAssertions: identityAssertions && {
      ...identityAssertions,
      identityOf: bounded(identityAssertions.identityOf, 'subject_deadline'),
    },
  }
}
