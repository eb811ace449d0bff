import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { ClientMemory } from '@drawbridge/quickstart/client-memory'
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { allow } from '../mcp/person.ts'

/** Where the suite, which cannot log in, meets a server that wants a token. */
export interface TokenProxy {
  readonly url: string
  close(): Promise<void>
}

/** Logs in with the official client; answers the access token. */
export async function logIn(mcpUrl: string): Promise<string> {
  const memory = new ClientMemory('http://127.0.0.1:33418/callback')
  const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory })
  const client = new Client({ name: 'the login of the suite', version: '1.0.0' })
  const refused = await client.connect(transport).catch((error: unknown) => error)
  if (!(refused instanceof UnauthorizedError) || !memory.authorizationUrl)
    throw new Error('the server asked nobody to log in', { cause: refused })
  const { url } = await allow(memory.authorizationUrl.href, memory.redirectUrl)
  await transport.finishAuth(new URL(url).searchParams)
  const token = memory.tokens()?.access_token
  if (token === undefined) throw new Error('the login brought no token')
  return token
}

/** Passes every request on as it came, `Host` and all, with this token added, and every answer back. */
export async function serveTokenProxy(mcpUrl: string, accessToken: string): Promise<TokenProxy> {
  const { origin, pathname } = new URL(mcpUrl)
  const server = createServer((incoming, answer) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${accessToken}` }
    const onward = request(`${origin}${incoming.url}`, { method: incoming.method, headers }, (theirs) => {
      answer.writeHead(theirs.statusCode ?? 502, theirs.headers)
      theirs.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    answer.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('the proxy listens on no port')
  return {
    url: `http://127.0.0.1:${address.port}${pathname}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
