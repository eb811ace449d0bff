import { type Environment, type OAuthProxy, type OAuthProxyOptions, type RecordedEvent, systemEnvironment } from '@drawbridge/core'
import { OidcProvider } from '@drawbridge/providers/oidc'
import { memoryStore } from '@drawbridge/storage'
import { openTab } from '../support/tab.ts'
import { signInAt } from './openid-person.ts'
import type { OpenIdServer } from './openid-server.ts'

const baseUrl = 'http://localhost:8000'
/** Our callback. */
export const callback = `${baseUrl}/auth/callback`
const verifier = 'the-verifier-of-the-client-which-never-leaves-us-01'
const challenge = 'eY86WiROhEs-IlbedBhbArQa84SwwKE9dyTcO4Howxs'
const redirectUri = 'http://127.0.0.1:5555/callback'

/** Makes the provider whose upstream is at `issuer`. */
export type CreateAt = (issuer: string, options: OAuthProxyOptions, environment: Environment) => OAuthProxy

const oidc: CreateAt = (issuer, options, environment) =>
  new OidcProvider(options, { issuer, scopes: { always: ['offline_access'] }, authorizeParameters: { prompt: 'consent' } }, environment)

/** An OpenID provider as it calls itself, where it listens, and where its document is, if that is another name of it. */
export type PlaceOfIssuer = Pick<OpenIdServer, 'issuer'> & { readonly port?: number; readonly discoveryUrl?: string }

/** Real requests, which reach an issuer of any name where it listens. */
function fetchAt({ issuer, port, discoveryUrl = issuer }: PlaceOfIssuer): (url: string, init?: RequestInit) => Promise<Response> {
  const { host, protocol } = new URL(issuer)
  const origins = [issuer, discoveryUrl].map((url) => new URL(url).origin)
  return (url, init = {}) => {
    if (port === undefined || !origins.includes(new URL(url).origin)) return fetch(url, init)
    const headers = new Headers(init.headers)
    headers.set('x-forwarded-host', host)
    headers.set('x-forwarded-proto', protocol.slice(0, -1))
    const { pathname, search } = new URL(url)
    return fetch(`http://127.0.0.1:${port}${pathname}${search}`, { ...init, headers })
  }
}

/** A server of ours in front of an OpenID provider. */
export interface Ours {
  readonly auth: OAuthProxy
  readonly events: readonly RecordedEvent[]
  readonly requests: readonly Request[]
  /** Moves our clock, and no other. */
  advance(seconds: number): void
  login(person?: string): Promise<{ accessToken: string; answer: Response }>
  /** The whole way to the client's redirect URI. */
  comeBack(person?: string): Promise<URL>
}

/** Opens one, of any provider that stands on OidcProvider. Requests to the issuer go to where it listens. */
export function openAt(
  server: PlaceOfIssuer & Pick<OpenIdServer, 'clientId' | 'clientSecret'>,
  options: Partial<OAuthProxyOptions> = {},
  create: CreateAt = oidc,
): Ours {
  const { issuer, clientId, clientSecret } = server
  const fetchThere = fetchAt(server)
  const events: RecordedEvent[] = []
  const requests: Request[] = []
  const system = systemEnvironment()
  let ahead = 0
  const environment: Environment = {
    ...system,
    now: () => system.now() + ahead,
    fetch(input, init) {
      requests.push(new Request(input, init))
      return fetchThere(String(input), init)
    },
  }
  const auth = create(
    issuer,
    {
      baseUrl,
      clientId,
      clientSecret,
      jwtSigningKey: 'a-signing-key-of-a-test-0123456789-abcdefghijklmnop',
      clientStorage: memoryStore({ environment }),
      onEvent: (event) => events.push(event),
      ...options,
    },
    environment,
  )
  const call = async (url: string, init?: RequestInit): Promise<Response> =>
    (await auth.fetch(new Request(url.startsWith('/') ? `${baseUrl}${url}` : url, init))) ?? new Response(null, { status: 404 })

  async function approve(): Promise<{ clientId: string; url: string; tab: ReturnType<typeof openTab> }> {
    const tab = openTab({ call, baseUrl })
    const registered = await call('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: 'A client', redirect_uris: [redirectUri] }),
    })
    const { client_id }: { client_id: string } = await registered.json()
    const query = { client_id, redirect_uri: redirectUri, response_type: 'code', code_challenge: challenge, code_challenge_method: 'S256' }
    const page = await tab.decide(await tab.open(`/authorize?${new URLSearchParams(query)}`), 'approve')
    if (page.status !== 200) throw new Error(`the answer to the consent was ${page.status}`)
    return { clientId: client_id, url: page.refresh, tab }
  }
  const toClient = async (person: string): Promise<{ clientId: string; location: URL }> => {
    const { clientId, url, tab } = await approve()
    return { clientId, location: new URL((await tab.open(await signInAt(url, person, callback, fetchThere))).location) }
  }
  return {
    auth,
    events,
    requests,
    advance(seconds) {
      ahead += seconds
    },
    comeBack: async (person = 'alice') => (await toClient(person)).location,
    async login(person = 'alice') {
      const { clientId, location } = await toClient(person)
      const code = location.searchParams.get('code')
      if (code === null) throw new Error(`the login ended at ${location.href}`)
      const body = new URLSearchParams({ grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier })
      const answer = await call('/token', { method: 'POST', body })
      const { access_token: accessToken }: { access_token: string } = await answer.clone().json()
      return { accessToken, answer }
    },
  }
}

/** What was posted to the token endpoint, and how it was authenticated. */
export async function tokenRequestsOf({ requests }: Ours): Promise<{ form: Record<string, string>; authorization: string | null }[]> {
  const toTokenEndpoint = requests.filter(({ url }) => url.endsWith('/token'))
  return Promise.all(
    toTokenEndpoint.map(async (request) => ({
      form: Object.fromEntries(new URLSearchParams(await request.clone().text())),
      authorization: request.headers.get('authorization'),
    })),
  )
}
