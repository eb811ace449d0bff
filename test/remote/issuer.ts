import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { JwtVerifier, type JwtVerifierOptions, type RecordedEvent, type RemoteAuthOptions, RemoteAuthProvider } from '@drawbridge/core'
import { type FixedEnvironment, fixedEnvironment } from '@drawbridge/core/testing'
import { type JWK, type JWTHeaderParameters, SignJWT } from 'jose'

/** Another authorization server, whose tokens a resource server takes. */
export const issuer = 'https://login.example.com'
export const baseUrl = 'https://mcp.example.com'
export const resource = 'https://mcp.example.com/mcp'
export const metadataUrl = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
export const now = 1_767_268_800

/** A key pair of an issuer. */
export interface IssuerKey {
  readonly algorithm: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: JWK
}

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

export function createKey(algorithm = 'RS256', kid: string | undefined = 'one'): IssuerKey {
  const curve = curves[algorithm]
  const pair = algorithm.startsWith('Ed')
    ? generateKeyPairSync('ed25519')
    : curve === undefined
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: curve })
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), ...(kid !== undefined && { kid }) }
  return { algorithm, ...pair, jwk }
}

/** What a good access token says, for our MCP endpoint. */
export const claims = {
  iss: issuer,
  sub: 'person-1',
  aud: resource,
  client_id: 'a-client',
  scope: 'read write',
  exp: now + 3600,
  iat: now,
}

/** Signs claims; those that are undefined are left out. */
export function mint(
  key: IssuerKey,
  changes: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const said = Object.fromEntries(Object.entries({ ...claims, ...changes }).filter(([, value]) => value !== undefined))
  const kid = key.jwk.kid === undefined ? {} : { kid: key.jwk.kid }
  const protectedHeader = { alg: key.algorithm, typ: 'at+jwt', ...kid, ...header }
  const sent = Object.fromEntries(Object.entries(protectedHeader).filter(([, value]) => value !== undefined))
  return new SignJWT(said).setProtectedHeader(sent as JWTHeaderParameters).sign(key.privateKey)
}

/** An answer of the network to a URL. */
export type Answer = (url: string, init: RequestInit) => Response | Promise<Response>

/** A resource server, with a clock that stands still and a network that answers as told. */
export interface RemoteHouse {
  readonly auth: RemoteAuthProvider
  readonly environment: FixedEnvironment
  /** Without the ids of requests. */
  readonly events: RecordedEvent[]
  /** What was fetched. */
  readonly fetched: string[]
  /** What answers, by URL. */
  readonly answers: Record<string, Answer>
  /** The answer to a call of the MCP endpoint with this token; 200 with who calls when it passes. */
  knock(token?: string, path?: string): Promise<Response>
}

/** The network: what `answers` has, and nothing else. */
export function openNetwork() {
  const fetched: string[] = []
  const answers: Record<string, Answer> = {}
  const environment: FixedEnvironment = fixedEnvironment({
    fetch: async (input, init = {}) => {
      const url = String(input)
      fetched.push(url)
      const answer = answers[url]
      if (!answer) throw new TypeError('fetch failed')
      return abortable(answer(url, init), init.signal)
    },
  })
  return { fetched, answers, environment }
}

export type HouseOptions = Partial<RemoteAuthOptions> & { readonly network?: ReturnType<typeof openNetwork> }

export function openRemote({ network = openNetwork(), ...options }: HouseOptions = {}): RemoteHouse {
  const { fetched, answers, environment } = network
  const events: RecordedEvent[] = []
  const auth = new RemoteAuthProvider(
    {
      baseUrl,
      authorizationServers: issuer,
      verifier: new JwtVerifier({ issuer }),
      onEvent: ({ requestId: _, ...what }) => events.push(what),
      ...options,
    },
    environment,
  )
  return {
    auth,
    environment,
    events,
    fetched,
    answers,
    async knock(token, path = '/mcp') {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const who = await auth.authenticate(new Request(`${baseUrl}${path}`, { headers }))
      return who instanceof Response ? who : Response.json({ passed: who.extra.subject })
    },
  }
}

export const discoveryUrl = `${issuer}/.well-known/openid-configuration`
export const jwksUri = `${issuer}/keys`

/** A resource server whose issuer publishes these keys, and is found by its metadata. */
export function openDiscovered(
  keys: readonly IssuerKey[],
  options: Partial<JwtVerifierOptions> = {},
  remote: HouseOptions = {},
): RemoteHouse {
  const house = openRemote({ verifier: new JwtVerifier({ issuer, ...options }), ...remote })
  house.answers[discoveryUrl] = () => Response.json({ issuer, jwks_uri: jwksUri })
  publish(house, keys)
  return house
}

/** From now on the issuer publishes these keys. */
export function publish({ answers }: Pick<RemoteHouse, 'answers'>, keys: readonly IssuerKey[]): void {
  answers[jwksUri] = () => Response.json({ keys: keys.map(({ jwk }) => jwk) })
}

export function refusals({ events }: Pick<RemoteHouse, 'events'>): string[] {
  return events.flatMap((event) => (event.type === 'token.refused' ? [event.reason] : []))
}

// As a network: an answer that is an error is none, and a signal ends the wait.
function abortable(answer: Response | Promise<Response>, signal: AbortSignal | null | undefined): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
    Promise.resolve(answer).then(
      (response) => (response.type === 'error' ? reject(new TypeError('fetch failed')) : resolve(response)),
      reject,
    )
  })
}
