import { setTimeout as sleep } from 'node:timers/promises'
import { ClientMemory } from '@drawbridge/quickstart/client-memory'
import { openBrowser } from '@drawbridge/quickstart/driver'
import {
  Client,
  discoverOAuthServerInfo,
  OAuthError,
  refreshAuthorization,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'

/** What happened to a client so far. */
export interface Tally {
  /** Calls that were answered, by the worker that answered. */
  readonly calls: ReadonlyMap<number, number>
  readonly refreshes: number
  /** Requests that failed and were made again: nobody noticed but by the time it took. */
  readonly waits: number
  /** Answers that say "sign in again". There is never a reason for one here. */
  readonly logouts: number
}

/** A client that is logged in and keeps working. */
export interface BusyClient {
  readonly tally: Tally
  stop(): Promise<void>
}

const redirectUrl = 'http://127.0.0.1:33418/callback'

/** MCP's own client logs in, calls a tool all the time, and refreshes every second. */
export async function startClient(mcpUrl: string, pauseMs: number): Promise<BusyClient> {
  const memory = new ClientMemory(redirectUrl)
  const calls = new Map<number, number>()
  const tally = { calls, refreshes: 0, waits: 0, logouts: 0 }
  await logIn(mcpUrl, memory)
  const client = await connect(mcpUrl, memory, tally)
  let going = true

  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (isLogout(error)) tally.logouts += 1
      else tally.waits += 1
      await sleep(100)
    }
  }
  const calling = async () => {
    while (going) {
      await attempt(async () => {
        const pid = await callWhere(client)
        calls.set(pid, (calls.get(pid) ?? 0) + 1)
      })
      await sleep(pauseMs)
    }
  }
  const refreshing = async () => {
    while (going) {
      await sleep(1_000)
      await attempt(async () => {
        await refresh(mcpUrl, memory)
        tally.refreshes += 1
      })
    }
  }
  const loops = [calling(), refreshing()]
  return {
    tally,
    async stop() {
      going = false
      await Promise.all(loops)
      await client.close().catch(() => {})
    },
  }
}

async function logIn(mcpUrl: string, memory: ClientMemory): Promise<void> {
  const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory })
  const client = new Client({ name: 'drawbridge-cluster', version: '1.0.0' })
  await client.connect(transport).catch((error: unknown) => {
    if (!(error instanceof UnauthorizedError)) throw error
  })
  const browser = openBrowser({ stopAt: redirectUrl })
  const consent = await browser.open(memory.authorizationUrl?.href ?? '')
  const arrived = await browser.press(await browser.press(consent, 'Allow'), 'Sign in', { login: 'octocat' })
  await transport.finishAuth(new URL(arrived.url).searchParams)
}

async function connect(mcpUrl: string, memory: ClientMemory, tally: { logouts: number }): Promise<Client> {
  const client = new Client({ name: 'drawbridge-cluster', version: '1.0.0' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(mcpUrl), {
      authProvider: memory,
      // The client would refresh upon a 401, and nobody would hear of it.
      async fetch(url, init) {
        const answer = await fetch(url, init)
        if (answer.status === 401) tally.logouts += 1
        return answer
      },
    }),
  )
  return client
}

async function callWhere(client: Client): Promise<number> {
  const { content, isError } = await client.callTool({ name: 'where', arguments: {} }, { timeout: 5_000 })
  const [first] = content
  const { pid }: { pid?: unknown } = first?.type === 'text' ? JSON.parse(first.text) : {}
  if (isError || typeof pid !== 'number') throw new Error('the tool did not answer')
  return pid
}

async function refresh(mcpUrl: string, memory: ClientMemory): Promise<void> {
  const { authorizationServerUrl, authorizationServerMetadata: metadata } = await discoverOAuthServerInfo(mcpUrl)
  const [clientInformation, tokens] = [memory.clientInformation(), memory.tokens()]
  if (!metadata || !clientInformation || !tokens?.refresh_token) throw new Error('there is nothing to refresh')
  const refreshed = await refreshAuthorization(authorizationServerUrl, {
    metadata,
    clientInformation,
    refreshToken: tokens.refresh_token,
    resource: mcpUrl,
  })
  memory.saveTokens(refreshed)
}

function isLogout(error: unknown): boolean {
  return error instanceof UnauthorizedError || (error instanceof OAuthError && error.code.startsWith('invalid_'))
}
