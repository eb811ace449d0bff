import { isRedisAdapter, type RedisTarget } from './redis-adapter.ts'

/** How one node of Redis is reached. */
interface RedisNode {
  /** Undefined for those that Sentinel names: nobody knows where they are before. */
  readonly host: string | undefined
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
  if (host !== undefined && /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host)) return []
  const missing = [...(secure ? [] : ['TLS']), ...(password ? [] : ['a password'])]
  if (missing.length === 0) return []
  const mended = host === undefined ? 'nodeClientOptions: { password, socket: { tls: true } }' : `rediss://user:password@${host}`
  const otherwise = 'or redisStore(target, { requireSecure: false }) where nobody else is on its network'
  const where = host === undefined ? 'behind Sentinel' : `at ${host}`
  return [`Redis ${where} is reached without ${missing.join(' and without ')}: ${mended}, ${otherwise}`]
}

function nodesOf(target: RedisTarget): RedisNode[] {
  if (typeof target === 'string') return [nodeOf([{ url: target }])]
  const client: unknown = isRedisAdapter(target) ? target.client : target
  // A client for one node shows its options by the first name, one for a Cluster by the second, one for Sentinel not at all.
  const options = read(client, 'options') ?? read(client, '_options') ?? client
  const roots = read(options, 'rootNodes')
  if (Array.isArray(roots)) return roots.map((node: unknown) => nodeOf([node, read(options, 'defaults')]))
  const sentinels = read(options, 'sentinelRootNodes')
  if (Array.isArray(sentinels)) return nodesOfSentinel(sentinels, options)
  return read(options, 'url') === undefined && read(options, 'socket') === undefined ? [] : [nodeOf([options])]
}

// Who can answer in Sentinel's place names a node of their own, and is sent the password. The nodes are elsewhere, also where Sentinel is on loopback.
function nodesOfSentinel(sentinels: readonly unknown[], options: unknown): RedisNode[] {
  const roots = sentinels.map((node) => nodeOf([{ socket: { host: read(node, 'host') } }, read(options, 'sentinelClientOptions')]))
  return [...roots, { ...nodeOf([read(options, 'nodeClientOptions')]), host: undefined }]
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
