import type { Emit } from '../ports/events.ts'
import { coversScopes, isScope, resourceScopes } from '../protocol/scope.ts'
import type { ExpandScopes } from '../protocol/scope-hierarchy.ts'
import { insufficient } from './authenticate.ts'

/** Which scopes to ask the person for. */
export interface ScopeChallenge {
  readonly scopes: readonly [string, ...string[]]
  readonly errorDescription: string
}

/** Judges a call that an MCP server is about to serve: the `scopeChallenge` of MCP's SDK v2. Undefined lets it pass. */
export type ScopeChallengeHandler = (context: {
  readonly authInfo?:
    | { readonly clientId: string; readonly scopes: readonly string[]; readonly extra?: Readonly<Record<string, unknown>> | undefined }
    | undefined
}) => ScopeChallenge | undefined

/** What requiring needs. */
export interface RequireScopesNeeds {
  /** What every call needs, so that the challenge is whole. */
  readonly requiredScopes: readonly string[]
  readonly expandScopes: ExpandScopes
  readonly emit: Emit
}

/**
 * Makes a handler for one tool, prompt or resource, which needs `scopes` beside what every call needs (MCP 2026-07-28, scope
 * challenges). A call without `authInfo` is the gate's affair and passes. Throws a `TypeError` for none, or for what is no scope.
 */
export function requireScopes(needs: RequireScopesNeeds, scopes: readonly string[]): ScopeChallengeHandler {
  const [first, ...others] = new Set(resourceScopes([...needs.requiredScopes, ...scopes]))
  if (resourceScopes(scopes).length === 0 || first === undefined || !scopes.every(isScope))
    throw new TypeError('requireScopes is called with one scope or more, and each as RFC 6749 has it.')
  const needed = [first, ...others] as const
  return ({ authInfo }) => {
    if (!authInfo || coversScopes(needs.expandScopes(authInfo.scopes), needed)) return undefined
    const grantId = authInfo.extra?.grantId
    const whose = { clientId: authInfo.clientId, ...(typeof grantId === 'string' && { grantId }) }
    needs.emit({ type: 'token.refused', reason: 'scope_missing', ...whose, scopes: needed })
    return { scopes: needed, errorDescription: insufficient }
  }
}
