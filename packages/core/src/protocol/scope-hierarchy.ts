/** Which scopes a scope includes, by that scope: `{ admin: ['read', 'write'] }` (ours). */
export type IncludedScopes = Readonly<Record<string, readonly string[]>>

/** Adds to scopes what they include, at any depth, each once and behind the one that includes it (MCP 2026-07-28, scope hierarchies). */
export type ExpandScopes = (scopes: readonly string[]) => readonly string[]

/** The hierarchy of all `tables` together (MCP 2026-07-28, scope hierarchies). */
export function expandScopes(...tables: readonly IncludedScopes[]): ExpandScopes {
  const included = mergeTables(tables)
  return (scopes) => {
    const expanded = new Set<string>()
    for (const scope of scopes) addWithIncluded(expanded, scope, included)
    return [...expanded]
  }
}

/** A scope that includes itself, by way of others or directly, in all `tables` together; undefined when there is none (ours). */
export function findScopeCycle(...tables: readonly IncludedScopes[]): string | undefined {
  const included = mergeTables(tables)
  return [...included].find(([scope, below]) => {
    const reached = new Set<string>()
    for (const one of below) addWithIncluded(reached, one, included)
    return reached.has(scope)
  })?.[0]
}

// A map, because a scope may be called "constructor".
function mergeTables(tables: readonly IncludedScopes[]): ReadonlyMap<string, readonly string[]> {
  const included = new Map<string, readonly string[]>()
  for (const [scope, below] of tables.flatMap((table) => Object.entries(table)))
    included.set(scope, [...(included.get(scope) ?? []), ...below])
  return included
}

function addWithIncluded(expanded: Set<string>, scope: string, included: ReadonlyMap<string, readonly string[]>): void {
  if (expanded.has(scope)) return
  expanded.add(scope)
  for (const below of included.get(scope) ?? []) addWithIncluded(expanded, below, included)
}
