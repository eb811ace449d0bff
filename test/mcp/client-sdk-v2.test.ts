import { openBrowser } from '@drawbridge/quickstart/driver'
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { afterEach, describe, expect, it } from 'vitest'
import { ClientMemory } from '../../examples/quickstart/src/client-memory.ts'
import { type ServedServer, serveServer } from './served-server.ts'

const redirectUrl = 'http://127.0.0.1:33418/callback'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function server(options?: Parameters<typeof serveServer>[0]): Promise<ServedServer> {
  const served = await serveServer(options)
  open.push(served)
  return served
}

function newClient(): Client {
  const client = new Client({ name: 'a test', version: '1.0.0' })
  open.push(client)
  return client
}

/** From the first refusal to tokens: the person reads the real consent form and signs in at the stand-in. */
async function login(mcpUrl: string, memory: ClientMemory): Promise<void> {
  const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory })
  await expect(newClient().connect(transport)).rejects.toThrow(UnauthorizedError)
  const browser = openBrowser({ stopAt: redirectUrl })
  const consent = await browser.open(memory.authorizationUrl?.href ?? '')
  const signIn = await browser.press(consent, 'Allow')
  const end = await browser.press(signIn, 'Sign in', { login: 'octocat' })
  await transport.finishAuth(new URL(end.url).searchParams)
}

async function connect(mcpUrl: string, memory: ClientMemory): Promise<Client> {
  const client = newClient()
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory }))
  return client
}

async function textOf(client: Client, tool: string): Promise<string> {
  const { content, isError } = await client.callTool({ name: tool, arguments: {} })
  const [first] = content
  if (isError || first?.type !== 'text') throw new Error(JSON.stringify(content))
  return first.text
}

describe('the official client, SDK v2', () => {
  it('discovers, registers, is granted access by a person, redeems, lists the tools and calls them', async () => {
    const { mcpUrl, github, events } = await server()
    const memory = new ClientMemory(redirectUrl)
    await login(mcpUrl, memory)
    const client = await connect(mcpUrl, memory)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['whoami', 'upstream_user'])
    expect(JSON.parse(await textOf(client, 'whoami'))).toMatchObject({ subject: '583231', claims: { login: 'octocat' } })
    expect(JSON.parse(await textOf(client, 'upstream_user'))).toMatchObject({ login: 'octocat', id: 583231 })
    expect(events.map(({ type }) => type)).toEqual(['client.registered', 'consent.approved', 'grant.opened', 'token.issued'])
    const bearers = github.received.map(({ authorization }) => authorization ?? '').filter((header) => /bearer/i.test(header))
    expect(bearers.length).toBeGreaterThan(0)
    for (const bearer of bearers) expect(bearer).toMatch(/^Bearer gho_/)
  })

  it('refreshes an expired access token by itself', async () => {
    const { mcpUrl, advance } = await server()
    const memory = new ClientMemory(redirectUrl)
    await login(mcpUrl, memory)
    const client = await connect(mcpUrl, memory)
    await textOf(client, 'whoami')
    const before = memory.tokens()
    advance(3600 + 31)
    expect(await textOf(client, 'whoami')).toContain('octocat')
    expect(memory.tokens()?.access_token).not.toBe(before?.access_token)
    expect(memory.tokens()?.refresh_token).not.toBe(before?.refresh_token)
  })

  it.each(['oauth-app', 'github-app'] as const)(
    'makes three calls at once with an expired token, and all succeed and stay logged in (G1, %s)',
    async (mode) => {
      const { mcpUrl, advance, events } = await server({ mode })
      const memory = new ClientMemory(redirectUrl)
      await login(mcpUrl, memory)
      const client = await connect(mcpUrl, memory)
      await textOf(client, 'whoami')
      for (let round = 0; round < 3; round += 1) {
        advance(8 * 3600)
        const answers = await Promise.all([textOf(client, 'whoami'), textOf(client, 'upstream_user'), textOf(client, 'whoami')])
        for (const answer of answers) expect(answer).toContain('octocat')
      }
      expect(events.filter(({ type }) => type === 'grant.ended' || type === 'refresh.replayed')).toEqual([])
      expect(events.filter(({ type }) => type === 'upstream.refreshed').length).toBe(mode === 'github-app' ? 3 : 0)
    },
  )

  it('is refused after it revoked its token, and can log in again', async () => {
    const { mcpUrl, github } = await server()
    const memory = new ClientMemory(redirectUrl)
    await login(mcpUrl, memory)
    const client = await connect(mcpUrl, memory)
    await textOf(client, 'whoami')
    const revocation = await fetch(mcpUrl.replace('/mcp', '/revoke'), {
      method: 'POST',
      body: new URLSearchParams({ token: memory.tokens()?.refresh_token ?? '', client_id: memory.clientInformation()?.client_id ?? '' }),
    })
    expect(revocation.status).toBe(200)
    await expect(textOf(client, 'whoami')).rejects.toThrow(UnauthorizedError)
    await expect.poll(() => github.received.filter(({ method }) => method === 'DELETE').length).toBe(1)
    await login(mcpUrl, memory)
    expect(await textOf(await connect(mcpUrl, memory), 'whoami')).toContain('octocat')
  })

  it('is told that the person said no', async () => {
    const { mcpUrl } = await server()
    const memory = new ClientMemory(redirectUrl)
    const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory })
    await expect(newClient().connect(transport)).rejects.toThrow(UnauthorizedError)
    const browser = openBrowser({ stopAt: redirectUrl })
    const end = await browser.press(await browser.open(memory.authorizationUrl?.href ?? ''), 'Deny')
    const answer = new URL(end.url).searchParams
    expect(answer.get('error')).toBe('access_denied')
    await expect(transport.finishAuth(answer)).rejects.toThrow(/said no/)
  })
})
