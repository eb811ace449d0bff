import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { inTime } from '../ports/in-time.ts'
import {
  type Identified,
  type Identity,
  type LoginFacts,
  type Upstream,
  type UpstreamCall,
  type UpstreamClientCredentials,
  UpstreamRefused,
  UpstreamUnavailable,
} from '../ports/upstream.ts'
import { isOurSubject } from '../protocol/subject.ts'
import type { EndpointFinder } from './find-endpoints.ts'
import { idTokenVerifier } from './id-token.ts'
import { type ClaimsMap, mapClaims } from './map-claims.ts'
import type { HeardAnswer } from './token-answer.ts'
import { type UpstreamFetch, upstreamDeadline } from './upstream-fetch.ts'

/** What came with the tokens of a login, and the nonce that its ID token has to name. */
export interface Evidence extends HeardAnswer {
  readonly nonce: string
}

/** What asking who somebody is needs. */
export interface IdentificationNeeds {
  readonly upstream: Upstream
  readonly credentials: UpstreamClientCredentials
  readonly finder: EndpointFinder
  readonly call: UpstreamFetch
  /** The operator's own claims, by their names, and where they are in what the upstream says. */
  readonly claims?: ClaimsMap
  readonly environment: Environment
  readonly emit: Emit
}

/**
 * Opens the question who the person is. However often a provider asks for it, it is one answer that is waited for. A person with a subject of ours would be a
 * client, or somebody whom another issuer vouched for (spec row R99).
 */
export function openIdentification(
  needs: IdentificationNeeds,
): (accessToken: string, by: Evidence | { readonly known: Identity }) => Promise<Identified> {
  const { upstream, credentials: client, finder, call, environment } = needs
  const within = inTime(environment, upstreamDeadline)
  const verify = upstream.openId && idTokenVerifier(upstream.openId, { ...needs, clientId: client.clientId })

  async function factsOf(accessToken: string, { answer, idToken, nonce }: Evidence): Promise<LoginFacts> {
    return { answer, ...(verify && { idToken: await verify(idToken, { nonce, accessToken }) }) }
  }

  async function ask(accessToken: string, by: Evidence | { readonly known: Identity }): Promise<Identified> {
    const endpoints = await finder.find()
    const from = 'known' in by ? by : { login: await factsOf(accessToken, by) }
    return upstream.identify({ ...callsOf(call, accessToken), client, endpoints, ...from })
  }

  return async (accessToken, by) => {
    const identity = await within(ask(accessToken, by), () => new UpstreamUnavailable('deadline'))
    if (isOurSubject(identity.subject)) throw new UpstreamRefused('identity_subject_ours')
    return mapClaims(identity, needs.claims)
  }
}

function callsOf(call: UpstreamFetch, accessToken: string): Pick<UpstreamCall, 'accessToken' | 'getJson' | 'postJson' | 'ask'> {
  const asked = async (url: string, init: RequestInit): Promise<unknown> => {
    const response = await call(url, init)
    if (response.status === 401) throw new UpstreamRefused('token_not_accepted')
    if (!response.ok) throw new UpstreamUnavailable(`status_${response.status}`)
    return response.json()
  }
  const asPerson = { accept: 'application/json' }
  const authorization = `Bearer ${accessToken}`
  return {
    accessToken,
    async ask(url, init) {
      const response = await call(url, init)
      return { status: response.status, json: await response.json() }
    },
    getJson: (url, headers) => asked(url, { headers: { ...asPerson, ...headers, authorization } }),
    postJson: (url, body, headers) =>
      asked(url, {
        method: 'POST',
        headers: { ...asPerson, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers, authorization },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  }
}
