import type { AuthInfo, OAuthProxy, OAuthProxyOptions, RecordedEvent } from '../index.ts'
import { answersOf, connect, type UpstreamAnswers } from './describe-provider-answers.ts'
import { baseUrl, call, redeem, type Visit, visit } from './describe-provider-browser.ts'
import type { OpenIdExample, ProviderDescription } from './describe-provider-description.ts'
import { type IdTokens, idTokensOf } from './describe-provider-id-token.ts'
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
  /** Of an OpenID provider; of another upstream they go nowhere. */
  readonly idTokens: IdTokens
  /** What was sent to the upstream, in order, but for its document and its keys. */
  readonly sent: readonly UpstreamRequest[]
  /** An answer of the token endpoint with these members, and an ID token where there are such. */
  answerTokens(members: Readonly<Record<string, unknown>>): UpstreamAnswer
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
  const idTokens = idTokensOf(description.openId ?? notOpenId, registration.clientId, upstreamSecret)
  const answerTokens: Trial['answerTokens'] = (members) => async () => {
    const idToken = description.openId && (await idTokens.sign(environment.now()))
    return Response.json({ ...members, ...(idToken !== undefined && { id_token: idToken }) })
  }
  const answers = answersOf(description, idTokens, answerTokens)
  connect(description, upstream, answers)
  const auth = description.create(
    { ...registration, clientStorage: storeOfOneTest(environment), onEvent: (event) => events.push(event), ...options },
    environment,
  )
  return {
    auth,
    environment,
    events,
    answers,
    idTokens,
    answerTokens,
    get sent() {
      return upstream.requests.filter(
        ({ url }) => url !== description.openId?.discoveryUrl && url !== description.openId?.document.jwks_uri,
      )
    },
    ...peopleOf(description, auth, idTokens),
  }
}

/** What people and their clients do. */
function peopleOf(
  description: ProviderDescription,
  auth: OAuthProxy,
  idTokens: IdTokens,
): Pick<Trial, 'visit' | 'comeBack' | 'login' | 'authenticate'> {
  const authenticate: Trial['authenticate'] = (accessToken) =>
    auth.authenticate(new Request(`${baseUrl}/mcp`, { headers: { authorization: `Bearer ${accessToken}` } }), { scopes: [] })
  const goodAnswer = { code: 'upstream-code', ...(namesItself(description) && { iss: description.issuer ?? '' }) }
  const comeBack: Trial['comeBack'] = ({ authorizationUrl, cookie }, parameters = goodAnswer) => {
    const state = new URL(authorizationUrl).searchParams.get('state') ?? ''
    return call(auth, `/auth/callback?${new URLSearchParams({ ...parameters, state })}`, { headers: { cookie } })
  }
  const goUpstream = async (): Promise<Visit> => {
    const visited = await visit(auth)
    idTokens.nonce = new URL(visited.authorizationUrl).searchParams.get('nonce') ?? ''
    return visited
  }
  return {
    visit: goUpstream,
    comeBack,
    authenticate,
    async login() {
      const visited = await goUpstream()
      const answer = await comeBack(visited)
      const tokens = await redeem(auth, visited.clientId, answer)
      const info = await authenticate(tokens.access_token)
      if (info instanceof Response) throw new Error(`The access token was answered with ${info.status}.`)
      return { ...visited, accessToken: tokens.access_token, scope: tokens.scope, info }
    },
  }
}

const notOpenId: OpenIdExample = { discoveryUrl: '', document: { issuer: '', jwks_uri: '' }, idToken: {} }

/** Whether the upstream has said that its answers name it (RFC 9207 §3). */
export function namesItself({ openId }: ProviderDescription): boolean {
  return openId?.document.authorization_response_iss_parameter_supported === true
}
