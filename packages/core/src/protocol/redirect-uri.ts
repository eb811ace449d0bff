import { matchesRedirectPattern } from './redirect-pattern.ts'

/** Schemes that run or show what they carry, or that no client can receive on (RFC 8252 §8.10 and threat T28). */
const dangerousSchemes: readonly string[] = [
  'javascript',
  'data',
  'vbscript',
  'file',
  'blob',
  'about',
  'view-source',
  'filesystem',
  'ws',
  'wss',
  'ftp',
]

/** Names we add to a redirect; a redirect URI that already carries one could forge an answer (RFC 9207 §2, RFC 6749 §4.1.2). */
const answerNames: readonly string[] = ['code', 'state', 'iss', 'error']

const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?((?:\/|\?).*)?$/

/** Which redirect URIs this server takes, of those that anybody could (ours). */
export interface RedirectPolicy {
  /** Private-use schemes without a dot. */
  readonly redirectSchemes: readonly string[]
  /** The operator's list: patterns, of which a redirect URI has to match one. Absent: no list. */
  readonly redirectUris?: readonly string[]
}

/**
 * Why `uri` cannot be registered as a redirect URI, or undefined when it can: https, http on loopback, or a private-use
 * scheme with a dot or named by the operator (OAuth 2.1 §2.3, RFC 8252 §7.1), and on the operator's list if there is one. What a URL parser would rewrite is refused, so
 * that the text compared later is the text browsers follow.
 */
export function refuseRedirectUri(uri: string, { redirectSchemes, redirectUris }: RedirectPolicy): string | undefined {
  if (uri.length > 2048) return 'is longer than 2048 characters'
  if (!URL.canParse(uri)) return 'is not an absolute URI'
  const url = new URL(uri)
  const scheme = url.protocol.slice(0, -1)
  if (dangerousSchemes.includes(scheme)) return 'has a scheme that is not allowed'
  if (uri.includes('#')) return 'has a fragment'
  if (url.username !== '' || url.password !== '') return 'names a user'
  if (url.href !== uri && url.href !== `${uri}/`) return 'is not in its normal form'
  if (scheme === 'http' && !isLoopbackUri(uri)) return 'is http outside loopback'
  if (scheme !== 'https' && scheme !== 'http' && !scheme.includes('.') && !redirectSchemes.includes(scheme))
    return 'has a scheme that is not allowed'
  if (answerNames.some((name) => url.searchParams.has(name))) return 'has a query parameter that answers use'
  if (redirectUris && !redirectUris.some((pattern) => matchesRedirectPattern(uri, pattern))) return 'is not one that this server allows'
  return undefined
}

/** Whether `uri` is http on `127.0.0.1`, `[::1]` or `localhost`: received by a program on the person's computer (RFC 8252 §7.3). */
export function isLoopbackUri(uri: string): boolean {
  return loopback.test(uri)
}

/** Whether `uri` is the `registered` one: the same text, or on loopback the same but for the port (OAuth 2.1 §4.1.1, RFC 8252 §7.3). */
export function matchesRedirectUri(uri: string, registered: string): boolean {
  if (uri === registered) return true
  const asked = loopback.exec(uri)
  const known = loopback.exec(registered)
  return asked !== null && known !== null && asked[1] === known[1] && asked[2] === known[2]
}

/** The redirect that carries `answer`, the URI's own query kept to the letter (RFC 6749 §4.1.2); undefined members are left out. */
export function redirectTo(uri: string, answer: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(Object.entries(answer).filter((pair): pair is [string, string] => pair[1] !== undefined))
  const at = uri.indexOf('?')
  // A question mark after the first one belongs to the query and parts nothing.
  const joint = at === -1 ? '?' : at === uri.length - 1 || uri.endsWith('&') ? '' : '&'
  return `${uri}${joint}${query}`
}

/** Where a redirect URI leads, for people: the host, or the scheme of a program (MCP 2025-11-25, client security: show it). */
export function redirectDestination(uri: string): string {
  const url = new URL(uri)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.host : `${url.protocol}//${url.host}`
}
