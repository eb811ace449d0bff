import type { KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Environment } from '../ports/environment.ts'
import { inTime } from '../ports/in-time.ts'
import { type UpstreamClientCredentials, UpstreamUnavailable } from '../ports/upstream.ts'
import { timedId } from '../protocol/identifiers.ts'
import type { Seconds } from '../protocol/time.ts'
import { upstreamDeadline } from './upstream-fetch.ts'

/** A private key of ours that the upstream knows the public half of, or a function that gets an assertion elsewhere: from the platform that we run on. */
export type ClientAssertionSource =
  | { readonly key: KeyObject; readonly algorithm: string; readonly kid?: string; readonly thumbprint?: string }
  | { readonly make: (audience: string) => Promise<string> }

/** An assertion is used at once; a minute is what clocks may differ by and a slow network. */
const life: Seconds = 60

/** Makes our assertions (RFC 7523 §2.2). It rejects with `UpstreamUnavailable`: without one, nothing was sent. */
export function clientAssertion(
  source: ClientAssertionSource,
  clientId: string,
  environment: Environment,
): NonNullable<UpstreamClientCredentials['clientAssertion']> {
  if ('key' in source) return (audience) => sign(source, clientId, audience, environment)
  const within = inTime(environment, upstreamDeadline)
  return async (audience) => {
    const late = (): Error => new Error('the assertion took too long')
    const assertion: unknown = await within((async () => source.make(audience))(), late).catch(() => undefined)
    // Whatever went wrong is the operator's own code; it may quote secrets, and is not passed on.
    if (typeof assertion !== 'string' || assertion === '') throw new UpstreamUnavailable('client_assertion_failed', { sent: false })
    return assertion
  }
}

async function sign(
  { key, algorithm, kid, thumbprint }: Extract<ClientAssertionSource, { readonly key: KeyObject }>,
  clientId: string,
  audience: string,
  environment: Environment,
): Promise<string> {
  const now = environment.now()
  return new SignJWT({})
    .setProtectedHeader({
      alg: algorithm,
      typ: 'JWT',
      ...(kid !== undefined && { kid }),
      ...(thumbprint !== undefined && { 'x5t#S256': thumbprint }),
    })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(timedId(now, environment.randomBytes(10)))
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + life)
    .sign(key)
}
