/** Where the state is kept. */
export type StorageSetting =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'redis'; readonly url: string }
  | { readonly kind: 'memory' }

/** Parses `STORAGE_URL`; undefined when it is a problem. The text may hold a password, so no problem repeats it. */
export function parseStorageUrl(text: string, problems: string[]): StorageSetting | undefined {
  if (text === 'memory:') return { kind: 'memory' }
  const [, path] = /^sqlite:(.+)$/s.exec(text) ?? []
  if (path !== undefined) return { kind: 'sqlite', path }
  const isRedis = /^rediss?:\/\//.test(text)
  if (isRedis && isRedisUrl(text)) return { kind: 'redis', url: text }
  problems.push(
    isRedis
      ? 'STORAGE_URL begins like the URL of a Redis and is none: redis://user:password@host:6379, or rediss:// for TLS; what has other characters than letters and digits in it is percent-encoded'
      : 'STORAGE_URL is none of sqlite:<path of a file>, redis://<host>:<port> and memory:',
  )
  return undefined
}

// What its client would refuse with an error that quotes the whole URL.
function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { hostname, pathname, username, password } = new URL(text)
  const isEncoded = [username, password].every((part) => /^([^%]|%[0-9a-f]{2})*$/i.test(part))
  return hostname !== '' && /^(\/\d*)?$/.test(pathname) && isEncoded
}
