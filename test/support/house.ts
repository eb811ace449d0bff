import { createHash } from 'node:crypto'
import type { Environment, FetchPinned, OAuthProxy, OAuthProxyOptions, RecordedEvent, Store, Upstream } from '@drawbridge/core'
import { type FixedEnvironment, fixedEnvironment } from '@drawbridge/core/testing'
import { GitHubProvider, github as githubUpstream } from '@drawbridge/providers/github'
import { OAuthProvider } from '@drawbridge/providers/oauth'
import { type Browser, openBrowser, type Page } from '@drawbridge/quickstart/driver'
import { type StandIn, standIn } from '@drawbridge/quickstart/stand-in'
import { memoryStore } from '@drawbridge/storage'

/** Where the client's program listens; no port of it is ever opened. */
export const redirectUri = 'http://127.0.0.1:5555/callback'

/** A verifier and its challenge, made for nothing but tests. */
export const verifier = 'a-verifier-that-is-made-for-nothing-but-tests-01'
export const challenge = createHash('sha256').update(verifier).digest('base64url')

/** Two signing secrets that pass every check. */
export const signingKey = 'first-signing-key-0123456789-abcdefghijklmnop'
export const otherSigningKey = 'other-signing-key-9876543210-qrstuvwxyzabcde'

/** Where the stand-in is. */
export const upstreamOrigin = 'http://127.0.0.1:9999'

export interface HouseOptions extends Partial<OAuthProxyOptions> {
  readonly mode?: 'oauth-app' | 'github-app'
  /** The `iss` the upstream is known to add to its answers (RFC 9207). GitHub adds none. */
  readonly upstreamIssuer?: string
  /** Who the upstream says the person is, instead of asking the stand-in. */
  readonly identify?: Upstream['identify']
  /** Where the clock stands, for those whose own clock runs. */
  readonly at?: number
  /** Reaches what strangers name: documents, and keys. Default: nothing does. */
  readonly fetchPinned?: FetchPinned
  /** The provider, instead of GitHub's own, and other stand-ins by their origins. */
  readonly make?: (options: OAuthProxyOptions, environment: Environment) => OAuthProxy
  readonly elsewhere?: Readonly<Record<string, StandIn>>
  /** The callback as the stand-in knows it. Default: `/auth/callback`. */
  readonly callbackPath?: string
  /** Hosts that share a world share its environment and its stand-in. */
  readonly beside?: House
}

export interface TokenAnswer {
  readonly access_token: string
  readonly refresh_token: string
  readonly expires_in: number
  readonly scope: string
  readonly token_type: string
}

/** One server with an upstream, a clock that stands still and no network. */
export interface House {
  readonly auth: OAuthProxy
  readonly github: StandIn
  readonly environment: FixedEnvironment
  /** What happened, without the ids of requests, which are another for each. */
  readonly events: RecordedEvent[]
  /** The same events, as the operator is told them. */
  readonly told: RecordedEvent[]
  readonly store: Store
  readonly baseUrl: string
  /** Calls the server by its full URL or a path below `baseUrl`; 404 when the path is nobody's. */
  call(url: string, init?: RequestInit): Promise<Response>
  /** Posts a form below `baseUrl`. */
  post(path: string, fields: Record<string, string> | URLSearchParams, headers?: Record<string, string>): Promise<Response>
  /** A browser that reaches the server and the upstream, and stops at the client's redirect URI. */
  browser(): Browser
  /** Registers a client; answers its id. */
  register(metadata?: Record<string, unknown>): Promise<string>
  authorizeUrl(clientId: string, parameters?: Record<string, string | undefined>): string
  /** From the authorization URL to the client's redirect URI, by a person who says yes to everything. */
  signIn(clientId: string, parameters?: Record<string, string | undefined>, browser?: Browser): Promise<URL>
  redeem(clientId: string, code: string, fields?: Record<string, string>): Promise<Response>
  /** Registers, signs in and redeems. */
  login(metadata?: Record<string, unknown>): Promise<{ clientId: string; tokens: TokenAnswer }>
  refresh(clientId: string, refreshToken: string, fields?: Record<string, string>): Promise<Response>
  /** A call to the MCP endpoint: its status. */
  mcpStatus(accessToken: string): Promise<number>
}

