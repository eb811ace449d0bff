import type { Limiter } from '../http/rate-limit.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import { invalidClient, type OAuthError } from '../protocol/errors.ts'
import { freshFor } from '../protocol/freshness.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import { type Client, clientOfDocument } from '../records/client.ts'
import type { Seen } from '../records/collection.ts'
import type { Records } from '../records/records.ts'
import type { FindClient } from './find-client.ts'
import { busy, DocumentUnusable, type GuardedFetch } from './guarded-fetch.ts'
import { type DocumentPolicy, parseDocument } from './parse-document.ts'

/** Clients that are URLs. The two ways to find one differ in what a host's trouble does. */
export interface DocumentClients {
  /** For a login: the document as it is now. A host that cannot be reached leaves the last good one in use for a week. Throws `invalid_client`. */
  readonly findCurrent: FindClient
  /** For what was granted before: the last good one, whatever its host says, so that nobody is logged out by it; it is read again beside the request. */
  readonly findKnown: FindClient
  /** Reads the document now. Rejects with {@link DocumentUnusable}. */
  readonly readAgain: (url: string) => Promise<Client>
}

/** What they need. */
export interface DocumentClientsNeeds {
  readonly fetchJson: GuardedFetch
  readonly policy: DocumentPolicy
  readonly records: Pick<Records, 'clients' | 'lists'>
  readonly limiter: Pick<Limiter, 'admitAlso'>
  readonly environment: Environment
  readonly emit: Emit
}

/** Longer ones are refused (draft-ietf-oauth-client-id-metadata-document-00 §6.6). */
const sizeLimit = 5 * 1024

const freshness = { least: fixedLifetimes.documentLeast, most: fixedLifetimes.documentMost, otherwise: fixedLifetimes.document }

/** Opens them. A document that was read is the record of a client under its URL; one that could not be used leaves no trace. */
export function documentClients(needs: DocumentClientsNeeds): DocumentClients {
  const { records, limiter, environment } = needs
  const read = readingOnce(needs)
  const isFresh = ({ document }: Client): boolean => (document?.freshUntil ?? 0) > environment.now()
  const readBeside = besides(environment, read)
  return {
    readAgain: async (url) => read(url, await records.clients.read(url)),
    async findCurrent(url, request) {
      const seen = await records.clients.read(url)
      const known = seen.record
      if (known && isFresh(known)) return known
      await limiter.admitAlso('document', request)
      return read(url, seen).catch((cause: unknown) => {
        if (!(cause instanceof DocumentUnusable)) throw cause
        if (known?.document && cause.passing && environment.now() < known.document.readAt + fixedLifetimes.documentKept) return known
        throw cause.reason === 'busy' ? busy(cause) : refused(cause)
      })
    },
    async findKnown(url, request) {
      const seen = await records.clients.read(url)
      if (seen.record) {
        if (!isFresh(seen.record)) readBeside(url, seen)
        return seen.record
      }
      await limiter.admitAlso('document', request)
      return read(url, seen).catch((cause: unknown) => {
        if (!(cause instanceof DocumentUnusable)) throw cause
        if (cause.passing) throw busy(cause)
        return undefined
      })
    },
  }
}

type Read = (url: string, seen: Seen<Client>) => Promise<Client>

/** Whoever asks while a document is being read waits for that one. */
function readingOnce(needs: DocumentClientsNeeds): Read {
  const underWay = new Map<string, Promise<Client>>()
  return (url, seen) => {
    const reading = underWay.get(url) ?? readAndKeep(needs, url, seen).finally(() => underWay.delete(url))
    underWay.set(url, reading)
    return reading
  }
}

async function readAndKeep(
  { fetchJson, policy, records, environment, emit }: DocumentClientsNeeds,
  url: string,
  seen: Seen<Client>,
): Promise<Client> {
  try {
    const { json, headers } = await fetchJson(url, sizeLimit)
    const metadata = parseDocument(url, json, policy)
    const now = environment.now()
    const freshUntil = now + freshFor(headers, now, freshness)
    const [client] = await Promise.all([
      records.clients.change(
        url,
        (known) => {
          const next = clientOfDocument(known, url, metadata, freshUntil, now)
          return { next, answer: next }
        },
        seen,
      ),
      (seen.record?.endsAt ?? 0) < now + fixedLifetimes.clientUnused &&
        records.lists.add({ kind: 'clients' }, url, fixedLifetimes.clientUnused),
    ])
    emit({ type: 'document.read', clientId: url, clientName: client.clientName })
    return client
  } catch (cause) {
    if (cause instanceof DocumentUnusable) emit({ type: 'document.refused', clientId: url, reason: cause.reason })
    throw cause
  }
}

/** Reads a document beside the request, each at most once a minute: a client may refresh often while its host is down. */
function besides(environment: Environment, read: Read): (url: string, seen: Seen<Client>) => void {
  const triedUntil = new BoundedCache<UnixSeconds>(1000)
  return (url, seen) => {
    const now = environment.now()
    if ((triedUntil.find(url) ?? 0) > now) return
    triedUntil.keep(url, now + 60)
    environment.defer(
      read(url, seen).then(
        () => {},
        // It was told as an event; and a store in trouble will be met by the next request.
        () => {},
      ),
    )
  }
}

function refused(cause: DocumentUnusable): OAuthError {
  return invalidClient('The document that describes the application cannot be read, or is not valid.', 'document_unusable', cause)
}
