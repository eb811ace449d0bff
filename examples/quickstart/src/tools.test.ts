import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { describe, expect, it } from 'vitest'
import { registerGitHubUser, registerWhoami, type ToolNeeds } from './tools.ts'

const octocat = {
  login: 'octocat',
  name: null,
  html_url: 'https://github.com/octocat',
  public_repos: 8,
  followers: 20,
  email: 'octocat@example.com',
}
const identity = { subject: '583231', claims: { login: 'octocat' } }

/** Calls a tool in one stateless request; what it answered, and what was asked of GitHub. */
async function call(name: string, { extra = {}, github = () => Response.json(octocat) }: { extra?: object; github?: () => Response } = {}) {
  const asked: { url: string; headers: Headers }[] = []
  const upstream: ToolNeeds['upstream'] = async () => ({
    async fetch(url, init) {
      asked.push({ url, headers: new Headers(init?.headers) })
      return github()
    },
  })
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'test', version: '1.0.0' })
    registerWhoami(server)
    registerGitHubUser(server, { upstream, apiUrl: 'https://api.github.com' })
    return server
  })
  const request = new Request('http://localhost:8000/mcp', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }),
  })
  const authInfo = { token: 't', clientId: 'c', scopes: [], extra: { ...extra } }
  const text = await (await handler.fetch(request, { authInfo })).text()
  const { result } = JSON.parse(text.replace(/^.*?data: /s, ''))
  return { result, asked }
}

describe('whoami', () => {
  it('tells the identity that came with the token, and asks nobody', async () => {
    const { result, asked } = await call('whoami', { extra: { identity, grantId: 'g' } })
    expect(result).toEqual({
      content: [{ type: 'text', text: JSON.stringify(identity, undefined, 2) }],
      structuredContent: identity,
    })
    expect(asked).toEqual([])
  })

  it('fails, as a tool does, without an identity', async () => {
    expect((await call('whoami')).result).toEqual({
      content: [{ type: 'text', text: 'This call brings no identity.' }],
      isError: true,
    })
  })
})

describe('github_user', () => {
  it('asks GitHub, and shows what is public', async () => {
    const { result, asked } = await call('github_user')
    expect(result.structuredContent).toEqual({
      login: 'octocat',
      name: null,
      html_url: 'https://github.com/octocat',
      public_repos: 8,
      followers: 20,
    })
    expect(asked.map(({ url }) => url)).toEqual(['https://api.github.com/user'])
    expect(asked[0]?.headers.get('user-agent')).toBe('drawbridge-quickstart')
  })

  it.each([
    ['GitHub answered 401.', () => Response.json({ message: 'Bad credentials' }, { status: 401 })],
    ['GitHub answered something that is not a user.', () => new Response('<p>Unicorn!</p>')],
    ['GitHub answered something that is not a user.', () => Response.json({ message: 'Server Error' })],
  ])('fails, as a tool does: %s', async (text, github) => {
    expect((await call('github_user', { github })).result).toEqual({ content: [{ type: 'text', text }], isError: true })
  })
})
