import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type RecordedEvent, systemEnvironment } from '@drawbridge/core'
import { GitHubProvider, github as githubUpstream } from '@drawbridge/providers/github'
import { MultiProvider } from '@drawbridge/providers/several'
import { type ServedStandIn, serveStandIn } from '@drawbridge/quickstart/stand-in'
import { memoryStore } from '@drawbridge/storage'
import { getRequestListener } from '@hono/node-server'
import { generate } from 'selfsigned'
import { type FailingStore, failingStore } from '../support/failing-store.ts'
import { freePort } from '../support/free-port.ts'
import { challenge, signingKey, verifier } from '../support/house.ts'

/** A server on http or https loopback, its upstream, and the program that waits for the client's answer. */
export interface ServedLogin {
  readonly baseUrl: string
  readonly github: ServedStandIn
  /** The upstreams beside, by their names. */
  readonly others: ReadonlyMap<string, ServedStandIn>
  readonly events: RecordedEvent[]
  readonly store: FailingStore
  readonly redirectUri: string
  /** Registers a client; answers its authorization URL. */
  authorizeUrl(metadata?: Record<string, unknown>): Promise<string>
  /** Redeems the code in the URL where the browser ended. */
  redeem(url: string): Promise<number>
  close(): Promise<void>
}

/** Serves it; with the names of other providers, people choose between GitHub and those. */
export async function serveLogin(scheme: 'http' | 'https', names: readonly string[] = []): Promise<ServedLogin> {
  const port = await freePort()
  const baseUrl = `${scheme}://localhost:${port}`
  const credentials = { clientId: 'app', clientSecret: 'hush' }
  const callbackUrl = `${baseUrl}/auth/callback`
  const github = await serveStandIn({ ...credentials, callbackUrl: names.length > 0 ? `${callbackUrl}/github` : callbackUrl })
  const others = new Map<string, ServedStandIn>()
  for (const name of names) others.set(name, await serveStandIn({ ...credentials, callbackUrl: `${callbackUrl}/${keyOf(name)}` }))
  const events: RecordedEvent[] = []
  const environment = systemEnvironment()
  const store = failingStore(memoryStore())
  const options = { baseUrl, jwtSigningKey: signingKey, clientStorage: store, onEvent: (event: RecordedEvent) => events.push(event) }
  const entryOf = (name: string, { url }: ServedStandIn) => ({ upstream: { ...githubUpstream(url), name }, ...credentials })
  const listed = [...others].map(([name, standIn]) => [keyOf(name), entryOf(name, standIn)] as const)
  const auth =
    names.length > 0
      ? new MultiProvider({ ...options, providers: { github: entryOf('GitHub', github), ...Object.fromEntries(listed) } }, environment)
      : new GitHubProvider({ ...options, ...credentials, serverUrl: github.url }, environment)
  const handle = async (request: Request): Promise<Response> =>
    (await auth.fetch(request)) ?? new Response('nobody is here', { status: 404 })
  const listener = getRequestListener(handle, { overrideGlobalObjects: false })
  const certificate = scheme === 'https' ? await generate([{ name: 'commonName', value: 'localhost' }]) : undefined
  const server = certificate
    ? createHttpsServer({ key: certificate.private, cert: certificate.cert }, listener)
    : createHttpServer(listener)
  await once(server.listen(port, 'localhost'), 'listening')
  const clientPort = await freePort()
  const client = createHttpServer((_, response) => response.setHeader('content-type', 'text/html').end('<h1>Back at the client</h1>'))
  await once(client.listen(clientPort, '127.0.0.1'), 'listening')
  const redirectUri = `http://127.0.0.1:${clientPort}/callback`
  let clientId = ''

  const post = async (path: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
    handle(new Request(`${baseUrl}${path}`, { method: 'POST', body, headers }))

  return {
    baseUrl,
    github,
    others,
    events,
    store,
    redirectUri,
    async authorizeUrl(metadata = {}) {
      const body = JSON.stringify({ client_name: 'A test', redirect_uris: [redirectUri], ...metadata })
      const registered: { client_id: string } = await (await post('/register', body, { 'content-type': 'application/json' })).json()
      clientId = registered.client_id
      const parameters = {
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        state: 'the-state',
      }
      return `${baseUrl}/authorize?${new URLSearchParams(parameters)}`
    },
    async redeem(url) {
      const code = new URL(url).searchParams.get('code') ?? ''
      const fields = { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier }
      return (await post('/token', new URLSearchParams(fields))).status
    },
    async close() {
      for (const each of [server, client]) {
        each.close()
        each.closeAllConnections()
      }
      await auth.close()
      for (const standIn of [github, ...others.values()]) await standIn.close()
    },
  }
}

function keyOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}
