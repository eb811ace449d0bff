import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLeanFetch } from '../support/lean-fetch.ts'

/** How an upstream goes wrong: it takes its time, says 500, says 429, takes no connection, or does what it is asked and does not say so. */
export type Roughness = 'slow' | 'status-500' | 'status-429' | 'refuses' | 'loses-answers'

/** A way to the upstream on which things go wrong, and which knows whose upstream tokens were lost by it. */
export interface RoughUpstream {
  /** Begins to pass requests on to that upstream; answers where it listens. */
  before(url: string): Promise<string>
  roughen(how: Roughness): void
  mend(): void
  /**
   * Whether the login that came of this upstream code lost its upstream tokens: a refresh token that the upstream had taken
   * already was shown to it again, so nobody has the one that came of it.
   */
  isLost(upstreamCode: string): boolean
  close(): Promise<void>
}

/** A token with less than 300 s left is due: each login's has to be refreshed a moment after it came. */
const tokenLifetime = 302

/** Opens the way. */
export function openRoughUpstream(): RoughUpstream {
  const lean = openLeanFetch(64)
  const loginOf = new Map<string, string>()
  const spent = new Set<string>()
  const lost = new Set<string>()
  let how: Roughness | undefined
  let upstream = ''
  let port = 0
  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy())
  })

  async function listen(): Promise<void> {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address !== null && typeof address !== 'string') port = address.port
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request)
    if (how === 'slow') await sleep(1_500)
    if (how === 'status-500') return void response.writeHead(500).end('{}')
    if (how === 'status-429') return void response.writeHead(429, { 'retry-after': '7' }).end('{}')
    const { method = 'GET', headers, url = '/' } = request
    const sent = Object.entries(headers).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string' && pair[0] !== 'content-length',
    )
    const answer = await lean.fetch(`${upstream}${url}`, { method, headers: sent, ...(body !== '' && { body }) })
    const text = url.endsWith('/access_token') ? tokensOf(new URLSearchParams(body), await answer.text()) : await answer.text()
    if (how === 'loses-answers') return void request.socket.destroy()
    // The text may be another, so its length is.
    answer.headers.delete('content-length')
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(text)
  }

  /** Remembers which login the tokens are of; they are of a shorter life than the upstream said. */
  function tokensOf(form: URLSearchParams, text: string): string {
    const shown = form.get('refresh_token')
    const login = shown === null ? form.get('code') : loginOf.get(shown)
    if (shown !== null && spent.has(shown)) lost.add(login ?? '')
    const tokens: { refresh_token?: string } = JSON.parse(text)
    if (tokens.refresh_token === undefined) return text
    if (shown !== null) spent.add(shown)
    loginOf.set(tokens.refresh_token, login ?? '')
    return JSON.stringify({ ...tokens, expires_in: tokenLifetime })
  }

  return {
    async before(url) {
      upstream = url
      await listen()
      return `http://127.0.0.1:${port}`
    },
    roughen(next) {
      how = next
      if (how !== 'refuses') return
      server.close()
      server.closeAllConnections()
    },
    mend() {
      if (how === 'refuses') void listen()
      how = undefined
    },
    isLost: (upstreamCode) => lost.has(upstreamCode),
    async close() {
      server.close()
      server.closeAllConnections()
      lean.close()
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}
