/** The id and secret of a `Basic` header (RFC 7617); undefined when there is none. */
export function basicCredentials(authorization: string | undefined): { id: string; secret: string } | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { id: formDecode(text.slice(0, colon)), secret: formDecode(text.slice(colon + 1)) }
}

// RFC 6749 §2.3.1 has both encoded as in a form; a client that does not bother is understood as well.
function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
