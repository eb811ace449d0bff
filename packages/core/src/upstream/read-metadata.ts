import { UpstreamUnavailable } from '../ports/upstream.ts'
import type { UpstreamFetch } from './upstream-fetch.ts'

/** Reads a document of an issuer (OpenID Connect Discovery §4.2, RFC 8414 §3.2). Rejects with `UpstreamUnavailable` where there is none. */
export async function readMetadata(call: UpstreamFetch, url: string): Promise<Record<string, unknown>> {
  const response = await call(url, { headers: { accept: 'application/json' } })
  if (!response.ok) throw new UpstreamUnavailable(`status_${response.status}`)
  const json: unknown = await response.json()
  return { ...(typeof json === 'object' ? json : undefined) }
}

/** A URL out of such a document: https, or, for an issuer that is on loopback, on the same host. Throws `UpstreamUnavailable` with `reason` for anything else (threat T51). */
export function requireSafeUrl(url: unknown, issuer: string, reason: string): string {
  if (typeof url === 'string' && isSafeUrl(url, issuer)) return url
  throw new UpstreamUnavailable(reason)
}

function isSafeUrl(url: string, issuer: string): boolean {
  if (!URL.canParse(url)) return false
  return (
    url.startsWith('https://') ||
    (url.startsWith('http://') && issuer.startsWith('http://') && new URL(url).hostname === new URL(issuer).hostname)
  )
}
