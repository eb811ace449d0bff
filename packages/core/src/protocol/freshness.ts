import type { Seconds, UnixSeconds } from './time.ts'

/** Within what an answer counts as fresh, and for how long when it does not say. */
export interface FreshnessBounds {
  readonly least: Seconds
  readonly most: Seconds
  readonly otherwise: Seconds
}

/** For how long an answer is fresh by its own headers (RFC 9111 §4.2.1 and §4.2.3), within our bounds. */
export function freshFor(headers: Headers, now: UnixSeconds, { least, most, otherwise }: FreshnessBounds): Seconds {
  return Math.min(Math.max(ownFreshness(headers, now) ?? otherwise, least), most)
}

function ownFreshness(headers: Headers, now: UnixSeconds): Seconds | undefined {
  const directives = (headers.get('cache-control') ?? '')
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim())
  if (directives.some((directive) => /^(no-store|no-cache)\b/.test(directive))) return 0
  const maxAge = directives.map((directive) => /^max-age="?(\d{1,10})"?$/.exec(directive)?.[1]).find((value) => value !== undefined)
  const age = Number(/^\d{1,10}$/.exec(headers.get('age') ?? '')?.[0] ?? 0)
  if (maxAge !== undefined) return Number(maxAge) - age
  const expires = headers.get('expires')
  if (expires === null) return undefined
  // An Expires that is no date has passed (§5.3).
  const moment = Date.parse(expires)
  return Number.isNaN(moment) ? 0 : Math.floor(moment / 1000) - now
}
