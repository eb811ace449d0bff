import { Resolver } from 'node:dns/promises'

/** All addresses of a host, of both families. Rejects when it has none, or nobody could say. */
export type ResolveHost = (host: string, signal: AbortSignal) => Promise<readonly string[]>

/**
 * Asks the name servers of this machine. Not `lookup`, which every other call of this process uses too: two strangers' names
 * that nobody answers for would hold up the logins of everybody. So the hosts file is not looked at.
 */
export const resolveHost: ResolveHost = async (host, signal) => {
  // RFC 6761 §6.3: never asked of anybody.
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1', '::1']
  const resolver = new Resolver({ timeout: 1000, tries: 2 })
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const addresses = [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (addresses.length === 0 && four.status === 'rejected') throw four.reason
    return addresses
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
