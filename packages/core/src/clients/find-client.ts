import { isDocumentUrl, isUrlLike } from '../protocol/document-url.ts'
import type { Client } from '../records/client.ts'
import type { Records } from '../records/records.ts'
import { isSealedId, type SealedClients } from './sealed-clients.ts'

/** Finds a client by its id; undefined when nobody registered under it. `request` is who asks: their address counts where we have to ask others. */
export type FindClient = (clientId: string, request?: Request) => Promise<Client | undefined>

/** Which URLs are clients. */
export interface DocumentHosts {
  readonly allowLoopback: boolean
  /** The hosts whose documents are taken. Absent: all. */
  readonly trustedHosts?: readonly string[]
}

/** Where clients are found. */
export interface ClientPlaces {
  readonly clients: Records['clients']
  /** Those that the operator lists. */
  readonly listed: ReadonlyMap<string, Client>
  /** Those that are nowhere but in their ids; absent where registration is not sealed. */
  readonly sealed: Pick<SealedClients, 'open'> | undefined
  /** Those that are URLs; absent where documents are off, and then no URL is a client. */
  readonly documents: { readonly hosts: DocumentHosts; readonly find: FindClient } | undefined
}

/** Finds the clients that the operator lists, those that are URLs, and those that registered by themselves (RFC 7591), in the store or sealed. */
export function findClient({ clients, listed, sealed, documents }: ClientPlaces): FindClient {
  return async (clientId, request) => {
    const known = listed.get(clientId)
    if (known) return known
    if (sealed && isSealedId(clientId)) return sealed.open(clientId)
    if (!isUrlLike(clientId)) return clients.find(clientId)
    return documents && isTaken(clientId, documents.hosts) ? documents.find(clientId, request) : undefined
  }
}

function isTaken(url: string, hosts: DocumentHosts): boolean {
  return isDocumentUrl(url, hosts) && (hosts.trustedHosts?.includes(new URL(url).host) ?? true)
}
