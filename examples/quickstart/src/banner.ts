import type { Settings, VariableName } from './config.ts'
import { isLoopback } from './url-setting.ts'

/** What happened on the way to the start. */
export interface Start {
  readonly settings: Settings
  /** Where the stand-in is, when it takes GitHub's place. */
  readonly standIn?: { readonly url: string; readonly logins: readonly string[] }
  /** The `.env` that was read: which variables were taken from it, and which keys were made into it just now. */
  readonly dotenv: { readonly path: string; readonly taken: readonly VariableName[]; readonly made: readonly VariableName[] }
}

/** The text at the start: where MCP is, who signs people in, and how to connect. Values from `.env` are masked. */
export function banner(start: Start): string {
  const { baseUrl, mcpPath } = start.settings
  const mcpUrl = `${baseUrl}${mcpPath === '/' ? '' : mcpPath}`
  return [
    `Drawbridge quickstart: an MCP server with a login.\n\n  MCP URL   ${mcpUrl}`,
    `  ${signIn(start)}`,
    `  State     ${whereState(start.settings)}`,
    ...limitLines(start.settings),
    ...dotenvLines(start.dotenv),
    connecting(mcpUrl, isLoopback(baseUrl) ? onlyHere : fromAnywhere(mcpUrl)),
    atGitHub(start),
    'Stop with Ctrl+C.',
  ]
    .filter(Boolean)
    .join('\n\n')
    .concat('\n')
}

function signIn({ settings: { github, hosts }, standIn }: Start): string {
  if (!standIn) return `Sign-in   ${github?.serverUrl ?? 'https://github.com'}`
  return `Sign-in   NOT GITHUB: a local stand-in at ${standIn.url}, because GITHUB_CLIENT_ID is not set.
            Sign in as ${standIn.logins.join(', ')}, without a password. It forgets everybody when it stops.${hosts === 'many' ? onlyOwn : ''}`
}

const onlyOwn = `
            Other hosts have one of their own: a login works only with a single host.`

// Without the user and password of its URL.
function whereState({ storage, hosts }: Settings): string {
  if (storage.kind === 'sqlite') return `in the file ${storage.path}`
  if (storage.kind === 'memory') return 'in memory: all of it is gone when this stops'
  return `in the ${storage.kind === 'redis' ? 'Redis' : 'PostgreSQL'} at ${new URL(storage.url).host}${hosts === 'many' ? ', shared with the other hosts' : ''}`
}

// What the server does by itself: 120 a minute, and an end after 30 days without use. On loopback there are no strangers.
function limitLines({ baseUrl, rateLimits }: Settings): string[] {
  if (isLoopback(baseUrl)) return []
  if (!rateLimits) return ['  Limits    OFF: nothing bounds how many clients a stranger registers']
  return ['  Limits    120 registrations a minute from one address: at most 5,184,000 that nobody uses, for each address and host']
}

function dotenvLines({ path, taken, made }: Start['dotenv']): string[] {
  const lines = []
  if (taken.length > 0) lines.push(`  Read from ${path}: ${taken.map((name) => `${name}=****`).join(' ')}`)
  if (made.length > 0) lines.push(`  Made just now, into ${path}: ${made.join(', ')}`)
  return lines.length > 0 ? [lines.join('\n')] : []
}

function connecting(mcpUrl: string, hosted: string): string {
  return `Connect:

  Inspector     npx @modelcontextprotocol/inspector
                then choose "Streamable HTTP" and ${mcpUrl}
  Claude Code   claude mcp add --transport http drawbridge ${mcpUrl}
                then /mcp inside Claude Code signs in
  VS Code       code --add-mcp '${JSON.stringify({ name: 'drawbridge', type: 'http', url: mcpUrl })}'
  Cursor        in .cursor/mcp.json: ${JSON.stringify({ mcpServers: { drawbridge: { url: mcpUrl } } })}
${hosted}`
}

const onlyHere = `  Claude        claude.ai, Claude Desktop's connectors and ChatGPT call from the internet: they need a public https URL.
                Start with BASE_URL set to one (a tunnel's will do), an app at GitHub, and the keys of "npm run keygen".
                The others above run on this machine and need none.`

function fromAnywhere(mcpUrl: string): string {
  return `  Claude        on claude.ai and in Claude Desktop: Settings, Connectors, "Add custom connector", ${mcpUrl}
  ChatGPT       Settings, Connectors, with developer mode: ${mcpUrl}`
}

function atGitHub({ settings: { baseUrl, github }, standIn }: Start): string {
  const urls = `  Homepage URL                 ${baseUrl}
  Authorization callback URL   ${baseUrl}/auth/callback`
  if (!standIn) return `The app ${github?.clientId} is registered there with\n\n${urls}`
  return `To use GitHub itself, register an OAuth app at https://github.com/settings/applications/new with

${urls}

and start with the two variables it gives you, or put them into .env:

  GITHUB_CLIENT_ID=...
  GITHUB_CLIENT_SECRET=...`
}
