import type { Upstream } from '../ports/upstream.ts'
import { isScope, offlineAccess } from '../protocol/scope.ts'
import { type ExpandScopes, expandScopes, findScopeCycle, type IncludedScopes } from '../protocol/scope-hierarchy.ts'
import type { OAuthProxyOptions, RefreshTokenPolicy } from './options.ts'
import { listOf } from './refuse-options.ts'

/** Which scopes there are, and what clients may have of them. */
export interface ScopePolicy {
  /** What every call needs, and what a client gets that asks for nothing. */
  readonly requiredScopes: readonly string[]
  /** Every scope a client may ask for; `offline_access` always. */
  readonly validScopes: readonly string[]
  /** The provider's hierarchy and the operator's. */
  readonly expandScopes: ExpandScopes
  /** Whether a client may ask for no more than it registered. */
  readonly registeredIsLimit: boolean
  readonly refreshTokens: RefreshTokenPolicy
}

/** Parses the scopes of the options; adds to `problems` what is wrong with them. */
export function parseScopes(
  options: OAuthProxyOptions,
  upstream: Pick<Upstream, 'defaultScopes' | 'includedScopes'>,
  problems: string[],
): ScopePolicy {
  const { requiredScopes: asked, clients = {}, scopes = {} } = options
  const requiredScopes = listOf(asked) ?? upstream.defaultScopes
  const validScopes = [...new Set([...requiredScopes, ...(listOf(clients.validScopes) ?? []), offlineAccess])]
  const includes = parseIncludes(scopes.includes ?? {}, problems)
  const tables = [upstream.includedScopes ?? {}, includes]
  const cycle = findScopeCycle(...tables)
  if (cycle !== undefined) problems.push(`scopes.includes lets ${JSON.stringify(cycle)} include itself, directly or by way of others`)
  const { refreshTokens = 'grant-type', registeredIsLimit = false } = scopes
  if (refreshTokens !== 'grant-type' && refreshTokens !== 'offline-access')
    problems.push("scopes.refreshTokens is neither 'grant-type' nor 'offline-access'")
  if (typeof registeredIsLimit !== 'boolean') problems.push('scopes.registeredIsLimit is neither true nor false')
  problems.push(...refuseScopes([...validScopes, ...Object.entries(includes).flat(2)]))
  return { requiredScopes, validScopes, expandScopes: expandScopes(...tables), registeredIsLimit, refreshTokens }
}

function parseIncludes(includes: IncludedScopes, problems: string[]): IncludedScopes {
  const bad = Object.entries(includes).filter(([, below]) => !Array.isArray(below))
  problems.push(...bad.map(([scope]) => `scopes.includes.${scope} is not a list`))
  return bad.length > 0 ? {} : includes
}

/** Scopes that cannot be written into a `scope` parameter. */
function refuseScopes(scopes: readonly string[]): string[] {
  const bad = [...new Set(scopes)].filter((scope) => !isScope(scope))
  return bad.map((scope) => `the scope ${JSON.stringify(scope)} has characters that RFC 6749 does not allow`)
}
