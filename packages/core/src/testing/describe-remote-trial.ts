import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type JWTHeaderParameters, SignJWT } from 'jose'
import type { AuthInfo, McpAuth, RecordedEvent, RemoteServerOptions } from '../index.ts'
import type { RemoteProviderDescription, TokenOfIssuer } from './describe-remote-description.ts'
import { type FixedEnvironment, fixedEnvironment } from './fixed-environment.ts'

/** An answer of the network. It may throw, or never come to an end. */
export type RemoteAnswer = (init: RequestInit) => Response | Promise<Response>

/** A described provider in front of an MCP endpoint; its issuer is played here, and nothing is sent anywhere. */
export interface RemoteTrial {
  readonly auth: McpAuth
  readonly environment: FixedEnvironment
  readonly events: RecordedEvent[]
  /** What was fetched, in order. */
  readonly fetched: string[]
  /** What answers, by URL; anything else is unreachable. */
  readonly answers: Record<string, RemoteAnswer>
  authenticate(token?: string): Promise<AuthInfo | Response>
}

/** A key pair of an issuer, under a `kid`. */
export interface RemoteKey {
  readonly kid: string
  readonly algorithm: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** The MCP endpoint of every trial. */
const resource = 'https://mcp.example.com/mcp'

/** Makes a key pair. */
export function createRemoteKey(kid: string, algorithm: 'RS256' | 'ES256' = 'RS256'): RemoteKey {
  const pair =
    algorithm === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { kid, algorithm, ...pair }
}

/** The JWK set of these keys, as an answer. */
export function keySet(...keys: readonly RemoteKey[]): RemoteAnswer {
  const set = {
    keys: keys.map(({ kid, algorithm, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' })),
  }
  return () => Response.json(set)
}

/** Signs a token of the issuer as it is at `at`, good for an hour; claims that are undefined are left out. */
export function signToken(key: RemoteKey, { header = {}, claims }: TokenOfIssuer, at: number): Promise<string> {
  const all: Readonly<Record<string, unknown>> = { iat: at, exp: at + 3600, ...claims }
  const said = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  const protectedHeader: JWTHeaderParameters = { alg: key.algorithm, kid: key.kid, ...header }
  return new SignJWT(said).setProtectedHeader(protectedHeader).sign(key.privateKey)
}

/** Opens a trial. */
export function openRemoteTrial(description: RemoteProviderDescription, options: Partial<RemoteServerOptions> = {}): RemoteTrial {
  const fetched: string[] = []
  const answers: Record<string, RemoteAnswer> = {}
  const events: RecordedEvent[] = []
  const environment = fixedEnvironment({
    fetch: async (input, init = {}) => {
      fetched.push(String(input))
      const answer = answers[String(input)]
      if (!answer) throw new TypeError('fetch failed')
      return untilAborted(Promise.resolve(answer(init)), init.signal)
    },
  })
  const auth = description.create({ baseUrl: 'https://mcp.example.com', onEvent: (event) => events.push(event), ...options }, environment)
  return {
    auth,
    environment,
    events,
    fetched,
    answers,
    authenticate(token) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      return auth.authenticate(new Request(resource, { headers }))
    },
  }
}

function untilAborted(answer: Promise<Response>, signal: AbortSignal | null | undefined): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
    answer.then(resolve, reject)
  })
}
