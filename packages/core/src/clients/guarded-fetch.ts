import type { Environment } from '../ports/environment.ts'
import { AddressRefused } from '../ports/pinned-fetch.ts'
import { OAuthError } from '../protocol/errors.ts'
import { isLoopbackAddress, isPublicAddress } from '../protocol/public-address.ts'
import type { Seconds } from '../protocol/time.ts'
import { fetchBudget } from './fetch-budget.ts'

/**
 * What is at a URL that a client named cannot be used. `passing` when it may be another time; a host with an address that is
 * not public is like one that does not answer, so that nobody learns from us which names there are in a private network.
 * The reason is for the operator; clients are told one text (threat T48).
 */
export class DocumentUnusable extends Error {
  override readonly name = 'DocumentUnusable'
  readonly reason: string
  readonly passing: boolean

  constructor(reason: string, { passing = false, cause }: { passing?: boolean; cause?: unknown } = {}) {
    super('a document cannot be used', { cause })
    this.reason = reason
    this.passing = passing
  }
}

/** What a client is told whose document or keys cannot be read at the moment. */
export function busy(cause: DocumentUnusable): OAuthError {
  const description = 'What the client says of itself at its own address cannot be read at the moment.'
  return new OAuthError('temporarily_unavailable', description, { reason: 'document_unreachable', cause })
}

/** JSON that was fetched, and the headers it came with. */
export interface FetchedJson {
  readonly json: unknown
  readonly headers: Headers
}

/** Fetches JSON from a URL that a client named. Rejects with {@link DocumentUnusable} and nothing else. */
export type GuardedFetch = (url: string, sizeLimit: number) => Promise<FetchedJson>

/** What it needs. */
export interface GuardedFetchNeeds {
  readonly environment: Environment
  /** Never fetched from: we would be asking ourselves. */
  readonly ownOrigins: readonly string[]
  readonly allowLoopback: boolean
}

/** From the name to the last byte. A person waits for it, and a small file is there at once or not at all. */
const deadline: Seconds = 5

const headers = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'Drawbridge' }

/** Makes the one fetch for what clients name: bounded in number, in time and in size, and to public addresses only (spec rows R127 to R129, R145). */
export function guardedFetch({ environment, ownOrigins, allowLoopback }: GuardedFetchNeeds): GuardedFetch {
  const begin = fetchBudget(environment)
  const allowAddress = (address: string): boolean => isPublicAddress(address) || (allowLoopback && isLoopbackAddress(address))
  return async (url, sizeLimit) => {
    const { origin } = new URL(url)
    if (ownOrigins.includes(origin)) throw new DocumentUnusable('own_origin')
    const end = begin(origin)
    if (!end) throw new DocumentUnusable('busy', { passing: true })
    try {
      const response = await environment.fetchPinned(url, { headers, signal: environment.deadline(deadline), allowAddress })
      const refusal = refuseHead(response)
      // A body that nobody reads keeps its connection.
      if (refusal) await response.body?.cancel().catch(() => {})
      if (refusal) throw refusal
      return { json: parseJson(await readLimited(response, sizeLimit)), headers: response.headers }
    } catch (cause) {
      throw unusable(cause)
    } finally {
      end()
    }
  }
}

function refuseHead({ status, headers }: Response): DocumentUnusable | undefined {
  if (status >= 300 && status < 400) return new DocumentUnusable('redirect')
  if (status !== 200) return new DocumentUnusable(`status_${status}`, { passing: status >= 500 || status === 429 })
  const type = headers.get('content-type') ?? ''
  // JSON is UTF-8, whatever a parameter claims (RFC 8259 §8.1, §11).
  if (!/^application\/(json|[a-z0-9.-]+\+json)\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type)) return new DocumentUnusable('content_type')
  if (headers.has('content-encoding') && headers.get('content-encoding') !== 'identity') return new DocumentUnusable('content_encoding')
  return undefined
}

// Nothing here is compressed, so the bytes that come in are the bytes that are parsed.
async function readLimited(response: Response, sizeLimit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    // Leaving the loop cancels the body.
    if (size > sizeLimit) throw new DocumentUnusable('too_long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // Without the cause, which quotes the text.
    throw new DocumentUnusable('not_json')
  }
}

function unusable(cause: unknown): DocumentUnusable {
  if (cause instanceof DocumentUnusable) return cause
  const reason =
    cause instanceof AddressRefused ? 'address_refused' : cause instanceof DOMException || isAbort(cause) ? 'deadline' : 'unreachable'
  return new DocumentUnusable(reason, { passing: true, cause })
}

function isAbort(cause: unknown): boolean {
  return cause instanceof Error && cause.name === 'AbortError'
}
