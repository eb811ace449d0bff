import * as oauth from 'oauth4webapi'
import { type Upstream, UpstreamRefused, type UpstreamTokens, UpstreamUnavailable } from '../ports/upstream.ts'
import { parseScope } from '../protocol/scope.ts'
import type { ExpandScopes } from '../protocol/scope-hierarchy.ts'
import { type ClientRefusalsNeeds, clientRefusals, isClientRefusal } from './client-refusals.ts'
import { type ScopeCodec, scopeCodec } from './scope-codec.ts'
import { type HeardAnswer, tokenCall } from './token-answer.ts'
import type { UpstreamFetch } from './upstream-fetch.ts'

/** What asking needs. */
export interface AskNeeds extends ClientRefusalsNeeds {
  readonly upstream: Upstream
  /** Upstreams leave out of their answers what another granted scope includes. */
  readonly expandScopes: ExpandScopes
}

/** What a token request is made with, and with what it is asked beside what its grant asks (RFC 8707 §2.2). */
export interface AskedWith {
  readonly call: UpstreamFetch
  readonly parameters: Readonly<Record<string, string>>
  /** Whether there is a refresh token already, which stays good where the answer has no new one (RFC 6749 §6). */
  readonly refreshes?: boolean
  /** Whether what a tool shows is traded: a 401 without a name that is about us can be about that. */
  readonly trades?: boolean
}

/** Tokens, and what was said beside them. */
export interface Answered extends HeardAnswer {
  readonly tokens: UpstreamTokens
}

/** Makes a token request and answers the tokens in our words. */
export type AskForTokens = (
  request: (options: oauth.TokenEndpointRequestOptions) => Promise<oauth.TokenEndpointResponse>,
  asked: AskedWith,
) => Promise<Answered>

/**
 * Opens the way to the upstream's token endpoint (RFC 6749 §5.1). It rejects with `UpstreamRefused` when the answer is no, and
 * with `UpstreamUnavailable` for anything else (RFC 6749 §5.2), and at once while the upstream does not take us for its client.
 */
export function openTokenRequests(needs: AskNeeds): AskForTokens {
  const askAsClient = clientRefusals(needs)
  const codec = scopeCodec(needs.upstream.scopes, needs.upstream.openId !== undefined)
  return (request, { call, parameters, refreshes = false, trades = false }) =>
    askAsClient(async () => {
      const { ask, heard } = tokenCall(call, needs.upstream.quirks)
      const options = {
        [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<string, BodyInit | undefined | null>) =>
          ask(url, toRequestInit(init)),
        // Only where the endpoint is on loopback, which the options have made sure of.
        [oauth.allowInsecureRequests]: true,
        additionalParameters: { ...parameters, ...needs.upstream.tokenParameters },
      }
      const answer = await request(options).catch((cause: unknown) => {
        throw judge(needs.upstream, cause, trades)
      })
      return { ...heard(), tokens: readTokens(needs, codec, answer, refreshes) }
    })
}

function toRequestInit({ method, headers, body }: oauth.CustomFetchOptions<string, BodyInit | undefined | null>): RequestInit {
  return { method, headers, ...(body != null && { body }) }
}

function readTokens(
  { upstream, expandScopes, environment }: AskNeeds,
  codec: ScopeCodec,
  answer: oauth.TokenEndpointResponse,
  refreshes: boolean,
): UpstreamTokens {
  // An empty scope says nothing: upstreams without scopes send it (GitHub Apps).
  const named = answer.scope ? parseScope(answer.scope) : undefined
  const scopes = named && codec.fromUpstream(named)
  const canRefresh = refreshes || answer.refresh_token !== undefined
  const expiresIn = answer.expires_in ?? (canRefresh ? upstream.assumedLifetime : undefined)
  return {
    accessToken: requireToken(answer.access_token),
    ...(answer.refresh_token !== undefined && { refreshToken: requireToken(answer.refresh_token) }),
    ...(expiresIn !== undefined && { expiresAt: environment.now() + Math.min(Math.floor(expiresIn), longest) }),
    ...(scopes && { scopes: expandScopes(scopes) }),
  }
}

// The upstream chooses the name, and might choose "constructor".
function ownMember<Value>(members: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined
}

// Anything else would be refused by fetch, as a header, in an error that quotes it.
function requireToken(token: string): string {
  if (/^[\x20-\x7e]+$/.test(token)) return token
  throw new UpstreamUnavailable('token_malformed')
}

/** An upstream that says "a million years" means "never"; a century keeps every sum finite (REL-R8). */
const longest = 100 * 365 * 86_400

// A no is final and ends the grant, so only what RFC 6749 §5.2 calls invalid_grant is one. Our own expired secret is an
// alarm for the operator, and never a reason to log people out.
//
// oauth4webapi's errors carry the upstream's whole answer. Ours are thrown into tools, which log what they catch, so of the
// answer they keep the name of the error and nothing that could be a token.
function judge({ errorNames = {} }: Upstream, cause: unknown, trades: boolean): Error {
  if (cause instanceof UpstreamUnavailable) return cause
  const error = cause instanceof oauth.ResponseBodyError ? nameOf(cause.error, errorNames) : undefined
  if (error === 'invalid_grant') return new UpstreamRefused(error)
  // For a code or a refresh token a 401 is about us and nobody else, whatever it is called (RFC 6749 §5.2).
  const isNamed = error !== undefined && isClientRefusal(error)
  const reason = isUnauthorized(cause) && !isNamed && !trades ? 'status_401' : error
  if (reason !== undefined) return new UpstreamUnavailable(reason, { sent: !isClientRefusal(reason) })
  return new UpstreamUnavailable('answer_not_usable', { cause: new Error(cause instanceof Error ? cause.message : 'unknown') })
}

function nameOf(error: string, errorNames: NonNullable<Upstream['errorNames']>): string {
  return ownMember(errorNames, error) ?? (/^[a-z_-]{1,64}$/.test(error) ? error : 'error_without_name')
}

function isUnauthorized(cause: unknown): boolean {
  if (cause instanceof oauth.ResponseBodyError) return cause.status === 401
  return cause instanceof oauth.OperationProcessingError && cause.cause instanceof Response && cause.cause.status === 401
}