export function openHouse(houseOptions: HouseOptions = {}): House {
  const {
    mode = 'oauth-app',
    at,
    beside,
    upstreamIssuer,
    identify,
    fetchPinned,
    make,
    elsewhere = {},
    callbackPath,
    ...options
  } = houseOptions
  const baseUrl = (options.baseUrl ?? 'http://localhost:8000').replace(/\/$/, '')
  const github: StandIn =
    beside?.github ??
    standIn({
      clientId: 'upstream-id',
      clientSecret: 'upstream-secret',
      callbackUrl: `${baseUrl}${callbackPath ?? '/auth/callback'}`,
      mode,
      now: () => environment.now(),
    })
  const standIns: Readonly<Record<string, StandIn>> = { ...elsewhere, [upstreamOrigin]: github }
  const standInAt = (url: string): StandIn | undefined => standIns[new URL(url).origin]
  const environment =
    beside?.environment ??
    fixedEnvironment({
      ...(at !== undefined && { at }),
      ...(fetchPinned && { fetchPinned }),
      fetch: async (url, init) => abortable((standInAt(String(url)) ?? github).app.fetch(new Request(url, init)), init?.signal),
    })
  const events: RecordedEvent[] = []
  const told: RecordedEvent[] = []
  const store = options.clientStorage ?? beside?.store ?? memoryStore({ environment })
  const all = {
    baseUrl,
    clientId: 'upstream-id',
    clientSecret: 'upstream-secret',
    jwtSigningKey: signingKey,
    clientStorage: store,
    onEvent(event: RecordedEvent) {
      told.push(event)
      const { requestId: _, ...what } = event
      events.push(what)
    },
    ...options,
  }
  const deviations = { ...(upstreamIssuer !== undefined && { issuer: upstreamIssuer }), ...(identify && { identify }) }
  const auth = make
    ? make(all, environment)
    : Object.keys(deviations).length === 0
      ? new GitHubProvider({ ...all, serverUrl: upstreamOrigin }, environment)
      : new OAuthProvider(all, { ...githubUpstream(upstreamOrigin), ...deviations }, environment)

  const call: House['call'] = async (url, init) => {
    const request = new Request(url.startsWith('/') ? `${baseUrl}${url}` : url, init)
    const away = standInAt(request.url)
    if (away) return away.app.fetch(request)
    return (await auth.fetch(request)) ?? new Response('nobody is here', { status: 404 })
  }
  const post: House['post'] = (path, fields, headers = {}) => call(path, { method: 'POST', body: new URLSearchParams(fields), headers })
  const browser = (): Browser => openBrowser({ stopAt: redirectUri.replace(/:\d+/, ':'), fetch: call })

  const house: House = {
    auth,
    github,
    environment,
    events,
    told,
    store,
    baseUrl,
    call,
    post,
    browser,
    async register(metadata = {}) {
      const body = JSON.stringify({ client_name: 'A test', redirect_uris: [redirectUri], ...metadata })
      const answer = await call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      if (answer.status !== 201) throw new Error(`registration: ${answer.status} ${await answer.text()}`)
      const { client_id: clientId }: { client_id: string } = await answer.json()
      return clientId
    },
    authorizeUrl(clientId, parameters = {}) {
      const all = {
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: 'code',
        code_challenge: challenge,
        code_challenge_method: 'S256',
        state: 'the-state',
        ...parameters,
      }
      const sent = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined)
      return `${baseUrl}/authorize?${new URLSearchParams(sent)}`
    },
    async signIn(clientId, parameters, person = browser()) {
      const consent = await person.open(house.authorizeUrl(clientId, parameters))
      const signInPage: Page = await person.press(consent, 'Allow')
      const end = signInPage.url.startsWith(upstreamOrigin) ? await person.press(signInPage, 'Sign in', { login: 'octocat' }) : signInPage
      return new URL(end.url)
    },
    redeem: (clientId, code, fields = {}) =>
      post('/token', { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier, ...fields }),
    async login(metadata) {
      const clientId = await house.register(metadata)
      const end = await house.signIn(clientId)
      const answer = await house.redeem(clientId, end.searchParams.get('code') ?? '')
      if (answer.status !== 200) throw new Error(`redemption: ${answer.status} ${await answer.text()}`)
      const tokens: TokenAnswer = await answer.json()
      return { clientId, tokens }
    },
    refresh: (clientId, refreshToken, fields = {}) =>
      post('/token', { grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken, ...fields }),
    async mcpStatus(accessToken) {
      const who = await auth.authenticate(new Request(`${baseUrl}/mcp`, { headers: { authorization: `Bearer ${accessToken}` } }))
      return who instanceof Response ? who.status : 200
    },
  }
  return house
}

// The stand-in answers in this process and knows nothing of deadlines; a network would.
function abortable(answer: Response | Promise<Response>, signal: AbortSignal | null | undefined): Promise<Response> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason))
    Promise.resolve(answer).then(resolve, reject)
  })
}
