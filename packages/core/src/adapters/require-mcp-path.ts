import type { AuthenticateOptions, McpAuth } from '../mcp-auth.ts'
import { ConfigurationError } from '../protocol/errors.ts'

/**
 * Throws `ConfigurationError` for a gate that would not know which of several MCP endpoints it guards: on a path that is none of
 * them, it would let in the tokens of each (threat T60).
 */
export function requireMcpPath(auth: McpAuth, { mcpPath }: AuthenticateOptions): void {
  auth.getRoutes(mcpPath) // throws for a path that is not listed
  if (mcpPath !== undefined || auth.resources.length === 1) return
  const listed = auth.resources.map((resource) => resource.mcpPath).join(', ')
  throw new ConfigurationError([`requireAuth guards one MCP endpoint, and there are several: say which by mcpPath (${listed})`])
}
