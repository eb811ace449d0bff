import { describe, expect, it } from 'vitest'
import { banner, type Start } from './banner.ts'
import { parseSettings, type Variables } from './config.ts'

const keys = {
  JWT_SIGNING_KEY: 'A_signing_key_of_more_than_32_bytes',
  STORAGE_ENCRYPTION_KEY: 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=',
}
const app = { GITHUB_CLIENT_ID: 'Iv1.1', GITHUB_CLIENT_SECRET: 'hush' }
const nothing: Start['dotenv'] = { path: '.env', taken: [], made: [] }
const standIn = { url: 'http://127.0.0.1:41234', logins: ['octocat', 'alice', 'bob'] }

const text = (env: Variables, start: Partial<Start> = {}) =>
  banner({ settings: parseSettings({ ...keys, ...env }), dotenv: nothing, ...start })

describe('banner', () => {
  it('names the MCP URL and how each client connects to it', () => {
    const printed = text({ PORT: '8001' }, { standIn })
    for (const line of [
      '  MCP URL   http://localhost:8001/mcp',
      '  Inspector     npx @modelcontextprotocol/inspector',
      '  Claude Code   claude mcp add --transport http drawbridge http://localhost:8001/mcp',
      `  VS Code       code --add-mcp '{"name":"drawbridge","type":"http","url":"http://localhost:8001/mcp"}'`,
      '  Cursor        in .cursor/mcp.json: {"mcpServers":{"drawbridge":{"url":"http://localhost:8001/mcp"}}}',
    ]) {
      expect(printed.split('\n')).toContain(line)
    }
  })

  it('has no slash to spare when MCP is at the root', () => {
    expect(text({ MCP_PATH: '/' })).toContain('  MCP URL   http://localhost:8000\n')
  })

  it('says plainly that a stand-in signs people in, and where it is', () => {
    expect(text({}, { standIn })).toContain(
      '  Sign-in   NOT GITHUB: a local stand-in at http://127.0.0.1:41234, because GITHUB_CLIENT_ID is not set.\n            Sign in as octocat, alice, bob, without a password. It forgets everybody when it stops.\n',
    )
  })

  it('gives what is to be pasted at GitHub, and the two variables', () => {
    const printed = text({ BASE_URL: 'http://localhost:8000/api' }, { standIn })
    expect(printed).toContain('  Homepage URL                 http://localhost:8000/api\n')
    expect(printed).toContain('  Authorization callback URL   http://localhost:8000/api/auth/callback\n')
    expect(printed).toContain('  GITHUB_CLIENT_ID=...\n  GITHUB_CLIENT_SECRET=...\n')
  })

  it('says where the state is, and repeats no password', () => {
    expect(text({})).toContain('  State     in the file .data/drawbridge.db\n')
    expect(text({ STORAGE_URL: 'memory:' })).toContain('  State     in memory: all of it is gone when this stops\n')
    const shared = text({ ...app, HOSTS: 'many', STORAGE_URL: 'redis://me:pass@db:6379/2' })
    expect(shared).toContain('  State     in the Redis at db:6379, shared with the other hosts\n')
    expect(shared).not.toContain('pass')
    expect(text({ STORAGE_URL: 'rediss://db' })).toContain('  State     in the Redis at db\n')
    const postgres = text({ ...app, HOSTS: 'many', STORAGE_URL: 'postgres://me:pass@db:5432/auth' })
    expect(postgres).toContain('  State     in the PostgreSQL at db:5432, shared with the other hosts\n')
    expect(postgres).not.toContain('pass')
  })

  it('says on a public server how many clients a flood can leave behind (T41)', () => {
    const open = { ...app, BASE_URL: 'https://mcp.example.com', STORAGE_URL: 'memory:' }
    expect(text(open)).toContain(
      '\n\n  Limits    120 registrations a minute from one address: at most 5,184,000 that nobody uses, for each address and host\n\n',
    )
    expect(text({ ...open, RATE_LIMITS: 'off' })).toContain('\n\n  Limits    OFF: nothing bounds how many clients a stranger registers\n\n')
    expect(text({ RATE_LIMITS: 'off' })).not.toContain('Limits')
    expect(text({})).not.toContain('Limits')
  })

  it('says that a stand-in is for one host', () => {
    const many = { HOSTS: 'many', STORAGE_URL: 'redis://db' }
    expect(text(many, { standIn })).toContain('Other hosts have one of their own: a login works only with a single host.\n')
    expect(text({}, { standIn })).not.toContain('Other hosts')
  })

  it('says where people sign in when an app is registered, and never the secret', () => {
    expect(text(app)).toContain('  Sign-in   https://github.com\n')
    expect(text({ ...app, GITHUB_SERVER_URL: 'https://github.example.com' })).toContain('  Sign-in   https://github.example.com\n')
    expect(text(app)).toContain('The app Iv1.1 is registered there with\n')
    expect(text(app)).not.toContain('hush')
    expect(text(app)).not.toContain('NOT GITHUB')
  })

  it('tells which clients need a public https URL, unless there is one', () => {
    const needed = "claude.ai, Claude Desktop's connectors and ChatGPT call from the internet: they need a public https URL"
    expect(text({})).toContain(needed)
    expect(text({})).not.toContain('Add custom connector')
    const reachable = text({ ...app, BASE_URL: 'https://mcp.example.com' })
    expect(reachable).not.toContain(needed)
    expect(reachable).toContain(
      'on claude.ai and in Claude Desktop: Settings, Connectors, "Add custom connector", https://mcp.example.com/mcp\n',
    )
  })

  it('says what was read from .env, masked, and which keys were made', () => {
    const printed = text(keys, { dotenv: { path: '.env', taken: ['PORT', 'JWT_SIGNING_KEY'], made: ['STORAGE_ENCRYPTION_KEY'] } })
    expect(printed).toContain('  Read from .env: PORT=**** JWT_SIGNING_KEY=****\n  Made just now, into .env: STORAGE_ENCRYPTION_KEY\n')
    expect(printed).not.toContain('A_signing_key')
    expect(text({})).not.toContain('.env:\n  Read')
  })
})
