/** Where the state is kept. */
export type StorageSetting =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'redis' | 'postgres'; readonly url: string }
  | { readonly kind: 'memory' }

/** Parses `STORAGE_URL`; undefined when it is a problem. The text may hold a password, so no problem repeats it. */
export function parseStorageUrl(text: string, problems: string[]): StorageSetting | undefined {
  if (text === 'memory:') return { kind: 'memory' }
  const [, path] = /^sqlite:(.+)$/s.exec(text) ?? []
  if (path !== undefined) return { kind: 'sqlite', path }
  const kind = kindOf(text)
  if (kind === undefined)
    problems.push('STORAGE_URL is none of sqlite:<path of a file>, redis://<host>:<port>, postgres://<host>:<port>/<database> and memory:')
  else if (kind === 'redis' ? isRedisUrl(text) : isPostgresUrl(text)) return { kind, url: text }
  else
    problems.push(
      `STORAGE_URL begins like the URL of a ${shapes[kind]}; what has other characters than letters and digits in it is percent-encoded`,
    )
  return undefined
}

const shapes = {
  redis: 'Redis and is none: redis://user:password@host:6379, or rediss:// for TLS',
  postgres: 'PostgreSQL and is none: postgres://user:password@host:5432/database, with ?sslmode=verify-full for TLS',
}

function kindOf(text: string): 'redis' | 'postgres' | undefined {
  if (/^rediss?:\/\//.test(text)) return 'redis'
  return /^postgres(ql)?:\/\//.test(text) ? 'postgres' : undefined
}

// What its client would refuse with an error that quotes the whole URL.
function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { hostname, pathname, username, password } = new URL(text)
  return hostname !== '' && /^(\/\d*)?$/.test(pathname) && isEncoded(username, password)
}

function isPostgresUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { hostname, pathname, username, password } = new URL(text)
  return hostname !== '' && /^\/[^/]+$/.test(pathname) && isEncoded(username, password, pathname)
}

function isEncoded(...parts: string[]): boolean {
  return parts.every((part) => /^([^%]|%[0-9a-f]{2})*$/i.test(part))
}
