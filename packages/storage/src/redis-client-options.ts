import type { CreateClient } from './redis-adapter.ts'

/** The options of a client for one node. */
export type ClientOptions = Parameters<CreateClient>[0]

/** Where a node is. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** Where this process reaches what Redis calls by another address. */
type AddressMap = { readonly [address: string]: RedisAddress } | ((address: string) => RedisAddress | undefined)

// Back within a second, and not all at once.
const wait = (retries: number): number => Math.min(25 * 2 ** retries, 500) + Math.floor((retries * 37) % 50)

// No offline queue: a request that waits for Redis to come back is a request that hangs.
const defaults: ClientOptions = {
  disableOfflineQueue: true,
  commandsQueueMaxLength: 10_000,
  socket: { connectTimeout: 2_000, reconnectStrategy: wait },
}

/** What a server needs, and over it what the operator has set: the later ones have the word. */
export function clientOptions(...layers: readonly (ClientOptions | undefined)[]): ClientOptions {
  const all = [defaults, ...layers]
  const sockets = all.map((layer) => layer?.socket)
  return { ...Object.assign({}, ...all), socket: Object.assign({}, ...sockets) }
}

/** The socket of a node by the address that Redis gives. Without `reconnectStrategy` it connects again by itself. */
export function socketOf(address: string, map: AddressMap | undefined, reconnectStrategy?: false): ClientOptions {
  const colon = address.lastIndexOf(':')
  const given = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
  const { host, port } = (typeof map === 'function' ? map(address) : map?.[address]) ?? given
  return { socket: { host, port, ...(reconnectStrategy === false && { reconnectStrategy }) } }
}

/** What a root of a Cluster says of who we are and of TLS: it holds for every node that its options say nothing of, as nobody has one node in clear among others. */
export function ofEveryNode(root: ClientOptions | undefined): ClientOptions {
  const url = root?.url !== undefined && URL.canParse(root.url) ? new URL(root.url) : undefined
  const username = root?.username ?? decodeURIComponent(url?.username ?? '')
  const password = root?.password ?? decodeURIComponent(url?.password ?? '')
  const tls = url?.protocol === 'rediss:' || Boolean(root?.socket && 'tls' in root.socket && root.socket.tls)
  return { ...(username && { username }), ...(password && { password }), ...(tls && { socket: { tls: true } }) }
}
