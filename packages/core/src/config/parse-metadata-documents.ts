import type { DocumentHosts } from '../clients/find-client.ts'
import type { ClientOptions } from './options.ts'

/** Parses `clients.metadataDocuments`; undefined when it is off. */
export function parseMetadataDocuments(option: ClientOptions['metadataDocuments'], problems: string[]): DocumentHosts | undefined {
  if (option === false) return undefined
  if (option === null || (option !== undefined && (typeof option !== 'object' || Array.isArray(option)))) {
    problems.push('clients.metadataDocuments is neither false nor an object')
    return undefined
  }
  const { trustedHosts, dangerouslyAllowLoopback: allowLoopback = false } = option ?? {}
  if (typeof allowLoopback !== 'boolean') problems.push('clients.metadataDocuments.dangerouslyAllowLoopback is neither true nor false')
  if (trustedHosts === undefined) return { allowLoopback }
  if (!Array.isArray(trustedHosts)) {
    problems.push('clients.metadataDocuments.trustedHosts is not a list')
    return undefined
  }
  for (const host of trustedHosts) {
    if (!isHost(host)) problems.push(`clients.metadataDocuments.trustedHosts has ${JSON.stringify(host)}, which is not a host as in a URL`)
  }
  return { allowLoopback, trustedHosts }
}

// As `URL.host` writes it, which is what it is compared with. It is no pattern, and a parser would take a star.
function isHost(host: unknown): boolean {
  return typeof host === 'string' && !host.includes('*') && URL.canParse(`https://${host}/c`) && new URL(`https://${host}/c`).host === host
}
