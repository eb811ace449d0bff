import type { AuthInfo, OAuthProxy, OAuthProxyOptions, RecordedEvent } from '../index.ts'
import { baseUrl, call, redeem, type Visit, visit } from './describe-provider-browser.ts'
import type { ProviderDescription } from './describe-provider-description.ts'
import { storeOfOneTest } from './describe-provider-store.ts'
import type { FakeUpstream, UpstreamAnswer, UpstreamRequest } from './fake-upstream.ts'
import { type FixedEnvironment, fixedEnvironment } from './fixed-environment.ts'

/** The secret of our registration with every described upstream: a trap for whoever forgets to encode, or encodes twice. */
export const upstreamSecret = 's3cret /+&%'

const registration = {
  baseUrl,
  clientId: 'upstream-client',
  clientSecret: upstreamSecret,
  jwtSigningKey: 'a-signing-key-of-a-trial-0123456789-abcdefghijklmnop',
}

/** What the described upstream answers; a test changes it. */
export interface UpstreamAnswers {
  exchange: UpstreamAnswer
  refresh: UpstreamAnswer
  identity: UpstreamAnswer
  revocation: UpstreamAnswer
}

/** A login that came to its end: what the client has, and what a tool has. */
export interface Login extends Visit {
  readonly accessToken: string
  readonly scope: string
  readonly info: AuthInfo
}

/** The described provider behind a server of its own, with its upstream. */
export interface Trial {
  readonly auth: OAuthProxy
  readonly environment: FixedEnvironment
  readonly events: readonly RecordedEvent[]
  readonly answers: UpstreamAnswers
  /** What was sent to the upstream, in order. */
  readonly sent: readonly UpstreamRequest[]
  /** Registers a client, authorizes and consents. */
  visit(): Promise<Visit>
  /** Comes back from the upstream; the answer of our callback. */
  comeBack(visit: Visit, parameters?: Record<string, string>): Promise<Response>
  /** All of it, and the redemption of our code. */
  login(): Promise<Login>
  /** A call to the MCP endpoint with that token, whatever its scopes. */
  authenticate(accessToken: string): Promise<AuthInfo | Response>
}

/** Opens a trial: a server, a clock that stands still, and the upstream as described. */
export function openTrial(description: ProviderDescription, upstream: FakeUpstream, options: Partial<OAuthProxyOptions> = {}): Trial {
  upstream.reset()
  const environment = fixedEnvironment({ fetch: upstream.fetch })
  const events: RecordedEvent[] = []
  const answers = answersOf(description)
  connect(description, upstream, answers)
  const auth = description.create(
    { ...registration, clientStorage: storeOfOneTest(environment), onEvent: (event) => events.push(event), ...options },
    environment,
  )
  const authenticate: Trial['authenticate'] = (accessToken) =>
    auth.authenticate(new Request(`${baseUrl}/mcp`, { headers: { authorization: `Bearer ${accessToken}` } }), { scopes: [] })
  const comeBack: Trial['comeBack'] = ({ authorizationUrl, cookie }, parameters = { code: 'upstream-code' }) => {
    const state = new URL(authorizationUrl).searchParams.get('state') ?? ''
    return call(auth, `/auth/callback?${new URLSearchParams({ ...parameters, state })}`, { headers: { cookie } })
  }
  return {
    auth,
    environment,
    events,
    answers,
    sent: upstream.requests,
    visit: () => visit(auth),
    comeBack,
    authenticate,
    async login() {
      const visited = await visit(auth)
      const answer = await comeBack(visited)
      const tokens = await redeem(auth, visited.clientId, answer)
      const info = await authenticate(tokens.access_token)
      if (info instanceof Response) throw new Error(`The access token was answered with ${info.status}.`)
      return { ...visited, accessToken: tokens.access_token, scope: tokens.scope, info }
    },
  }
}

function answersOf({ exchange, refresh, identity }: ProviderDescription): UpstreamAnswers {
  return {
    exchange: () => Response.json(exchange.answer),
    refresh: () => Response.json(refresh?.answer ?? { error: 'unsupported_grant_type' }, { status: refresh ? 200 : 400 }),
    identity: () => Response.json(identity.answer),
    revocation: () => new Response(null, { status: 204 }),
  }
}

function connect({ exchange, identity, revocation }: ProviderDescription, upstream: FakeUpstream, answers: UpstreamAnswers): void {
  upstream.answer(exchange.request.method, exchange.request.url, (request) =>
    new URLSearchParams(request.body).get('grant_type') === 'refresh_token' ? answers.refresh(request) : answers.exchange(request),
  )
  upstream.answer(identity.request.method, identity.request.url, (request) => answers.identity(request))
  if (revocation) upstream.answer(revocation.method, revocation.url, (request) => answers.revocation(request))
}
