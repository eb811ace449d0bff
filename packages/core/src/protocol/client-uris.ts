/** Addresses in a client's metadata that are for people to look at (RFC 7591 §2). We show none of them and load none. */
const names: readonly string[] = ['client_uri', 'logo_uri', 'tos_uri', 'policy_uri']

/**
 * The member of a client's metadata that is to be shown to people and is neither https nor http, such as `javascript:` (RFC 7591
 * §5, threat T45). What is no URL leads nowhere and is let be.
 */
export function unsafeClientUri(metadata: Readonly<Record<string, unknown>>): string | undefined {
  return names.find((name) => {
    const value = metadata[name]
    return typeof value === 'string' && URL.canParse(value) && !/^https?:$/.test(new URL(value).protocol)
  })
}
