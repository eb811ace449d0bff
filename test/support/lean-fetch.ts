import { Agent, type IncomingMessage, request } from 'node:http'

/** Sends requests in less than half the time of `fetch`, so that what sends them is not what is measured. */
export interface LeanFetch {
  /** As `fetch`, for http and texts and forms as bodies: follows nothing, and the body of the answer has been read. */
  fetch(url: string, init?: RequestInit): Promise<Response>
  /** Ends the connections it keeps. */
  close(): void
}

/**
 * Keeps connections, at most so many to one server. One that the server let go just as it was used again is replaced, as every
 * client does; not with `once`, for whoever has to know that a request may have been served.
 */
export function openLeanFetch(most: number, { once = false }: { readonly once?: boolean } = {}): LeanFetch {
  // A server of Node's lets go after 5 s.
  const agent = new Agent({ keepAlive: true, maxSockets: most, timeout: 2_000 })

  function send(url: string, { method = 'GET', headers, body }: RequestInit): Promise<Response> {
    const text = body === undefined || body === null ? undefined : String(body)
    const sent = new Headers(headers)
    if (body instanceof URLSearchParams) sent.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8')
    if (text !== undefined) sent.set('content-length', String(Buffer.byteLength(text)))
    return new Promise((resolve, reject) => {
      const asked = request(url, { agent, method, headers: Object.fromEntries(sent) }, (answer) => read(answer).then(resolve, reject))
      asked.on('error', (cause: NodeJS.ErrnoException) => {
        if (once || !asked.reusedSocket || cause.code !== 'ECONNRESET') return reject(cause)
        send(url, { method, headers: sent, body: text ?? null }).then(resolve, reject)
      })
      asked.end(text)
    })
  }

  return { fetch: (url, init = {}) => send(url, init), close: () => agent.destroy() }
}

async function read(answer: IncomingMessage): Promise<Response> {
  const parts: Buffer[] = []
  for await (const part of answer) parts.push(part)
  const headers = new Headers()
  for (let index = 0; index < answer.rawHeaders.length; index += 2)
    headers.append(answer.rawHeaders[index] ?? '', answer.rawHeaders[index + 1] ?? '')
  const status = answer.statusCode ?? 500
  return new Response(status === 204 || status === 304 ? null : Buffer.concat(parts), { status, headers })
}
