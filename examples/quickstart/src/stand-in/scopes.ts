/** The scopes that another one includes, of those that a login usually asks for. */
const included: Readonly<Record<string, readonly string[]>> = {
  user: ['read:user', 'user:email', 'user:follow'],
  repo: ['repo:status', 'repo_deployment', 'public_repo', 'repo:invite'],
}

/**
 * The scopes that GitHub makes of a `scope` parameter: separated by spaces or commas, each once, and without those that
 * another one includes (https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps#normalized-scopes).
 */
export function normalizeScopes(scope: string): string[] {
  const asked = [...new Set(scope.split(/[ ,]+/).filter(Boolean))]
  const covered = new Set(asked.flatMap((name) => included[name] ?? []))
  return asked.filter((name) => !covered.has(name))
}
