/** The scopes in a `scope` parameter, in order, each once; characters outside RFC 6749 §3.3 make it undefined. */
export function parseScope(text: string): readonly string[] | undefined {
  const scopes = text.split(' ').filter((scope) => scope !== '')
  return scopes.every(isScope) ? [...new Set(scopes)] : undefined
}

/** Whether `text` is one scope-token (RFC 6749 §3.3). */
export function isScope(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}

/** The `scope` parameter for `scopes` (RFC 6749 §3.3). */
export function formatScope(scopes: readonly string[]): string {
  return scopes.join(' ')
}

/** Those of `scopes` that `allowed` has too, in the order of `scopes` (RFC 6749 §3.3: "fully or partially ignore"). */
export function narrowScopes(scopes: readonly string[], allowed: readonly string[]): readonly string[] {
  return scopes.filter((scope) => allowed.includes(scope))
}

/** Whether `granted` has every one of `needed`, compared whole (RFC 6750 §3.1). */
export function coversScopes(granted: readonly string[], needed: readonly string[]): boolean {
  return needed.every((scope) => granted.includes(scope))
}
