/**
 * The challenge in a 401 of ours. Where a bearer token is due, nothing is said of an error that was not made (RFC 6750 §3.1). Elsewhere a client
 * that tried a scheme is answered in it (RFC 6749 §5.2).
 */
export function challengeOf(code: string, request: Request): { 'www-authenticate'?: string } {
  const [scheme] = (request.headers.get('authorization') ?? '').split(/\s/, 1)
  const tried = scheme?.toLowerCase()
  if (code === 'invalid_token') return { 'www-authenticate': `Bearer realm="Drawbridge"${tried === 'bearer' ? `, error="${code}"` : ''}` }
  return tried === 'basic' ? { 'www-authenticate': 'Basic realm="Drawbridge"' } : {}
}
