import { serve } from '@drawbridge/core/node'
import {
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from '@modelcontextprotocol/server'
import type { Outcome, Run } from './outcome.ts'
import type { ServedDrawbridge } from './served-drawbridge.ts'
import type { ServedMcp } from './session-handler.ts'
import { type Check, runSuite } from './suite.ts'
import { logIn, serveTokenProxy } from './token-proxy.ts'

/** The MCP server without a gate, and behind one, as the suite meets them. */
export interface BothServers {
  readonly open: string
  readonly gated: string
  close(): Promise<void>
}

/** Serves the MCP server alone, and what brings a token to the same one behind the gate. */
export async function serveBoth({ mcpUrl }: ServedDrawbridge, mcp: ServedMcp): Promise<BothServers> {
  const proxy = await serveTokenProxy(mcpUrl, await logIn(mcpUrl))
  const open = await serve(
    {
      // Without us it has to look at `Host` and `Origin` itself.
      fetch: (request) =>
        hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
        originValidationResponse(request, localhostAllowedOrigins()) ??
        mcp.fetch(request),
    },
    { port: 0, print: () => {} },
  )
  return {
    open: `${open.url}/mcp`,
    gated: proxy.url,
    async close() {
      await proxy.close()
      await open.close()
    },
  }
}

/** The gate changes nothing: each check of each requirement set comes out as it does without it, and so many succeed. */
export function serverRuns(how: string, both: BothServers, revisions: Readonly<Record<string, number>>): Run[] {
  return Object.entries(revisions).map(([revision, atLeast]) => {
    const name = `server ${revision}, ${how}, gated as not gated`
    return { name, make: () => compareRuns(name, both, revision, atLeast) }
  })
}

async function compareRuns(name: string, { open, gated }: BothServers, revision: string, atLeast: number): Promise<Outcome> {
  const run = (url: string) => runSuite(['server', '--url', url, '--requirements', revision])
  const [without, through] = await Promise.all([run(open), run(gated)])
  const [expected, found] = [resultsOf(without), resultsOf(through)]
  const names = [...new Set([...expected.keys(), ...found.keys()])]
  const different = names.filter((check) => expected.get(check) !== found.get(check))
  const succeeded = through.filter(({ status }) => status === 'SUCCESS').length
  const failures = different.map(
    (check) => `${check}: ${found.get(check) ?? 'missing'}, without the gate ${expected.get(check) ?? 'missing'}`,
  )
  if (succeeded < atLeast) failures.push(`only ${succeeded} of ${atLeast} checks succeed`)
  return { name: `${name}, ${succeeded} of ${through.length} succeed`, passed: names.length - different.length, failures }
}

/** What each check came to; a scenario may make one several times. */
function resultsOf(checks: readonly Check[]): ReadonlyMap<string, string> {
  const results = new Map<string, string>()
  for (const { scenario, id, name, status } of checks) {
    const check = `${scenario}, ${id}, ${name}`
    results.set(check, [results.get(check), status].filter(Boolean).join(' '))
  }
  return results
}
