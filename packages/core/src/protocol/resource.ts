/** Scheme, authority and the rest of an absolute http(s) URI. */
const parts = /^(https?):\/\/([^/?#\\@]+)([/?][^#]*)?$/i

/**
 * The canonical form of a resource indicator: scheme and host in lower case, no default port, and no slash where there is no
 * path; everything else to the letter (RFC 8707 §2, MCP "canonical server URI"). Undefined when it is relative or has a fragment.
 */
export function canonicalResource(text: string): string | undefined {
  const [, scheme, authority, rest = ''] = parts.exec(text) ?? []
  if (scheme === undefined || authority === undefined || !URL.canParse(text)) return undefined
  const origin = `${scheme.toLowerCase()}://${authority.toLowerCase()}`.replace(scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/, '')
  return rest === '/' ? origin : `${origin}${rest}`
}

/** The one of `resources` that `text` names (RFC 8707 §2); undefined when it names another, or is no resource indicator. */
export function findResource(text: string, resources: readonly string[]): string | undefined {
  const asked = canonicalResource(text)
  return asked === undefined ? undefined : resources.find((resource) => canonicalResource(resource) === asked)
}
