/** What a `*` stands for: one or more of the characters that mean nothing in a URI (RFC 3986 §2.3). No slash, no escape, no port. */
const unreserved = /^[A-Za-z0-9._~-]+$/

/**
 * Whether `uri` is one that the operator's `pattern` stands for: the same text, but for each `*`, and on loopback with any port
 * (ours; RFC 9700 §4.1.3 has clients compared exactly, and they still are: this comes on top). `uri` is one that can be
 * registered, so no dot segment and no other spelling of a path is left in it.
 */
export function matchesRedirectPattern(uri: string, pattern: string): boolean {
  return isSpelledBy(withoutLoopbackPort(new URL(uri).href), withoutLoopbackPort(pattern).split('*'))
}

// The nearest place of each piece is the right one: what a star may not take, no star further on could take either.
function isSpelledBy(text: string, [piece = '', ...pieces]: readonly string[]): boolean {
  const [next, ...others] = pieces
  if (next === undefined) return text === piece
  if (!text.startsWith(piece)) return false
  const rest = text.slice(piece.length)
  const end = others.length === 0 ? rest.length - next.length : rest.indexOf(next, 1)
  return end > 0 && unreserved.test(rest.slice(0, end)) && isSpelledBy(rest.slice(end), pieces)
}

function withoutLoopbackPort(text: string): string {
  return text.replace(/^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)):(?:\d+|\*)(?=[/?])/, '$1')
}
