/** The members of what should be an object: none where it is anything else, as optional parts of an upstream's answer are. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
