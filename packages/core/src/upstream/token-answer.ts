import type { UpstreamQuirks } from '../ports/upstream-dialect.ts'
import type { UpstreamFetch } from './upstream-fetch.ts'

/** What a token answer holds beside the tokens that oauth4webapi reads. */
export interface HeardAnswer {
  /** The ID token, as it came. We verify it ourselves: by our clock, and by keys that rotate. */
  readonly idToken?: string
  /** The answer without its tokens. */
  readonly answer: Readonly<Record<string, unknown>>
}

/** The way to the upstream for one token request, which puts the answer into the form of RFC 6749 §5.1, and what it heard. */
export interface TokenCall {
  readonly ask: UpstreamFetch
  heard(): HeardAnswer
}

/** Makes a {@link TokenCall}. */
export function tokenCall(call: UpstreamFetch, quirks: UpstreamQuirks = {}): TokenCall {
  let heard: HeardAnswer = { answer: {} }
  return {
    heard: () => heard,
    async ask(url, init) {
      const response = await call(url, quirks.jsonRequests ? asJson(init) : init)
      const json: Record<string, unknown> = await response.json()
      const { id_token: idToken, ...members } = response.ok ? normalise(json, quirks) : nameError(json, quirks)
      const { access_token: _, refresh_token: __, ...answer } = members
      if (response.ok) heard = { answer, ...(typeof idToken === 'string' && { idToken }) }
      return Response.json(members, { status: response.status })
    },
  }
}

function normalise(
  json: Readonly<Record<string, unknown>>,
  { readAnswer, nullMembers, scopesInList }: UpstreamQuirks,
): Readonly<Record<string, unknown>> {
  const answer = readAnswer ? readAnswer(json) : json
  const members = nullMembers ? Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== null && value !== '')) : answer
  return scopesInList && Array.isArray(members.scope) ? { ...members, scope: members.scope.join(' ') } : members
}

function nameError(json: Readonly<Record<string, unknown>>, { readError }: UpstreamQuirks): Readonly<Record<string, unknown>> {
  const error = readError?.(json)
  return error === undefined ? json : { ...json, error }
}

function asJson(init: RequestInit): RequestInit {
  const headers = new Headers(init.headers)
  headers.set('content-type', 'application/json')
  const { body } = init
  return { ...init, headers, body: JSON.stringify(Object.fromEntries(body instanceof URLSearchParams ? body : [])) }
}
