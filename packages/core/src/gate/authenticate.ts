import { answerOf, TookTooLong } from '../http/answer-of.ts'
import { type BearerCredentials, formatChallenge, readBearer } from '../http/bearer.ts'
import { dpopOffer, formatDpopChallenge, readDpop } from '../http/dpop.ts'
import { longestRequest } from '../http/ending.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { inTime } from '../ports/in-time.ts'
import { StoreUnavailable } from '../ports/store.ts'
import type { TokenVerifier } from '../ports/token-verifier.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { DpopNonceWanted, type ErrorCode, OAuthError } from '../protocol/errors.ts'
import type { Resource } from '../protocol/public-url.ts'
import { coversScopes, resourceScopes } from '../protocol/scope.ts'
import type { ExpandScopes } from '../protocol/scope-hierarchy.ts'
import type { DpopProofs } from '../tokens/dpop-proofs.ts'
import type { AuthInfo, VerifyAccessToken } from '../tokens/verify-access-token.ts'
import { verifyAmongOthers } from '../verifiers/ask-verifiers.ts'
import { scopesOfCalls, type ToolScopes } from './scopes-of-calls.ts'

/** Who may pass, and where the others are sent to learn how. */
export interface Gate {
  /** The resources whose tokens are good here; the first one is named in challenges. */
  readonly resources: readonly [Resource, ...Resource[]]
  readonly scopes: readonly string[]
  /** The addresses that a proof may name. */
  readonly urls: readonly string[]
  readonly toolScopes?: ToolScopes | undefined
  /** Who else is asked, in order, about a token that is none of ours. */
  readonly verifiers?: readonly TokenVerifier[] | undefined
}

/** What the gate needs. */
export interface AuthenticateNeeds {
  readonly verify: VerifyAccessToken
  /** Undefined while tokens are not bound: then only bearer tokens are looked at. */
  readonly proofs: DpopProofs | undefined
  readonly expandScopes: ExpandScopes
  readonly environment: Environment
  readonly emit: Emit
}

/** What a client is told whose token is good, and not for this. */
export const insufficient = 'The access token was not granted what this needs.'

/** Lets a request pass, or answers it. */
export type Authenticate = (request: Request, gate: Gate) => Promise<AuthInfo | Response>

/**
 * The gate (RFC 6750, RFC 9449 §7, RFC 9728 §5.1): who calls, or the finished 400, 401, 403 or 503. Tokens in the query, the body or
 * a cookie are not looked at. Trouble that passes is 503 without a challenge, so that no client throws its tokens away.
 */
export function authenticate(needs: AuthenticateNeeds): Authenticate {
  const { environment } = needs
  const within = inTime(environment, longestRequest)
  const judge = judging(needs)
  return (request, gate) => {
    const work = judge(request, gate)
    const late = (): Error => {
      environment.defer(work.then(() => {}))
      return new TookTooLong()
    }
    return within(work, late).catch((cause: unknown) => fail(cause, needs))
  }
}

function judging({ verify, proofs, expandScopes, environment, emit }: AuthenticateNeeds): Authenticate {
  return async (request, { resources, scopes: asked, toolScopes, urls, verifiers }) => {
    const [{ metadataUrl }] = resources
    const scopes = resourceScopes(asked)
    const { isDpop, credentials } = readCredentials(request, proofs)
    const challenge: FormatChallenge = (error, description, needed = scopes) => {
      const texts = { ...(error !== undefined && { error }), ...(description !== undefined && { description }) }
      const parts = { scopes: needed, metadataUrl, ...texts }
      if (isDpop || proofs?.required) return formatDpopChallenge(parts)
      return proofs ? `${formatChallenge(parts)}, ${dpopOffer}` : formatChallenge(parts)
    }
    if (credentials.is === 'absent')
      return new Response(null, { status: 401, headers: { 'www-authenticate': challenge(), 'cache-control': 'no-store' } })
    if (credentials.is === 'malformed') {
      emit({ type: 'token.refused', reason: 'credentials_malformed' })
      return refuse(400, 'invalid_request', 'The Authorization header is malformed.', challenge)
    }
    const { token } = credentials
    try {
      const proof = isDpop ? await proofs?.demand(request, { urls, accessToken: token }) : undefined
      const info = await verifyAmongOthers({ verify, environment, emit }, verifiers)(token, resources, proof)
      const needed = toolScopes ? await withScopesOfCalls(scopes, request, toolScopes) : scopes
      if (coversScopes(expandScopes(info.scopes), needed)) return info
      const { clientId, extra } = info
      const whose = { clientId, ...(extra.grantId !== undefined && { grantId: extra.grantId }) }
      emit({ type: 'token.refused', reason: 'scope_missing', ...whose, scopes: needed })
      return refuse(403, 'insufficient_scope', insufficient, (error, description) => challenge(error, description, needed))
    } catch (error) {
      if (!(error instanceof OAuthError) || !refusedHere.includes(error.code)) return fail(error, { environment, emit })
      emit({ type: 'token.refused', reason: error.reason })
      return refuse(401, error.code, error.message, challenge, error instanceof DpopNonceWanted ? { 'dpop-nonce': error.nonce } : {})
    }
  }
}

/** What is wrong with a token or its proof, and not with us; each is 401 (RFC 9449 §7.1). */
const refusedHere: readonly ErrorCode[] = ['invalid_token', 'invalid_dpop_proof', 'use_dpop_nonce']

/** The value of `WWW-Authenticate`; the scopes are those of the endpoint unless others are named. */
type FormatChallenge = (error?: string, description?: string, needed?: readonly string[]) => string

// Everything the request needs, at once: a client that asks for half of it is back with the other half (spec row R31).
async function withScopesOfCalls(scopes: readonly string[], request: Request, toolScopes: ToolScopes): Promise<readonly string[]> {
  return [...new Set([...scopes, ...resourceScopes(await scopesOfCalls(request, toolScopes))])]
}

// A client is answered in the scheme that it tried.
function readCredentials(request: Request, proofs: DpopProofs | undefined): { isDpop: boolean; credentials: BearerCredentials } {
  const dpop = proofs && readDpop(request)
  return dpop ? { isDpop: true, credentials: dpop } : { isDpop: false, credentials: readBearer(request) }
}

function refuse(
  status: number,
  error: string,
  description: string,
  challenge: FormatChallenge,
  more: Record<string, string> = {},
): Response {
  const headers = { 'www-authenticate': challenge(error, description), 'cache-control': 'no-store', ...more }
  return Response.json({ error, error_description: description }, { status, headers })
}

function fail(cause: unknown, { environment, emit }: Pick<AuthenticateNeeds, 'environment' | 'emit'>): Response {
  const error = cause instanceof Error ? cause : new Error('unknown')
  if (error instanceof StoreUnavailable) emit({ type: 'store.unavailable', endpoint: 'gate', reason: error.name })
  else if (error instanceof UpstreamUnavailable) emit({ type: 'upstream.failed', operation: 'gate', reason: error.reason })
  else if (error instanceof OAuthError) emit({ type: 'request.refused', endpoint: 'gate', error: error.code, reason: error.reason })
  else emit({ type: 'request.failed', endpoint: 'gate', errorName: error.name })
  const { status, code, description, retryAfter } = answerOf(error, environment)
  const headers = { 'cache-control': 'no-store', ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) }
  return Response.json({ error: code, error_description: description }, { status, headers })
}
