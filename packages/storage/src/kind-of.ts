/** The kind of record or list that a name is of: its second part, as in `{namespace}:{kind}:{hash}`. */
export function kindOf(name: string): string {
  return name.split(':', 2)[1] ?? ''
}
