import { type IncomingMessage, Agent as PlainAgent, request as plainRequest, type RequestOptions } from 'node:http'
import { Agent, request as tlsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { type ResolveHost, resolveHost } from './resolve-host.ts'

/** How a {@link FetchPinned} is made. */
export interface PinnedRequest {
  readonly headers: Readonly<Record<string, string>>
  /** Ends it, whatever it is at: the name, the connection, the body. */
  readonly signal: AbortSignal
  /** Judges every address of the host, before there is a connection. One that it refuses refuses them all. */
  readonly allowAddress: (address: string) => boolean
}

/**
 * A GET of a URL that a stranger chose. The host is resolved once, every address is judged, and the connection goes to one of
 * those, so that a second answer of its name server changes nothing (threat T49). It follows no redirect, uses no proxy
 * whatever the process's environment says (threat T53), and shares its connection with nobody. Rejects with
 * {@link AddressRefused}, and otherwise with what the network threw.
 */
export type FetchPinned = (url: string, request: PinnedRequest) => Promise<Response>

/** The host has an address that was refused. It does not say which one. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

/** Makes a {@link FetchPinned}. */
export function pinnedFetch({ resolve = resolveHost }: { readonly resolve?: ResolveHost } = {}): FetchPinned {
  return async (url, { headers, signal, allowAddress }) => {
    const target = new URL(url)
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1')
    const addresses = isIP(host) === 0 ? await resolve(host, signal) : [host]
    signal.throwIfAborted()
    if (addresses.length === 0 || !addresses.every(allowAddress)) throw new AddressRefused('an address of the host is refused')
    return toResponse(await get(target, { headers, signal, lookup: answering(addresses) }))
  }
}

/** A lookup that asks nobody. */
function answering(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_, options, callback) => {
    const [first] = all
    if (options.all) callback(null, all)
    else callback(null, first?.address ?? '', first?.family)
  }
}

// An agent of its own: the global one may have been given proxies, and connections that others opened.
function get(target: URL, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request =
      target.protocol === 'https:'
        ? tlsRequest(target, { ...options, agent: new Agent({ keepAlive: false }), rejectUnauthorized: true })
        : plainRequest(target, { ...options, agent: new PlainAgent({ keepAlive: false }) })
    request.once('response', resolve).on('error', reject).end()
  })
}

/** Statuses whose answers have no body, in the eyes of {@link Response}. */
const bodiless: readonly number[] = [204, 205, 304]

function toResponse(message: IncomingMessage): Response {
  const { statusCode: status = 0, rawHeaders } = message
  // A body that nobody reads would keep the connection; its errors are those of whoever reads it.
  message.on('error', () => {})
  if (status < 200 || status > 599 || bodiless.includes(status)) message.destroy()
  if (status < 200 || status > 599) throw new TypeError('the status of the answer is none')
  const headers = new Headers()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '')
  return new Response(bodiless.includes(status) ? null : (Readable.toWeb(message) as ReadableStream<Uint8Array>), { status, headers })
}
