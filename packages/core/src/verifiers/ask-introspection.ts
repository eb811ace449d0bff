import { UpstreamUnavailable } from '../ports/upstream.ts'
import { type ClientRefusalsNeeds, clientRefusals, isClientRefusal } from '../upstream/client-refusals.ts'
import { upstreamFetch } from '../upstream/upstream-fetch.ts'

/** Where to ask, and as whom. */
export interface IntrospectionEndpoint {
  readonly endpoint: string
  readonly clientId: string
  readonly clientSecret: string
  readonly authentication?: 'client_secret_basic' | 'client_secret_post'
}

/** What the issuer says of a token (RFC 7662 §2.2); undefined for one that is not active, whatever the reason. Rejects with `UpstreamUnavailable` for anything that is no answer. */
export type AskIntrospection = (token: string) => Promise<Readonly<Record<string, unknown>> | undefined>

/**
 * Opens the way to an introspection endpoint. That it does not take us for its client is an alarm for the operator, told as the upstream's refusal is, and no reason to
 * log people out (RFC 7662 §2.3, invariant I6).
 */
export function openIntrospection(at: IntrospectionEndpoint, needs: ClientRefusalsNeeds): AskIntrospection {
  const call = upstreamFetch(needs.environment)
  const askAsClient = clientRefusals(needs)
  return (token) =>
    askAsClient(async () => {
      const response = await call(at.endpoint, { method: 'POST', ...requestFor(at, token) })
      const answer: unknown = await response.json()
      const { active, error, ...claims }: Record<string, unknown> = { ...(typeof answer === 'object' ? answer : undefined) }
      if (!response.ok) throw failed(response.status, error)
      if (typeof active !== 'boolean') throw new UpstreamUnavailable('answer_not_usable')
      return active ? claims : undefined
    })
}

function failed(status: number, error: unknown): UpstreamUnavailable {
  const isOurs = typeof error === 'string' && isClientRefusal(error)
  return new UpstreamUnavailable(isOurs ? error : `status_${status}`, { sent: !isOurs })
}

// Basic as RFC 6749 §2.3.1 has it: form-encoded before it is encoded again.
function requestFor({ authentication = 'client_secret_basic', clientId, clientSecret }: IntrospectionEndpoint, token: string): RequestInit {
  const isBasic = authentication === 'client_secret_basic'
  const encode = (text: string): string => new URLSearchParams({ text }).toString().slice('text='.length)
  const basic = Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')
  const credentials = isBasic ? {} : { client_id: clientId, client_secret: clientSecret }
  return {
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...(isBasic && { authorization: `Basic ${basic}` }),
    },
    body: new URLSearchParams({ token, token_type_hint: 'access_token', ...credentials }).toString(),
  }
}
