import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { UpstreamRefused, UpstreamUnavailable } from '../ports/upstream.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'

/** By these reasons the upstream refuses us and not a person, and so has not looked at the code or token (RFC 6749 §5.2). */
const ofOurs: readonly string[] = ['invalid_client', 'unauthorized_client', 'status_401']

/** Whether the upstream refused our own registration there. */
export function isClientRefusal(reason: string): boolean {
  return ofOurs.includes(reason)
}

/** What noticing needs. */
export interface ClientRefusalsNeeds {
  readonly environment: Environment
  readonly emit: Emit
}

/** Asks the upstream, unless it has just refused us. */
export type AskAsClient = <Answer>(ask: () => Promise<Answer>) => Promise<Answer>

/** While we are refused, the upstream is asked once in this time by each process: seldom enough not to be locked out, and a secret that was mended is noticed at once. */
const pause: Seconds = 5

/** The operator is told this often: an alarm, and not one for each client that tries. */
const toldEvery: Seconds = 300

/**
 * Notices that the upstream refuses our own registration there: our secret has expired, mostly. The operator is told, and everybody
 * else is answered as if the upstream could not be reached: nobody is logged out for it.
 */
export function clientRefusals({ environment, emit }: ClientRefusalsNeeds): AskAsClient {
  let refused: { readonly reason: string; readonly until: UnixSeconds } | undefined
  let quietUntil: UnixSeconds = 0

  function note(reason: string): void {
    const now = environment.now()
    // Our name and secret are refused whatever they are shown with. That we may not do something can be about one token, which was
    // given to the registration before this one: those of the others go on.
    if (reason !== 'unauthorized_client') refused = { reason, until: now + pause }
    if (now < quietUntil) return
    quietUntil = now + toldEvery
    emit({ type: 'upstream.client_refused', reason })
  }

  return async (ask) => {
    const now = environment.now()
    if (refused && now < refused.until) throw new UpstreamUnavailable(refused.reason, { sent: false })
    // Whoever comes first after the pause tries; those who come meanwhile do not wait for what it hears.
    if (refused) refused = { ...refused, until: now + pause }
    try {
      const answer = await ask()
      refused = undefined
      return answer
    } catch (cause) {
      if (cause instanceof UpstreamRefused) refused = undefined
      if (cause instanceof UpstreamUnavailable && isClientRefusal(cause.reason)) note(cause.reason)
      throw cause
    }
  }
}
