/** Request parameters that are known to an endpoint, each at most once. */
export interface Parameters<Name extends string> {
  /** The value, or undefined: a parameter without a value counts as absent (OAuth 2.1 §3.1). */
  readonly values: Readonly<Partial<Record<Name, string>>>
  /** Those that were sent more than once; their values are left out (OAuth 2.1 §3.1: "MUST NOT be included more than once"). */
  readonly repeated: readonly Name[]
}

/** Reads the parameters an endpoint knows and ignores the others (OAuth 2.1 §3.1, §3.2). */
export function parseParameters<Name extends string>(search: URLSearchParams, names: readonly Name[]): Parameters<Name> {
  const values: Partial<Record<Name, string>> = {}
  const repeated: Name[] = []
  for (const name of names) {
    const sent = search.getAll(name)
    if (sent.length > 1) repeated.push(name)
    else if (sent[0]) values[name] = sent[0]
  }
  return { values, repeated }
}

/** Whether `text` has a control character, or a byte that was not UTF-8 and became U+FFFD on the way in (ours; RFC 6749 appendix A). */
export function hasForbiddenCharacter(text: string): boolean {
  return /[\p{Cc}\ufffd]/u.test(text)
}
