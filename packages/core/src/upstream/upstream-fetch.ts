import type { Environment } from '../ports/environment.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import type { UpstreamQuirks } from '../ports/upstream-dialect.ts'
import type { Seconds } from '../protocol/time.ts'

/** No upstream answer that we can use is longer; a longer one is not read to its end (REL-R8). */
const sizeLimit = 256 * 1024

/** A person waits for it. Half of it would lose logins to a slow upstream, twice of it loses the person. */
export const upstreamDeadline: Seconds = 10

/** Failures in which nothing was sent, so that an authorization code is still good. */
const unsent: readonly string[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']

/** A fetch for upstream calls: with a deadline, a size limit and no redirects, and an answer in the form of RFC 6749. */
export type UpstreamFetch = (url: string, init: RequestInit) => Promise<Response>

/** Makes it. It rejects with `UpstreamUnavailable` for anything that is not JSON below status 500. */
export function upstreamFetch(environment: Environment, quirks: UpstreamQuirks = {}): UpstreamFetch {
  return async (url, init) => {
    const response = await environment
      .fetch(url, { ...init, redirect: 'manual', signal: environment.deadline(upstreamDeadline) })
      .catch((cause: unknown) => {
        throw unavailable(cause)
      })
    const { status } = response
    const reason = status >= 500 || status === 429 ? `status_${status}` : status >= 300 && status < 400 ? 'redirect' : undefined
    if (reason !== undefined) {
      // A body that nobody reads keeps its connection until the garbage collector comes by.
      await response.body?.cancel().catch(() => {})
      // Who is told that there were too many requests is told that this one was not carried out (RFC 6585 §4).
      throw new UpstreamUnavailable(reason, { ...retryAfterOf(response), sent: status !== 429 })
    }
    const text = await readLimited(response).catch((cause: unknown) => {
      throw unavailable(cause)
    })
    return normalise(status, text, quirks)
  }
}

function unavailable(cause: unknown): UpstreamUnavailable {
  if (cause instanceof UpstreamUnavailable) return cause
  if (cause instanceof DOMException) return new UpstreamUnavailable('deadline', { cause })
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : ''
  return new UpstreamUnavailable('unreachable', { sent: !unsent.includes(code), cause })
}

function retryAfterOf(response: Response): { retryAfter?: Seconds } {
  const seconds = Number(response.headers.get('retry-after'))
  // Longer waits are an upstream's own affair; ours are for clients that give up.
  return Number.isInteger(seconds) && seconds > 0 ? { retryAfter: Math.min(seconds, 300) } : {}
}

async function readLimited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > sizeLimit) throw new UpstreamUnavailable('answer_too_long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function normalise(status: number, text: string, quirks: UpstreamQuirks): Response {
  if (text === '' && status < 300) return Response.json({})
  const json = status === 401 || status === 403 ? parseRefusal(text) : parseObject(text)
  const failed = quirks.errorsWithStatus200 && typeof json.error === 'string'
  if (quirks.missingTokenType && json.token_type === undefined && json.access_token !== undefined) json.token_type = 'bearer'
  if (quirks.commaSeparatedScopes && typeof json.scope === 'string') json.scope = json.scope.split(/[ ,]+/).join(' ')
  // Without the upstream's headers: a WWW-Authenticate beside an error would hide the error from oauth4webapi.
  return Response.json(json, { status: failed && status < 300 ? 400 : status })
}

// A resource server's 401 or 403 says it all by its status; its body is often empty, a word or a page (RFC 6750 §3).
function parseRefusal(text: string): Record<string, unknown> {
  try {
    return parseObject(text)
  } catch {
    return {}
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return { ...json }
  } catch {
    // Without the cause: it quotes the text, in which a token may be.
    throw new UpstreamUnavailable('not_json')
  }
  throw new UpstreamUnavailable('not_an_object')
}
