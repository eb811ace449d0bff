/** A redirect with 303, so that the next request is a GET whatever this one was (RFC 9700 §4.12); `cookies` are `Set-Cookie` values. */
export function seeOther(location: string, cookies: readonly string[] = []): Response {
  const headers = new Headers({ location, 'cache-control': 'no-store' })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(null, { status: 303, headers })
}
