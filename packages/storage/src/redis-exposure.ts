import { isRedisAdapter, type RedisTarget } from './redis-adapter.ts'

/** How one node of Redis is reached. */
interface RedisNode {
  readonly host: string
  readonly secure: boolean
  readonly password: boolean
}

/**
 * How others on its network can get at this Redis: what is missing, and what mends it, without any secret; undefined where
 * nothing is missing, on loopback, and where a client of the operator's own does not show how it was made (threat T96).
 */
export function redisExposure(target: RedisTarget): string | undefined {
  return nodesOf(target).flatMap(exposureOf)[0]
}

function exposureOf({ host, secure, password }: RedisNode): string[] {
  if (/^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host)) return []
  const missing = [...(secure ? [] : ['TLS']), ...(password ? [] : ['a password'])]
  if (missing.length === 0) return []
  const mended = `rediss://user:password@${host}, or redisStore(target, { requireSecure: false }) where nobody else is on its network`
  return [`Redis at ${host} is reached without ${missing.join(' and without ')}: ${mended}`]
}

function nodesOf(target: RedisTarget): RedisNode[] {
  if (typeof target === 'string') return [nodeOf([{ url: target }])]
  const client: unknown = isRedisAdapter(target) ? target.client : target
  // A client for one node shows its options by the first name, one for a Cluster by the second, one for Sentinel not at all.
  const options = read(client, 'options') ?? read(client, '_options') ?? client
  const roots = read(options, 'rootNodes')
  if (Array.isArray(roots)) return roots.map((node: unknown) => nodeOf([node, read(options, 'defaults')]))
  const sentinels = read(options, 'sentinelRootNodes')
  // The nodes themselves are where Sentinel says, in the same network, and are reached as their own options say.
  if (Array.isArray(sentinels))
    return sentinels.map((node: unknown) => nodeOf([{ socket: { host: read(node, 'host') } }, read(options, 'nodeClientOptions')]))
  return read(options, 'url') === undefined && read(options, 'socket') === undefined ? [] : [nodeOf([options])]
}

// The first one that says something has the word, as in the client itself.
function nodeOf(options: readonly unknown[]): RedisNode {
  const first = (...path: string[]): unknown => options.map((one) => read(one, ...path)).find((value) => value !== undefined)
  const url = first('url')
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  const host = first('socket', 'path') === undefined ? parsed?.hostname || first('socket', 'host') : 'localhost'
  return {
    host: typeof host === 'string' ? host : 'localhost',
    secure: parsed?.protocol === 'rediss:' || Boolean(first('socket', 'tls')),
    password: Boolean(parsed?.password || first('password') || first('credentialsProvider')),
  }
}

function read(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((at, name) => (typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined), value)
}
