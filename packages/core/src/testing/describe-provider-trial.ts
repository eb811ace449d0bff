import { createHash } from 'node:crypto'
import type { AuthInfo, OAuthProxy, OAuthProxyOptions, RecordedEvent } from '../index.ts'
import type { ProviderDescription } from './describe-provider-description.ts'
import { storeOfOneTest } from './describe-provider-store.ts'
import type { FakeUpstream, UpstreamAnswer, UpstreamRequest } from './fake-upstream.ts'
import { type FixedEnvironment, fixedEnvironment } from './fixed-environment.ts'

/** The secret of our registration with every described upstream: a trap for whoever forgets to encode, or encodes twice. */
export const upstreamSecret = 's3cret /+&%'

const baseUrl = 'https://mcp.example.com'
const redirectUri = 'http://127.0.0.1:5555/callback'
const clientVerifier = 'the-verifier-of-the-client-which-never-leaves-us-01'

/** What our client asked with; none of it is the upstream's business. */
export const clientSecrets: Readonly<Record<string, string> & Record<'state' | 'challenge', string>> = {
  state: 'the-state-of-the-client',
  verifier: clientVerifier,
  challenge: createHash('sha256').update(clientVerifier).digest('base64url'),
  redirectUri,
}

/** What the described upstream answers; a test changes it. */
export interface UpstreamAnswers {
  exchange: UpstreamAnswer
  refresh: UpstreamAnswer
  identity: UpstreamAnswer
  revocation: UpstreamAnswer
}

/** A browser that has been sent to the upstream. */
export interface Visit {
  readonly clientId: string
  readonly authorizationUrl: string
  readonly cookie: string
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
    {
      baseUrl,
      clientId: 'upstream-client',
      clientSecret: upstreamSecret,
      jwtSigningKey: 'a-signing-key-of-a-trial-0123456789-abcdefghijklmnop',
      clientStorage: storeOfOneTest(environment),
      onEvent: (event) => events.push(event),
      ...options,
    },
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

async function visit(auth: OAuthProxy): Promise<Visit> {
  const metadata = { client_name: 'A client', redirect_uris: [redirectUri] }
  const headers = { 'content-type': 'application/json' }
  const registered = await call(auth, '/register', { method: 'POST', headers, body: JSON.stringify(metadata) })
  const { client_id: clientId }: { client_id: string } = await registered.json()
  const { state, challenge } = clientSecrets
  const asked = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state,
  })
  const question = await call(auth, `/authorize?${asked}`, { headers: { accept: 'text/html' } })
  const request = textIn(await question.text(), /name="request" value="([^"]+)"/)
  const body = new URLSearchParams({ request, decision: 'approve' })
  const moving = await call(auth, '/consent', { method: 'POST', headers: { cookie: cookieOf(question) }, body })
  return { clientId, authorizationUrl: textIn(await moving.text(), /href="(https?:[^"]+)"/), cookie: cookieOf(moving) }
}

async function redeem(auth: OAuthProxy, clientId: string, answer: Response): Promise<{ access_token: string; scope: string }> {
  const code = new URL(answer.headers.get('location') ?? 'none:').searchParams.get('code')
  if (code === null) throw new Error(`The login ended with ${answer.status} ${answer.headers.get('location') ?? (await answer.text())}`)
  const body = new URLSearchParams({ grant_type: 'authorization_code', client_id: clientId, code, code_verifier: clientVerifier })
  return (await call(auth, '/token', { method: 'POST', body })).json()
}

async function call(auth: OAuthProxy, path: string, init?: RequestInit): Promise<Response> {
  return (await auth.fetch(new Request(`${baseUrl}${path}`, init))) ?? new Response(null, { status: 404 })
}

function cookieOf(answer: Response): string {
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.replace(/;.*/, ''))
    .join('; ')
}

function textIn(page: string, pattern: RegExp): string {
  const found = pattern.exec(page)?.[1]
  if (found === undefined) throw new Error(`The page has no ${pattern}: ${page}`)
  return found.replaceAll('&amp;', '&')
}
