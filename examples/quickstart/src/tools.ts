import type { AuthInfo, CallToolResult, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'

/** What the tools need to act in the name of the person who calls. */
export interface ToolNeeds {
  /** GitHub, with the person's own token. */
  upstream(authInfo: AuthInfo): Promise<{ fetch(url: string, init?: RequestInit): Promise<Response> }>
  /** Where GitHub's API is: `https://api.github.com`, or the `/api/v3` of a server. */
  readonly apiUrl: string
}

const identityShape = z.object({ subject: z.string(), claims: z.record(z.string(), z.unknown()) })

/** The part of GitHub's user that the tool shows. */
const userShape = z.object({
  login: z.string(),
  name: z.string().nullable(),
  html_url: z.string(),
  public_repos: z.number(),
  followers: z.number(),
})

/** `whoami`: who the caller is, as the upstream said at the login. Calls nobody. */
export function registerWhoami(server: McpServer): void {
  server.registerTool(
    'whoami',
    {
      title: 'Who am I?',
      description: 'The identity that GitHub gave at the login.',
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ http }) => {
      const identity = identityShape.safeParse(http?.authInfo?.extra?.identity)
      return identity.success ? answer(identity.data) : failure('This call brings no identity.')
    },
  )
}

/** `github_user`: asks GitHub who the caller is, with the token GitHub gave for this person. */
export function registerGitHubUser(server: McpServer, { upstream, apiUrl }: ToolNeeds): void {
  server.registerTool(
    'github_user',
    { title: 'GitHub profile', description: 'Your profile, asked from GitHub just now.', annotations: { readOnlyHint: true } },
    async ({ http }) => {
      if (!http?.authInfo) return failure('This call brings no access token.')
      const github = await upstream(http.authInfo)
      // GitHub answers 403 to a request without User-Agent.
      const headers = { accept: 'application/vnd.github+json', 'user-agent': 'drawbridge-quickstart' }
      const response = await github.fetch(`${apiUrl}/user`, { headers, redirect: 'error', signal: AbortSignal.timeout(10_000) })
      if (!response.ok) return failure(`GitHub answered ${response.status}.`)
      const user = userShape.safeParse(await response.json().catch(() => undefined))
      return user.success ? answer(user.data) : failure('GitHub answered something that is not a user.')
    },
  )
}

function answer(content: Record<string, unknown>): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(content, undefined, 2) }], structuredContent: content }
}

function failure(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true }
}
