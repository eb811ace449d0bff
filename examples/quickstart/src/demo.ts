import {
  Client,
  discoverOAuthServerInfo,
  type OAuthServerInfo,
  refreshAuthorization,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { ClientMemory } from './client-memory.ts'
import { type DemoServer, serveDemo } from './demo-server.ts'
import { openBrowser } from './driver/index.ts'

// The command `npm run demo`: a whole login without a browser, by the official client, told step by step. Exits 1 when a step fails.
const redirectUrl = 'http://127.0.0.1:33418/callback'

let steps = 0
function step(what: string): void {
  steps += 1
  console.log(`\n${steps}. ${what}`)
}
const tell = (what: string) => console.log(`   ${what}`)

const server = await serveDemo()
try {
  await demonstrate(server)
  console.log('\nDone: every step did what it should.')
} catch (error) {
  console.error('\nThis step failed:', error)
  process.exitCode = 1
} finally {
  await server.close()
}

async function demonstrate({ mcpUrl, standInUrl }: DemoServer): Promise<void> {
  console.log(`MCP server ${mcpUrl}, stand-in for GitHub ${standInUrl}`)
  const memory = new ClientMemory(redirectUrl)
  await signIn(mcpUrl, memory)
  const client = await connect(mcpUrl, memory)
  await useTools(client)
  const info = await discoverOAuthServerInfo(mcpUrl)
  await refresh(info, mcpUrl, memory)
  tell(`whoami, with the new token: ${await callTool(client, 'whoami')}`)
  await client.close()
  await revoke(info, mcpUrl, memory)
}

async function connect(mcpUrl: string, authProvider: ClientMemory): Promise<Client> {
  const client = new Client({ name: 'drawbridge-demo', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider }))
  return client
}

async function signIn(mcpUrl: string, memory: ClientMemory): Promise<void> {
  step('The client connects without a token, is refused with 401, finds the authorization server and registers itself.')
  const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory })
  const refused = await new Client({ name: 'drawbridge-demo', version: '1.0.0' }).connect(transport).catch((error: unknown) => error)
  if (!(refused instanceof UnauthorizedError) || !memory.authorizationUrl)
    throw new Error('the client was not sent to a login', { cause: refused })
  tell(
    `It is now client ${memory.clientInformation()?.client_id} and opens ${memory.authorizationUrl.origin}${memory.authorizationUrl.pathname}`,
  )

  step('The person reads the consent page and presses "Allow".')
  const browser = openBrowser({ stopAt: redirectUrl, onHop: (method, url, status) => tell(`${method} ${withoutQuery(url)} -> ${status}`) })
  const consent = await browser.open(memory.authorizationUrl.href)
  tell(`"${consent.title}"`)
  const login = await browser.press(consent, 'Allow')

  step('The person signs in at GitHub (here: the stand-in) as octocat.')
  tell(`"${login.title}"`)
  const arrived = await browser.press(login, 'Sign in', { login: 'octocat' })
  const answer = new URL(arrived.url).searchParams
  tell(`The browser is back at the client with ${[...answer.keys()].join(', ')}.`)
  if (!memory.isOwnState(answer.get('state'))) throw new Error('the state is not the one that went out')

  step('The client redeems the code, with its PKCE verifier.')
  await transport.finishAuth(answer)
  const { token_type, expires_in, scope } = memory.tokens() ?? {}
  tell(`It has a ${token_type} token for ${expires_in} s, scope "${scope}", and a refresh token.`)
}

async function useTools(client: Client): Promise<void> {
  step('The client connects again and uses the tools.')
  const { tools } = await client.listTools()
  tell(`tools: ${tools.map(({ name }) => name).join(', ')}`)
  tell(`whoami: ${await callTool(client, 'whoami')}`)
  tell(`github_user: ${await callTool(client, 'github_user')}`)
}

async function callTool(client: Client, name: string): Promise<string> {
  const result = await client.callTool({ name, arguments: {} })
  const text = JSON.stringify(result.structuredContent)
  if (result.isError || !text?.includes('octocat')) throw new Error(`${name} answered ${JSON.stringify(result.content)}`)
  return text
}

async function refresh(
  { authorizationServerUrl, authorizationServerMetadata: metadata }: OAuthServerInfo,
  resource: string,
  memory: ClientMemory,
) {
  step('The client refreshes.')
  const [clientInformation, before] = [memory.clientInformation(), memory.tokens()]
  if (!metadata || !clientInformation || !before?.refresh_token) throw new Error('there is nothing to refresh')
  const tokens = await refreshAuthorization(authorizationServerUrl, {
    metadata,
    clientInformation,
    refreshToken: before.refresh_token,
    resource,
  })
  memory.saveTokens(tokens)
  const renewed = tokens.access_token !== before.access_token && tokens.refresh_token !== before.refresh_token
  if (!renewed) throw new Error('the tokens are still the old ones')
  tell('It has a new access token and a new refresh token.')
}

async function revoke({ authorizationServerMetadata: metadata }: OAuthServerInfo, mcpUrl: string, memory: ClientMemory): Promise<void> {
  step('The client revokes its refresh token, and the access token is over with it.')
  const [client, tokens] = [memory.clientInformation(), memory.tokens()]
  const endpoint = metadata && 'revocation_endpoint' in metadata ? metadata.revocation_endpoint : undefined
  if (!endpoint || !client || !tokens?.refresh_token) throw new Error('there is nothing to revoke')
  const body = new URLSearchParams({ token: tokens.refresh_token, token_type_hint: 'refresh_token', client_id: client.client_id })
  const revoked = await fetch(endpoint, { method: 'POST', body })
  tell(`POST ${endpoint} -> ${revoked.status}`)
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  const after = await fetch(mcpUrl, { method: 'POST', headers })
  tell(`POST ${mcpUrl} with the access token -> ${after.status}`)
  tell(`WWW-Authenticate: ${after.headers.get('www-authenticate')}`)
  if (revoked.status !== 200 || after.status !== 401) throw new Error('the token is still good')
}

function withoutQuery(url: string): string {
  return url.replace(/\?.*$/s, '?…')
}
