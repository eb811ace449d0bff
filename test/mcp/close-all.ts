/** What a test opened, and has to close. */
export interface Closeable {
  close(): Promise<void>
}

/** Closes everything, the newest first. One that fails keeps nothing else open. */
export async function closeAll(open: Closeable[]): Promise<void> {
  const failures: unknown[] = []
  for (const each of open.splice(0).reverse()) await each.close().catch((cause) => failures.push(cause))
  if (failures.length > 0) throw new AggregateError(failures)
}
