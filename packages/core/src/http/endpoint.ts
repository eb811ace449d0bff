import { type Context, Hono, type MiddlewareHandler } from 'hono'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { StoreUnavailable } from '../ports/store.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { DpopNonceWanted, OAuthError } from '../protocol/errors.ts'
import { answerOf } from './answer-of.ts'
import { apiHeaders } from './api-headers.ts'
import { boundedBody } from './bounded-body.ts'
import { challengeOf } from './challenge.ts'
import { ending } from './ending.ts'
import { errorPage } from './error-page.ts'
import { pageHeaders } from './page.ts'
import type { Caller, Peer } from './peer.ts'
import { type Limiter, type RateLimitKind, TooManyRequests } from './rate-limit.ts'
import { type KeptForm, keepForm, tryAgainOf } from './try-again.ts'

/** What is known of a request: who is at the other end, and the form it brought to a page. */
interface Env extends KeptForm {
  Bindings: Caller
}

/** Answers a request. It never rejects. */
export type Handler = (request: Request, peer?: Peer) => Promise<Response>

/** What an endpoint is: where, which methods, and how it speaks. */
export interface EndpointParts {
  /** For events; a name and not a path. */
  readonly name: string
  readonly get?: (request: Request) => Response | Promise<Response>
  readonly post?: (request: Request) => Response | Promise<Response>
  readonly put?: (request: Request) => Response | Promise<Response>
  readonly delete?: (request: Request) => Response | Promise<Response>
  /** `document`: metadata for everyone. `api`: JSON for programs, from any origin. `page`: for people, from nowhere else. */
  readonly kind: 'document' | 'api' | 'page'
  /** Whether a request may have to wait for the upstream, or for the host of a client. Default: it waits for nobody but the store. */
  readonly waitsForOthers?: boolean
  /** Whether who sent the browser counts here. Default: it does not. */
  readonly senderCounts?: boolean
  readonly environment: Environment
  readonly emit: Emit
  /** Stops floods, before anything else is done for them. */
  readonly limiter?: Limiter
  /** What requests to this endpoint count as. */
  readonly limitedAs?: RateLimitKind
}

/** An endpoint with everything HTTP asks for around its handler: methods, CORS, sizes, headers, and errors as answers. */
export function openEndpoint(parts: EndpointParts): Handler {
  const { name, kind, emit } = parts
  const app = new Hono<Env>()
  const answers = answersOf(parts)
  const methods = [...answers.keys()].flatMap((method) => (method === 'GET' && kind === 'document' ? ['GET', 'HEAD'] : [method]))
  if (kind === 'page') app.use(pageHeaders())
  else app.use(apiHeaders(methods))
  app.use(async (context, next) => {
    const headers = { allow: methods.join(', '), 'cache-control': 'no-store' }
    if (!methods.includes(context.req.method)) return new Response(null, { status: 405, headers })
    await next()
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store')
    return undefined
  })
  app.use(ending(parts))
  // Before the limits, which know a request by its object: this puts another in its place.
  app.use(boundedBody())
  if (kind === 'page') app.on('POST', '*', keepForm())
  app.use(limiting(parts))
  for (const [method, answer] of answers) app.on(method, '*', (context) => answerWith(answer, context.req.raw))
  app.onError((error, context) => {
    report(error, name, emit)
    return renderError(context, error, parts)
  })
  return async (request, caller: Caller = {}) => app.fetch(request, caller)
}

function answersOf(parts: EndpointParts): ReadonlyMap<string, NonNullable<EndpointParts['get']>> {
  const all = { GET: parts.get, POST: parts.post, PUT: parts.put, DELETE: parts.delete }
  return new Map(Object.entries(all).flatMap(([method, answer]) => (answer ? [[method, answer]] : [])))
}

// A wrong secret is counted when it is known for one, and asked about before the next one is looked at.
function limiting({ limiter, limitedAs }: EndpointParts): MiddlewareHandler<Env> {
  return async (context, next) => {
    if (!limiter || !limitedAs) return next()
    const { raw } = context.req
    await limiter.admit(limitedAs, raw, context.env)
    // Those that take secrets.
    if (limitedAs === 'token' || limitedAs === 'introspect') await limiter.refuseAfter('token-failure', raw, context.env)
    await next()
    const failed = context.error instanceof OAuthError && context.error.reason === 'client_secret_wrong'
    if (failed) await limiter.admit('token-failure', raw, context.env).catch(() => {})
  }
}

// A function of the operator's may throw anything, and Hono lets nothing but errors be answered.
async function answerWith(answer: (request: Request) => Response | Promise<Response>, request: Request): Promise<Response> {
  try {
    return await answer(request)
  } catch (cause) {
    throw cause instanceof Error ? cause : new Error('something was thrown that is no error', { cause })
  }
}

function report(error: Error, endpoint: string, emit: Emit): void {
  if (error instanceof OAuthError && error.code === 'authorization_pending') return // No news: a device asks again and again.
  if (error instanceof OAuthError) emit({ type: 'request.refused', endpoint, error: error.code, reason: error.reason })
  else if (error instanceof TooManyRequests) emit({ type: 'request.limited', endpoint })
  else if (error instanceof StoreUnavailable) emit({ type: 'store.unavailable', endpoint, reason: error.name })
  else if (error instanceof UpstreamUnavailable) emit({ type: 'upstream.failed', operation: endpoint, reason: error.reason })
  else emit({ type: 'request.failed', endpoint, errorName: error.name })
}

/** What HTTP has a status for and OAuth none, by its reason (RFC 9110 §15.5.14 and §15.5.16). */
const unnamedStatuses: readonly (readonly [reason: string, status: number])[] = [
  ['body_too_long', 413],
  ['content_encoding', 415],
  ['charset', 415],
]

function renderError(
  context: Context<Env>,
  error: Error,
  { kind, senderCounts = false, environment }: EndpointParts,
): Response | Promise<Response> {
  const answer = answerOf(error, environment)
  // These have no name in OAuth; the others are the status of their name.
  const unnamed = unnamedStatuses.find(([reason]) => error instanceof OAuthError && error.reason === reason)
  const status = unnamed?.[1] ?? statusOn(kind, answer)
  const headers = {
    'cache-control': 'no-store',
    ...(answer.retryAfter !== undefined && { 'retry-after': String(answer.retryAfter) }),
    ...(error instanceof DpopNonceWanted && { 'dpop-nonce': error.nonce }),
    ...(status === 401 && challengeOf(answer.code, context.req.raw)),
  }
  if (kind === 'page' && prefersHtml(context.req.raw)) {
    const tryAgain = status === 503 ? tryAgainOf(context.req.raw, context.get('posted'), senderCounts) : undefined
    return errorPage(status, { ...answer, tryAgain, requestId: context.env.requestId }, headers)
  }
  return Response.json(
    { error: answer.code, error_description: answer.description },
    { status, headers: { ...headers, pragma: 'no-cache' } },
  )
}

// On a page there is no client to authenticate again; to a program, a person's no is an answer like any other (RFC 6749 §5.2, RFC 8628 §3.5).
function statusOn(kind: EndpointParts['kind'], { status, code }: { readonly status: number; readonly code: string }): number {
  return (kind === 'page' && status === 401) || (kind === 'api' && code === 'access_denied') ? 400 : status
}

/** Whether the request comes from something that shows pages to people. */
export function prefersHtml(request: Request): boolean {
  return /\btext\/html\b/i.test(request.headers.get('accept') ?? '')
}
