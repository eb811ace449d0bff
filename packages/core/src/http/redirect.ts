/** A redirect with 303, so that the next request is a GET whatever this one was (RFC 9700 §4.12). */
export function seeOther(location: string): Response {
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } })
}
