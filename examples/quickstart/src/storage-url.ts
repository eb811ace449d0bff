/** Where the state is kept. */
export type StorageSetting = { readonly kind: 'sqlite'; readonly path: string } | { readonly kind: 'memory' }

/** Parses `STORAGE_URL`; undefined when it is a problem. The text may hold a password, so no problem repeats it. */
export function parseStorageUrl(text: string, problems: string[]): StorageSetting | undefined {
  if (text === 'memory:') return { kind: 'memory' }
  const [, path] = /^sqlite:(.+)$/s.exec(text) ?? []
  if (path !== undefined) return { kind: 'sqlite', path }
  const redis = /^rediss?:\/\//.test(text)
  problems.push(
    redis ? 'STORAGE_URL: redis:// is not available in this release' : 'STORAGE_URL is neither sqlite:<path of a file> nor memory:',
  )
  return undefined
}
