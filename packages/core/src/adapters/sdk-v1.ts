import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import type { OAuthTokenVerifier } from '@modelcontextprotocol/sdk/server/auth/provider.js'
import type { McpAuth } from '../mcp-auth.ts'
import { OAuthError } from '../protocol/errors.ts'

/**
 * The verifier for `requireBearerAuth` of MCP's SDK v1, which knows its errors by their class and would answer any other with
 * 500. SDK v2 needs no plug: there, `auth` itself is the verifier.
 */
export function sdkV1Verifier(auth: McpAuth): OAuthTokenVerifier {
  return {
    async verifyAccessToken(token) {
      try {
        return { ...(await auth.verifyAccessToken(token)) }
      } catch (error) {
        if (error instanceof OAuthError && error.code === 'invalid_token') throw new InvalidTokenError(error.message)
        throw error
      }
    },
  }
}
