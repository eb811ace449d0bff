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

/** Asks to stay signed in, of the authorization server alone: no resource needs it or names it (OpenID Connect Core §11, SEP-2207). */
export const offlineAccess = 'offline_access'

/** `scopes` without {@link offlineAccess}: what a resource may need and name (MCP 2026-07-28, SEP-2207). */
export function resourceScopes(scopes: readonly string[]): readonly string[] {
  return scopes.filter((scope) => scope !== offlineAccess)
}

/**
 * What goes upstream of the scopes that a client asked for (ours). {@link offlineAccess} is between the client and us, unless
 * the operator `requires` it, of an upstream that gives refresh tokens for nothing less.
 */
export function upstreamScopes(scopes: readonly string[], required: readonly string[]): readonly string[] {
  return required.includes(offlineAccess) ? [...resourceScopes(scopes), offlineAccess] : resourceScopes(scopes)
}
